"""Submitting to PBS exactly once.

A run folder remembers what was done: `intent` is written before qsub is called, `jobid` after it answered.
Asked again, `jobid` answers; an `intent` without one is cleared up by asking PBS for a job of this name, and
only when PBS answers that there is none, and no qsub can be under way any more, is qsub called anew. The job
itself writes `jobid` when it starts and finds none: its word counts too.
"""

import contextlib
import json
import os
import time
from typing import Any, Dict, List, Optional

from . import pbs_codes
from .pbs_commands import Ended, Pbs, is_job_id, job_number, run_command
from .pbs_qsub import QSELECT_S, QSUB_KILLED_S, Qsub, find_jobs, job_id_in, words_of
from .refusal import Refused
from .run_files import age_s, read_record, remove_file, write_first, write_whole
from .run_lock import RunLock, is_over, process_record, take_lock
from .runs import read_file

QSUB_S = 60.0

BESIDE_S = 10.0
"""How much longer than qsub's own time may pass between the writing of an intent and qsub's end."""

LOCK_WAIT_S = 30.0

ACCEPTED, REJECTED, LATER, UNCLEAR = "accepted", "rejected", "later", "unclear"

Order = Dict[str, Any]
"""{"token", "hold": start it held, "after": the id of the job that has to end first, empty for none, "again":
it was asked for before, and how that ended is not known}."""

Answer = Dict[str, Any]
"""{"token", "answer": one of the four, "id", "words", "status": qsub's, of one that refused}."""


class Submitter:
    """Submits runs below `root`, one after the other."""

    def __init__(self, root: str, pbs: Pbs, qsub_s: float = QSUB_S) -> None:
        self._runs = os.path.join(root, "runs")
        self._pbs = pbs
        self._qsub = Qsub(pbs, qsub_s)
        self._stopped = ""

    def submit(self, order: Order) -> Answer:
        """Once PBS does not answer, or takes no more for now, it is not asked for the orders that follow."""
        run = os.path.join(self._runs, order["token"])
        known = read_job_id(run)
        if known:
            answer = _answer(ACCEPTED, known)
        elif self._stopped:
            answer = _answer(LATER, words=self._stopped)
        else:
            answer = self._try(run, order)
        if answer["answer"] in (LATER, UNCLEAR):
            self._stopped = self._stopped or answer["words"]
        return dict(answer, token=order["token"])

    def _try(self, run: str, order: Order) -> Answer:
        if not os.path.isfile(os.path.join(run, "job.sh")):
            return _answer(REJECTED, words="its run folder %s is not there" % run)
        in_doubt = _is_in_doubt(run, order)
        try:
            lock = take_lock(run, LOCK_WAIT_S)
            if lock is None:
                return _answer(UNCLEAR, words="another submission of this run is under way")
            try:
                return self._submit_once(run, order, lock)
            finally:
                lock.release()
        except (Refused, OSError) as error:
            words = str(error) if isinstance(error, Refused) else "%s: %s" % (run, error.strerror or error)
            # No intent, no qsub: it is certain that nothing was submitted.
            return _answer(UNCLEAR if in_doubt or _is_in_doubt(run, order) else LATER, words=words)

    def _submit_once(self, run: str, order: Order, lock: RunLock) -> Answer:
        known = read_job_id(run)
        if known:
            return _answer(ACCEPTED, known)
        if _is_in_doubt(run, order):
            answer = self._clear_up(run, order["token"])
            if answer is not None:
                return answer
        if not lock.still_held():
            return _answer(UNCLEAR, words="another submission of this run is under way")
        return self._hand_over(run, order["token"], bool(order.get("hold")), order.get("after") or "")

    def _clear_up(self, run: str, token: str) -> Optional[Answer]:
        """An earlier call did not say how it ended, and may have got as far as its intent, which a machine
        that went down may even have forgotten. None: without a job."""
        ids, words = find_jobs(self._pbs, token)
        if ids is None:
            return _answer(UNCLEAR, words=words)
        if ids:
            _note(run, "found again by its name: %s" % ", ".join(ids))
            return _answer(ACCEPTED, self._settle(run, ids[0], ids[1:]))
        intent = os.path.join(run, "intent")
        record = read_record(intent)
        over = record.get("ended") is not None or is_over(record.get("qsub") or {})
        over = over or not os.path.lexists(intent)
        if not over and age_s(intent) < self._qsub.seconds + QSUB_KILLED_S + BESIDE_S:
            return _answer(UNCLEAR, words="an earlier qsub may be under way; PBS has no such job yet")
        _note(run, "PBS has no job named %s: it is submitted anew" % token)
        return None

    def _hand_over(self, run: str, token: str, hold: bool, after: str) -> Answer:
        intent = os.path.join(run, "intent")
        record = {"submitter": process_record(os.getpid()), "hold": hold, "after": after}
        write_whole(intent, _json(record))

        def remember(pid: int) -> None:
            record["qsub"] = process_record(pid)
            # Where it cannot be written, an intent without it is waited for by its age.
            with contextlib.suppress(OSError):
                write_whole(intent, _json(record))

        said = self._qsub.call(run, token, hold, after, remember)
        found = job_id_in(said.stdout) if said.status == 0 else ""
        _note(run, "qsub ended with %s: %s" % (said.status, found or words_of(said, self._qsub.seconds)))
        if found:
            return _answer(ACCEPTED, self._settle(run, found, []))
        return self._refused(run, said, record)

    def _refused(self, run: str, said: Ended, record: Dict[str, Any]) -> Answer:
        """A refusal leaves nothing to be cleared up; silence does."""
        intent = os.path.join(run, "intent")
        words = words_of(said, self._qsub.seconds)
        meant = pbs_codes.meaning("qsub", said.status)
        if meant in (pbs_codes.REFUSED, pbs_codes.LATER):
            remove_file(intent)
            answer = REJECTED if meant == pbs_codes.REFUSED else LATER
            return _answer(answer, words=words, status=said.status)
        if said.status is not None:
            with contextlib.suppress(OSError):
                write_whole(intent, _json(dict(record, ended=said.status)))
        return _answer(UNCLEAR, words=words)

    def _settle(self, run: str, found: str, others: List[str]) -> str:
        """Write the job's id down. Should the folder know another by now, that one counts, and what is
        superfluous is deleted: held, it would wait for ever. An id that cannot be written down is told all
        the same: the job does it when it starts."""
        jobid = os.path.join(run, "jobid")
        with contextlib.suppress(OSError):
            if not write_first(jobid, found.encode() + b"\n"):
                known = read_job_id(run)
                if not known:
                    write_whole(jobid, found.encode() + b"\n")
                elif job_number(known) != job_number(found):
                    others, found = [*others, found], known
        for other in others:
            if job_number(other) != job_number(found):
                _note(run, "%s is a second job of this run and is deleted; %s stays" % (other, found))
                run_command([self._pbs.command("qdel"), other], QSELECT_S)
        return found


def read_job_id(run: str) -> str:
    """Empty when the run folder knows none."""
    text = (read_file(os.path.join(run, "jobid"), 0, 400) or b"").decode("utf-8", "replace").strip()
    return text if is_job_id(text) else ""


def _answer(answer: str, job_id: str = "", words: str = "", status: Optional[int] = None) -> Answer:
    return {"answer": answer, "id": job_id, "words": words, "status": status}


def _json(record: Dict[str, Any]) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _is_in_doubt(run: str, order: Order) -> bool:
    """Whether a qsub for this run may have been called."""
    return bool(order.get("again")) or os.path.lexists(os.path.join(run, "intent"))


def _note(run: str, words: str) -> None:
    """For people alone: nothing waits for it."""
    with contextlib.suppress(OSError), open(os.path.join(run, "submit.log"), "a") as stream:
        stream.write("%s %s\n" % (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), words))
