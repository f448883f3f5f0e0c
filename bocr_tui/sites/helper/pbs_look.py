"""How jobs stand, asked as a login node can bear it.

Every id in one qstat uses up ports below 1024, of which a machine has few: a handful is asked by id, more
than that by one listing of all living jobs, which is filtered here. History is everybody's and huge and is
asked by id alone. An empty id would mean all jobs.
"""

import time
from typing import Any, Dict, List, Tuple

from . import pbs_codes
from .pbs_commands import Ended, Pbs, find_pbs, is_id_at, job_number, run_command, user_name
from .pbs_filter import JobFilter, is_over

LISTING_S = 30.0
BY_ID_S = 15.0

MOST_BY_ID = 8
"""Ids a look; each takes two ports for a minute."""
FEW_JOBS = 4
"""So few are asked by id at once."""

UNREACHABLE = 255
"""qstat's exit status when its server is down."""

MAX_TEXT_BYTES = 4 << 20

Said = Dict[str, Any]
"""{"status" (None: no answer in time), "stderr": bytes, "text": bytes}."""


def look_pbs(root: str, jobs: Dict[str, str], options: Dict[str, Any]) -> Dict[str, Any]:
    """What PBS says of `jobs` ({token: id, or id@server}, those first that should be asked by id first).

    Answers {"user", "listing": Said or None, "by_id": Said or None, "asked": [ids asked by id], "singly":
    {id: Said} where the answer about several was refused because of some}. The texts are blocks of `qstat
    -f`, of the listing only those of our jobs and only what matters of them. Raises Refused when PBS is not
    there.
    """
    pbs = find_pbs(root, options.get("pbs_exec") or "")
    ids = [job_id for job_id in jobs.values() if is_id_at(job_id)]
    answer: Dict[str, Any] = {
        "user": user_name(),
        "listing": None,
        "by_id": None,
        "asked": [],
        "singly": {},
    }
    if not ids:
        return answer
    missing = ids
    if len(ids) > FEW_JOBS:
        answer["listing"], missing = _ask_listing(pbs, ids)
    missing = missing[:MOST_BY_ID]
    if missing:
        answer["asked"] = missing
        answer["by_id"] = _ask_ids(pbs, missing)
        if len(missing) > 1 and _is_refused(answer["by_id"]):
            answer["singly"] = _ask_singly(pbs, missing)
    return answer


def _is_refused(said: Said) -> bool:
    """qstat itself would not have one of the ids, such as one of a server whose name it does not know any
    more: it says so of that one, and of the whole answer by its status. A server in trouble sounds
    different, and is asked no more."""
    return pbs_codes.meaning("qstat", said["status"]) == pbs_codes.REFUSED


def _ask_singly(pbs: Pbs, ids: List[str]) -> Dict[str, Said]:
    """As many as there is time for."""
    found, deadline = {}, time.monotonic() + BY_ID_S
    for one in ids:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            break
        found[one] = _ask_ids(pbs, [one], left_s)
    return found


def _ask_listing(pbs: Pbs, ids: List[str]) -> Tuple[Said, List[str]]:
    """(what was said, ids that are to be asked one by one: those that are not in it or not to be believed;
    all, where the listing never came whole; none, where the server is in trouble)."""
    found, begun = JobFilter(ids), time.monotonic()
    said = run_command([pbs.command("qstat"), "-f", "-w"], LISTING_S, take=found.feed)
    if said.status == 2:  # too old to know -w here: folded lines are read, too
        found = JobFilter(ids)
        left_s = max(5.0, LISTING_S - (time.monotonic() - begun))
        said = run_command([pbs.command("qstat"), "-f"], left_s, take=found.feed)
    blocks = found.blocks()
    good = {
        number: several[0]
        for number, several in blocks.items()
        if len(several) == 1 and not is_over(several[0])
    }
    text = b"".join(good.values())[:MAX_TEXT_BYTES]
    if said.status not in (0, UNREACHABLE):
        return _said(said, text), ids
    if said.status != 0 or said.stderr.strip():
        return _said(said, text), []
    return _said(said, text), [one for one in ids if job_number(one) not in good]


def _ask_ids(pbs: Pbs, ids: List[str], seconds: float = 0.0) -> Said:
    """With history where the server keeps one."""
    qstat, wide = pbs.command("qstat"), ["-w"]
    seconds = seconds or BY_ID_S
    said = run_command([qstat, "-x", "-f", "-w", *ids], seconds)
    if said.status == 2:
        wide = []
        said = run_command([qstat, "-x", "-f", *ids], seconds)
    if pbs_codes.NO_HISTORY in said.stderr:
        said = run_command([qstat, "-f", *wide, *ids], seconds)
    return _said(said, said.stdout)


def _said(said: Ended, text: bytes) -> Said:
    return {"status": said.status, "stderr": said.stderr, "text": text}


def server_pbs(root: str, options: Dict[str, Any]) -> Dict[str, Any]:
    """{"folder", "version", "user", "server": Said of `qstat -B -f`, "queues": Said of `qstat -Q -f`}. Raises
    Refused when PBS is not there."""
    pbs = find_pbs(root, options.get("pbs_exec") or "")
    answer: Dict[str, Any] = {"folder": pbs.folder, "version": pbs.version, "user": user_name()}
    for name, option in (("server", "-B"), ("queues", "-Q")):
        said = run_command([pbs.command("qstat"), option, "-f"], BY_ID_S)
        answer[name] = _said(said, said.stdout)
    return answer
