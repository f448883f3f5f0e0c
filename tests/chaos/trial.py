"""One trial: a small campaign over SSH and PBS, with faults at random moments, and the verdict."""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bocr_tui.control.orders import submit_batches
from tests.chaos.driving import ForkedDriver
from tests.chaos.faults import FAULTS, Scene
from tests.chaos.verdict import SchedulerJob, Verdict, judge
from tests.control.campaigns import Campaign, make_campaign
from tests.papers import make_pdf
from tests.pbs_double import Double
from tests.sites.cut_proxy import CutProxy
from tests.sites.sshd import Sshd

END_WITHIN_S = 120.0
BATCHES, PAGES = (1, 2), 3

CONFIG = """
pipeline = [
  {{ engine = "noop", options = {{ answer = "empty", sleep_s = {sleep_s} }} }},
  {{ engine = "noop", options = {{ answer = "text" }} }},
]
site = "cluster"
[limits]
job_tries = 50
[sites.cluster]
transport = "ssh"
host = "loopback"
port = {port}
root = "{root}"
scheduler = "pbs"
pbs_exec = "{pbs_exec}"
python = "{python}"
poll_s = 0.1
look_s = 0.2
[sites.cluster.pbs]
select = "1:ncpus=1"
"""


@dataclass(frozen=True)
class Outcome:
    """`faults` are those that were done; `restarts` how often a driver was started anew."""

    seed: int
    faults: tuple[str, ...]
    seconds: float
    restarts: int
    jobs: int
    verdict: Verdict


class Cluster:
    """An sshd, a link to it, and a PBS: shared by trials, since each finds its own run folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sshd = Sshd(folder / "sshd")
        os.environ.update(self.sshd.environment)
        os.environ.pop("SSH_AUTH_SOCK", None)
        self.sshd.start()
        self.pbs = Double.start(folder / "pbs", slots=4)
        self.root = self.sshd.home / "site"
        self.proxy = CutProxy("127.0.0.1", self.sshd.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.proxy.close()
        self.pbs.stop()
        self.sshd.stop()

    def healed(self) -> None:
        """As before any fault."""
        self.proxy.close()
        self.proxy = CutProxy("127.0.0.1", self.sshd.port)
        self.pbs.faults(server="up", slow_s=0.0, lose_ids=0, refuse=0)


def run_trial(cluster: Cluster, seed: int, kinds: Sequence[str] = tuple(FAULTS)) -> Outcome:
    """Everything random comes from the seed; what the operating system makes of it does not."""
    chance = random.Random(seed)
    began = time.monotonic()
    cluster.healed()
    folder = Path(tempfile.mkdtemp(prefix=f"trial-{seed}-", dir=cluster.folder))
    campaign = _campaign(cluster, folder, chance)
    faults = tuple(chance.choice(list(kinds)) for _ in range(chance.randint(1, 3)))
    log = folder / "driver.log"
    driver, restarts = ForkedDriver(campaign.workspace.root, log), 0
    for fault in faults:
        if driver.wait(chance.uniform(0.0, 2.5)):
            break
        FAULTS[fault](Scene(chance, cluster.proxy, cluster.pbs, driver, cluster.root))
        if driver.ended():
            driver, restarts = ForkedDriver(campaign.workspace.root, log), restarts + 1
    finished = driver.wait(END_WITHIN_S)
    driver.kill()
    known = {str(token) for (token,) in campaign.rows("SELECT token FROM job")}
    jobs = [SchedulerJob(job.id, job.name, job.run_count) for job in cluster.pbs.jobs() if job.name in known]
    verdict = judge(campaign, cluster.root, jobs)
    if not finished:
        verdict.lost_jobs += 1
        verdict.notes.append("the driver did not come to an end")
    campaign.catalog.close()
    if not verdict.bad:
        shutil.rmtree(folder)
        for token in known:
            shutil.rmtree(cluster.root / "runs" / token, ignore_errors=True)
    return Outcome(seed, faults, time.monotonic() - began, restarts, len(jobs), verdict)


def _campaign(cluster: Cluster, folder: Path, chance: random.Random) -> Campaign:
    config = CONFIG.format(
        port=cluster.proxy.port,
        root=cluster.root,
        pbs_exec=cluster.pbs.pbs_exec,
        python=sys.executable,
        sleep_s=chance.choice([0.0, 0.05, 0.2]),
    )
    campaign = make_campaign(folder, config)
    batches = [
        campaign.add(make_pdf(folder / f"{number}.pdf", PAGES, first=chance.randint(1, 10**6)), PAGES)
        for number in range(chance.choice(BATCHES))
    ]
    submit_batches(campaign.catalog, campaign.config, batches)
    return campaign
