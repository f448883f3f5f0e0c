"""Jobs as detached processes, which outlive whoever started them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Dict, List, Optional

from . import become
from .become import process_birth
from .runs import read_file

START_WAIT_S = 20.0


def start_direct(root: str, token: str) -> str:
    """Start `runs/<token>/job.sh` once, detached; returns its id. Asked again, it answers with the same id.

    The process writes its own id before it does anything else, so an id that exists is one that ran. Should
    two starts race, the worker's claim lets one of them work.
    """
    run = os.path.join(root, "runs", token)
    jobid = os.path.join(run, "jobid")
    known = read_file(jobid, 0, 200)
    if known:
        return known.decode().strip()
    with contextlib.suppress(FileExistsError):
        os.mkdir(os.path.join(run, "intent"), 0o700)
    starter = [sys.executable, "-I", os.path.abspath(become.__file__), run]
    subprocess.run(starter, stdin=subprocess.DEVNULL, check=True, timeout=60)
    deadline = time.time() + START_WAIT_S
    while time.time() < deadline:
        known = read_file(jobid, 0, 200)
        if known:
            return known.decode().strip()
        time.sleep(0.02)
    raise TimeoutError("job %s did not start within %d s" % (token, START_WAIT_S))


def _is_elsewhere(identity: str) -> bool:
    """Whether it runs on another machine than this: a login alias may lead to several."""
    host = identity.rpartition("@")[2] if "@" in identity else ""
    return host not in ("", socket.gethostname()[:80])


def _alive(identity: str) -> Optional[int]:
    parts = (identity.rpartition("@")[0] or identity).split(".", 2)
    if len(parts) != 3 or parts[0] != "direct" or not parts[1].isdigit():
        return None
    pid, born = int(parts[1]), parts[2]
    return pid if process_birth(pid) == born else None


def look_direct(root: str, identities: List[str]) -> Dict[str, Optional[bool]]:
    """{id: whether its process lives; None for one that was started on another machine than this}."""
    del root
    return {
        identity: None if _is_elsewhere(identity) else _alive(identity) is not None for identity in identities
    }


def stop_direct(root: str, token: str, identity: str, force: bool) -> bool:
    """Ask a job to stop (a stop file and SIGTERM), or with `force` kill its whole process group. Returns
    whether it was alive."""
    with contextlib.suppress(OSError), open(os.path.join(root, "runs", token, "stop"), "wb"):
        pass
    pid = _alive(identity) if identity and not _is_elsewhere(identity) else None
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(os.getpgid(pid), signal.SIGKILL if force else signal.SIGTERM)
    return True
