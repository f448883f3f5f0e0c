"""What may go wrong in a trial, and how it is done."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.driving import ForkedDriver
from tests.pbs_double import Double
from tests.sites.cut_proxy import CutProxy

HELPER_WAIT_S = 1.5


@dataclass
class Scene:
    """What a fault can get hold of."""

    random: random.Random
    proxy: CutProxy
    pbs: Double
    driver: ForkedDriver
    site_root: Path


def cut_link(scene: Scene) -> None:
    """At a random byte, on the way there or back."""
    where = "down" if scene.random.random() < 0.5 else "up"
    scene.proxy.cut_after(**{where: int(scene.random.expovariate(1 / 4000))})


def flap_link(scene: Scene) -> None:
    """Several cuts, and nobody let in for a moment."""
    for _ in range(scene.random.randint(1, 4)):
        scene.proxy.cut()
        time.sleep(scene.random.uniform(0.0, 0.15))
    scene.proxy.refuse()
    time.sleep(scene.random.uniform(0.0, 0.5))
    scene.proxy.refuse(False)


def kill_driver(scene: Scene) -> None:
    """The panel, or the laptop. The trial starts another."""
    scene.driver.kill()


def kill_wrapper(scene: Scene) -> None:
    """Whatever of ours runs on the login node for a question, its detached submission and qsub with it."""
    until = time.monotonic() + HELPER_WAIT_S
    while time.monotonic() < until:
        found = _helpers(scene.site_root)
        if found:
            for pid in scene.random.sample(found, scene.random.randint(1, len(found))):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.002)


def _helpers(site_root: Path) -> list[int]:
    """Processes of the helper below this site's root; not the jobs."""
    marks = (f"{site_root}/helpers/".encode(), b"qsub")
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes()
                if marks[0] in words and b"become.py" not in words:
                    found.append(int(entry.name))
    return found


def stop_server(scene: Scene) -> None:
    """PBS answers nothing, or is not there."""
    scene.pbs.faults(server=scene.random.choice(["down", "hung"]))
    time.sleep(scene.random.uniform(0.05, 0.8))
    scene.pbs.faults(server="up")


def restart_server(scene: Scene) -> None:
    """PBS's server is killed; jobs run on."""
    scene.pbs.kill_server()
    time.sleep(scene.random.uniform(0.0, 0.4))
    scene.pbs.restart()


def lose_id(scene: Scene) -> None:
    """qsub hands the job over, and its caller never learns the id."""
    scene.pbs.faults(lose_ids=1, lost_id=scene.random.choice(["die", "empty", "garbage"]))


def limit_jobs(scene: Scene) -> None:
    """The server takes no more for now."""
    scene.pbs.faults(refuse=scene.random.randint(1, 2), refuse_code=38)


def requeue_job(scene: Scene) -> None:
    """A running job starts again under the same id."""
    running = [job for job in scene.pbs.jobs() if job.state == "R"]
    if running:
        with suppress(Exception):  # it may have ended meanwhile
            scene.pbs.requeue(scene.random.choice(running).id, after=scene.random.uniform(0.0, 0.3))


FAULTS: dict[str, Callable[[Scene], None]] = {
    "cut": cut_link,
    "flap": flap_link,
    "driver": kill_driver,
    "wrapper": kill_wrapper,
    "server": stop_server,
    "restart": restart_server,
    "lost_id": lose_id,
    "limit": limit_jobs,
    "requeue": requeue_job,
}
