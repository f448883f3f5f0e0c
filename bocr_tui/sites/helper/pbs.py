"""What the panel asks of PBS: submit, stop, hold, release. Looking is in `pbs_look`."""

import json
import os
import re
import select
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional, Sequence

from . import pbs_codes, pbs_detached
from .pbs_commands import Pbs, find_pbs, is_job_id, is_other_token, job_number, run_command
from .pbs_qsub import find_jobs, words_of
from .pbs_submit import ACCEPTED, QSUB_S, UNCLEAR, read_job_id
from .refusal import Refused

SUBMIT_WAIT_S = 45.0
"""How long a call waits for the process that submits; that goes on by itself afterwards."""
ACT_S = 30.0
LOOK_S = 15.0

_TOKEN = re.compile(r"[a-z][a-z0-9]{0,14}")
_ROOT = re.compile(r"/[A-Za-z0-9_.@%+=:/~-]*")

Options = Dict[str, Any]
"""{"pbs_exec": PBS's folder, "qsub_s", "wait_s"}; all may be left out."""


def submit_pbs(root: str, orders: List[Dict[str, Any]], options: Options) -> List[Dict[str, Any]]:
    """Submit runs, each exactly once however often it is asked for, in the order given.

    An order is {"token", "hold", "after"} as `pbs_submit` has it. Answers in the same order {"token",
    "answer": accepted, rejected, later or unclear, "id", "words": PBS's own}. Raises Refused when nothing was
    or will be done: PBS is not there, the root's path is none that PBS takes.
    """
    for order in orders:
        if not _TOKEN.fullmatch(str(order.get("token"))):
            raise Refused("%r is no token." % (order.get("token"),))
        after = order.get("after") or ""
        if after and not is_job_id(after):
            raise Refused("%r is no job's id." % (after,))
    if not _ROOT.fullmatch(root):
        raise Refused(
            "PBS does not take the path %s." % ascii(root),
            "Choose a root of plain letters, digits and _ . - for this site, without blanks or commas.",
        )
    runs = os.path.join(root, "runs")
    answers = {order["token"]: read_job_id(os.path.join(runs, order["token"])) for order in orders}
    found = {token: _accepted(token, known) for token, known in answers.items() if known}
    if len(found) < len(answers):
        pbs = find_pbs(root, options.get("pbs_exec") or "")
        found.update(_submit_detached(root, orders, pbs, options))
    for token in answers:
        if token not in found:
            known = read_job_id(os.path.join(runs, token))
            unknown = {"token": token, "answer": UNCLEAR, "id": "", "words": "its submission is under way"}
            found[token] = _accepted(token, known) if known else unknown
    return [found[order["token"]] for order in orders]


def _accepted(token: str, job_id: str) -> Dict[str, Any]:
    return {"token": token, "answer": ACCEPTED, "id": job_id, "words": ""}


def _submit_detached(
    root: str, orders: Sequence[Dict[str, Any]], pbs: Pbs, options: Options
) -> Dict[str, Dict[str, Any]]:
    """Let a process that outlives this one do it. Returns what it answered while we waited."""
    question = {
        "root": root,
        "orders": list(orders),
        "folder": pbs.folder,
        "version": pbs.version,
        "qsub_s": float(options.get("qsub_s") or QSUB_S),
    }
    reader, writer = os.pipe()
    try:
        starter = subprocess.Popen(
            [sys.executable or "python3", "-I", "-S", os.path.abspath(pbs_detached.__file__), str(writer)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(writer,),
            start_new_session=True,
        )
        os.close(writer)
        starter.communicate(json.dumps(question).encode())
        return _answers(reader, time.monotonic() + float(options.get("wait_s") or SUBMIT_WAIT_S))
    finally:
        os.close(reader)


def _answers(reader: int, deadline: float) -> Dict[str, Dict[str, Any]]:
    """Whole lines until the end, or until the time is up."""
    said = bytearray()
    while True:
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not select.select([reader], [], [], left_s)[0]:
            break
        piece = os.read(reader, 65536)
        if not piece:
            break
        said += piece
    whole = bytes(said).split(b"\n")[:-1]
    found = [json.loads(line.decode("utf-8")) for line in whole]
    return {answer["token"]: answer for answer in found}


def stop_pbs(root: str, token: str, job_id: str, force: bool, options: Options) -> Dict[str, str]:
    """Ask a job to stop by the file it looks for; with `force` delete it, which gives it the time between
    SIGTERM and SIGKILL. Returns {"answer": a word of `pbs_codes`, "words"}."""
    run = os.path.join(root, "runs", token)
    if not _TOKEN.fullmatch(token):
        raise Refused("%r is no token." % (token,))
    try:
        with open(os.path.join(run, "stop"), "wb"):
            pass
    except OSError:
        pass  # a run folder that is gone has nobody who would read it
    if not force:
        return {"answer": pbs_codes.OK, "words": ""}
    pbs = find_pbs(root, options.get("pbs_exec") or "")
    job_id = job_id or read_job_id(run)
    if not job_id:
        ids, words = find_jobs(pbs, token)
        if ids is None:
            return {"answer": pbs_codes.UNCLEAR, "words": words}
        if not ids:
            return {"answer": pbs_codes.UNKNOWN, "words": "PBS has no job of this name"}
        job_id = ids[0]
    return _another(pbs, token, job_id) or _act(pbs, "qdel", job_id)


def _another(pbs: Pbs, token: str, job_id: str) -> Optional[Dict[str, str]]:
    """An answer instead of acting, when a server that was set up anew gave the number to another job of
    bocr."""
    _check(job_id)
    said = run_command([pbs.command("qstat"), "-f", job_id], LOOK_S)
    name = re.search(rb"^    Job_Name = (\S+)$", said.stdout, re.MULTILINE)
    if name is None or not is_other_token(name.group(1).decode("utf-8", "replace"), token):
        return None
    return {"answer": pbs_codes.UNKNOWN, "words": "its number is another job's now"}


def hold_pbs(root: str, job_id: str, options: Options) -> Dict[str, str]:
    """qhold, for a job that has not started: PBS takes it of a running one, too, and does nothing. Answers
    like `stop_pbs`, "not_now" for one that runs."""
    pbs = find_pbs(root, options.get("pbs_exec") or "")
    _check(job_id)
    said = run_command([pbs.command("qstat"), "-f", job_id], ACT_S)
    state = re.search(rb"^    job_state = (\w)$", said.stdout, re.MULTILINE)
    if said.status == 0 and state is not None and state.group(1) in (b"R", b"E", b"S", b"B", b"U"):
        return {"answer": pbs_codes.NOT_NOW, "words": "it has started"}
    return _act(pbs, "qhold", job_id)


def release_pbs(root: str, job_ids: List[str], options: Options) -> List[Dict[str, str]]:
    """qrls, one after the other. Answers like `stop_pbs`, up to the first one that is unclear."""
    pbs = find_pbs(root, options.get("pbs_exec") or "")
    answers = []
    for job_id in job_ids:
        answers.append(_act(pbs, "qrls", job_id))
        if answers[-1]["answer"] == pbs_codes.UNCLEAR:
            break
    return answers


def _act(pbs: Pbs, command: str, job_id: str) -> Dict[str, str]:
    _check(job_id)
    said = run_command([pbs.command(command), job_id], ACT_S)
    meant = pbs_codes.meaning(command, said.status)
    return {"answer": meant, "words": "" if meant == pbs_codes.OK else words_of(said, ACT_S)}


def _check(job_id: str) -> None:
    if not is_job_id(job_id) or not job_number(job_id):
        raise Refused("%r is no job's id." % (job_id,))
