"""The scheduler PBS, asked through the site's helper on the login node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.helper.pbs_commands import is_job_id
from bocr_tui.sites.scheduler.base import (
    Accepted,
    JobView,
    Later,
    Look,
    Rejected,
    ScriptOrder,
    Submission,
    SubmitOrder,
    Unclear,
)
from bocr_tui.sites.scheduler.pbs.answers import look_of, read_answer
from bocr_tui.sites.scheduler.pbs.codes import submit_step
from bocr_tui.sites.scheduler.pbs.moved import MovedJobs
from bocr_tui.sites.scheduler.pbs.script import render_script
from bocr_tui.sites.scheduler.pbs.server import PbsServer, server_of
from bocr_tui.sites.scheduler.pbs.states import cause_in_log, plain_words
from bocr_tui.sites.scheduler.pbs.text import PbsUnreadable
from bocr_tui.sites.transport.base import NeedsPerson, NeverSent, Transport, TransportLost

SUBMIT_S = 90.0
"""The helper waits 45 s for the process that submits, after up to 25 s of finding PBS."""
LOOK_S = 110.0
"""Finding PBS, a listing of 30 s, a question about several ids and those about single ones of 15 s each."""
ACT_S = 90.0
RELEASE_EACH_S = 1.0


@dataclass(frozen=True)
class _Answer:
    """To a question that changes a job: a word of helper/pbs_codes.py, and PBS's own."""

    word: str
    words: str


_KINDS: dict[str, type[Rejected | Later | Unclear]] = {
    "rejected": Rejected,
    "later": Later,
    "unclear": Unclear,
}


class PbsScheduler:
    """OpenPBS and PBS Professional. It remembers only which jobs were asked for by id, so that all get
    their turn."""

    def __init__(self, transport: Transport, config: SiteConfig, templates: tuple[Path, ...] = ()) -> None:
        self._transport = transport
        self._templates = templates
        self._options: dict[str, object] = {"pbs_exec": config.pbs_exec}
        self._asked: dict[str, int] = {}
        self._looks = 0
        self._moved = MovedJobs(self._look_there)

    @property
    def chains(self) -> bool:
        return True

    def script(self, order: ScriptOrder) -> bytes:
        return render_script(order, self._templates)

    async def submit(self, orders: Sequence[SubmitOrder]) -> list[Submission]:
        """Raises NeedsPerson. A site that could not be asked has taken nothing: Later."""
        asks = [
            {"token": one.token, "hold": one.held, "after": one.after or "", "again": one.again}
            for one in orders
        ]
        try:
            answers = await self._transport.call("submit_pbs", asks, self._options, timeout_s=SUBMIT_S)
        except NeedsPerson:
            raise
        except NeverSent as error:
            return [Later(error.cause)] * len(orders)
        except TransportLost as error:
            return [Unclear(error.cause)] * len(orders)
        except SiteError as error:
            return [Later(f"{error.cause} {error.next_step}".strip())] * len(orders)
        found = _submissions(answers)
        unread = Unclear("the site's answer cannot be read")
        return [found.get(one.token, unread) for one in orders]

    async def look(self, jobs: Mapping[str, str]) -> Look:
        if not jobs:
            return Look()
        self._looks += 1
        self._asked = {token: turn for token, turn in self._asked.items() if token in jobs}
        order = sorted(jobs, key=lambda token: self._asked.get(token, 0))
        asked = {token: jobs[token] for token in order}
        try:
            record = await self._transport.call("look_pbs", asked, self._options, timeout_s=LOOK_S)
            answer = read_answer(record)
        except PbsUnreadable as error:
            return Look(problem=error.cause)
        except SiteError as error:
            if type(error) is not SiteError:
                raise
            return Look(problem=f"{error.cause} {error.next_step}".strip())
        for token, job_id in jobs.items():
            if job_id in answer.asked:
                self._asked[token] = self._looks
        return await self._moved.follow(jobs, look_of(jobs, answer))

    async def _look_there(self, jobs: Mapping[str, str]) -> Mapping[str, JobView]:
        """Of ids that name another server. Whatever is wrong with that one is no trouble of this site's."""
        try:
            record = await self._transport.call("look_pbs", dict(jobs), self._options, timeout_s=LOOK_S)
            return look_of(jobs, read_answer(record)).views
        except PbsUnreadable:
            return {}
        except SiteError as error:
            if type(error) is not SiteError:
                raise
            return {}

    def cause_in_log(self, text: str) -> tuple[str, str] | None:
        return cause_in_log(text)

    async def stop(self, token: str, scheduler_id: str | None, *, force: bool) -> None:
        answer = await self._call("stop_pbs", token, scheduler_id or "", force, self._options)
        if answer.word == "refused":
            raise SiteError(f"PBS does not delete job {scheduler_id or token}: {answer.words}.")
        if answer.word == "unclear":
            raise TransportLost(f"PBS does not answer: {answer.words}.", "It is asked again.")

    async def hold(self, token: str, scheduler_id: str) -> None:
        answer = await self._call("hold_pbs", scheduler_id, self._options)
        if answer.word == "unclear":
            raise TransportLost(f"PBS does not answer: {answer.words}.", "It is asked again.")
        if answer.word == "not_now":
            raise SiteError(f"Job {token} cannot be held any more: {answer.words}.", "Cancel it instead.")
        if answer.word != "ok":
            raise SiteError(f"PBS does not hold job {token}: {answer.words}.")

    async def release(self, jobs: Mapping[str, str]) -> None:
        ids = list(jobs.values())
        seconds = ACT_S + RELEASE_EACH_S * len(ids)
        record = await self._transport.call("release_pbs", ids, self._options, timeout_s=seconds)
        for token, answer in zip(jobs, _answers(record), strict=False):
            if answer.word == "unclear":
                raise TransportLost(f"PBS does not answer: {answer.words}.", "It is asked again.")
            if answer.word == "refused":
                raise SiteError(f"PBS does not release job {token}: {answer.words}.")

    async def server(self) -> PbsServer:
        """What PBS says of itself and its queues, for `bocr doctor`. Raises SiteError when there is none."""
        record = await self._transport.call("server_pbs", self._options, timeout_s=ACT_S)
        if not isinstance(record, Mapping):
            raise SiteError("The site's answer about its PBS cannot be read.")
        try:
            return server_of(record)
        except PbsUnreadable as error:
            raise SiteError(error.cause) from error

    async def _call(self, function: str, *arguments: object) -> _Answer:
        return _answer(await self._transport.call(function, *arguments, timeout_s=ACT_S))


def _answer(record: object) -> _Answer:
    """An answer that cannot be read says nothing."""
    if isinstance(record, Mapping) and isinstance(record.get("answer"), str):
        return _Answer(record["answer"], plain_words(str(record.get("words", ""))))
    return _Answer("unclear", "the site's answer cannot be read")


def _answers(record: object) -> list[_Answer]:
    return [_answer(one) for one in record] if isinstance(record, list) else [_answer(None)]


def _submissions(record: object) -> dict[str, Submission]:
    """By token, of what `submit_pbs` answered."""
    found: dict[str, Submission] = {}
    for one in record if isinstance(record, list) else ():
        if not isinstance(one, Mapping):
            continue
        token, word, job_id = (str(one.get(name, "")) for name in ("token", "answer", "id"))
        words = plain_words(str(one.get("words", "")))
        if word == "accepted" and is_job_id(job_id):
            found[token] = Accepted(job_id)
        elif word in _KINDS:
            step = submit_step(one.get("status")) if word == "rejected" else ""
            found[token] = _KINDS[word](f"{words.rstrip('.')}. {step}" if step else words)
    return found
