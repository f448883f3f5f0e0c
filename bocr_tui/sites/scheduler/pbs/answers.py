"""From what the site's helper brought back of qstat to one view a job.

The listing of living jobs is believed as a whole or not at all, and only about jobs that stand in it. A job
is over, or unknown, only when PBS says so of its id. One answer that is no good spoils no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bocr_tui.sites.helper.pbs_commands import is_other_token, job_number
from bocr_tui.sites.scheduler.base import JobView, Look
from bocr_tui.sites.scheduler.pbs.codes import no_answer
from bocr_tui.sites.scheduler.pbs.states import plain_words, view_of
from bocr_tui.sites.scheduler.pbs.text import PbsThing, PbsUnreadable, by_number, parse_things

_UNKNOWN = re.compile(r"qstat: Unknown Job Id (\S+)")
_OVER = re.compile(r"qstat: (\S+) Job has finished, use -x or -H to obtain historical job information")


@dataclass(frozen=True)
class Said:
    """What a qstat said. `status` is None when it did not end in time."""

    status: int | None
    stderr: bytes
    text: bytes


@dataclass(frozen=True)
class Answer:
    """What `look_pbs` brought back: the listing of all living jobs and the answer about single ids, each
    None when it was not asked for; whose jobs are ours; which ids were asked about; and what was said of
    single ones where the answer about several was refused."""

    user: str
    listing: Said | None
    by_id: Said | None
    asked: tuple[str, ...]
    singly: Mapping[str, Said] = field(default_factory=dict)


def read_answer(record: object) -> Answer:
    """Raises PbsUnreadable for what the helper would never say."""
    if not isinstance(record, Mapping):
        raise PbsUnreadable("The site's answer about its jobs is none.")
    user, asked = record.get("user"), record.get("asked")
    if not isinstance(user, str) or not isinstance(asked, list | tuple):
        raise PbsUnreadable("The site's answer about its jobs is none.")
    return Answer(
        user,
        read_said(record.get("listing")),
        read_said(record.get("by_id")),
        tuple(one for one in asked if isinstance(one, str)),
        _read_singly(record.get("singly", {})),
    )


def _read_singly(record: object) -> dict[str, Said]:
    if not isinstance(record, Mapping):
        raise PbsUnreadable("The site's answer about its jobs is none.")
    found = {str(job_id): read_said(said) for job_id, said in record.items()}
    return {job_id: said for job_id, said in found.items() if said is not None}


def read_said(record: object) -> Said | None:
    if record is None:
        return None
    if isinstance(record, Mapping):
        status, stderr, text = record.get("status"), record.get("stderr"), record.get("text")
        sound = status is None or (isinstance(status, int) and not isinstance(status, bool))
        if sound and isinstance(stderr, bytes) and isinstance(text, bytes):
            return Said(status, stderr, text)
    raise PbsUnreadable("The site's answer about its jobs is none.")


def look_of(jobs: Mapping[str, str], answer: Answer) -> Look:
    """The views of these jobs ({token: id}) that the answer gives, and why it does not give all."""
    views: dict[str, JobView] = {}
    problem = ""
    if answer.listing is not None:
        try:
            _believe(answer.listing)
            views.update(_views(jobs, answer.listing.text, answer.user, final=False))
        except PbsUnreadable as error:
            problem = error.cause
    if answer.singly:
        found, refused = _singly(jobs, answer)
        views.update(found)
        if answer.listing is None and not found:
            problem = refused
    elif answer.by_id is not None:
        asked = {token: job_id for token, job_id in jobs.items() if job_id in answer.asked}
        try:
            views.update(_single(asked, answer.by_id, answer.user))
        except PbsUnreadable as error:
            problem = problem or ("" if answer.listing is not None else error.cause)
    return Look(views, problem)


def _singly(jobs: Mapping[str, str], answer: Answer) -> tuple[dict[str, JobView], str]:
    """What was said of each id alone, and the first reason why nothing was said of one."""
    views: dict[str, JobView] = {}
    refused = ""
    for job_id, said in answer.singly.items():
        one = {token: known for token, known in jobs.items() if known == job_id}
        try:
            views.update(_single(one, said, answer.user))
        except PbsUnreadable as error:
            refused = refused or error.cause
    return views, refused


def _believe(said: Said) -> None:
    """Raises PbsUnreadable unless this is a sound answer: with its server down, qstat prints the same as
    for no jobs."""
    words = plain_words(said.stderr.decode("utf-8", "replace"))
    if said.status != 0 or words:
        raise PbsUnreadable(no_answer(said.status, words))


def _views(jobs: Mapping[str, str], text: bytes, user: str, *, final: bool) -> dict[str, JobView]:
    things = by_number(parse_things(text))
    views = {}
    for token, job_id in jobs.items():
        thing = things.get(_number(job_id))
        try:
            if thing is not None and _is_ours(thing, token, user):
                view = view_of(thing, final=final)
                if view is not None:
                    views[token] = view
        except PbsUnreadable:
            continue  # about this job alone nothing was learnt
    return views


def _single(jobs: Mapping[str, str], said: Said, user: str) -> dict[str, JobView]:
    """Views of ids asked for one by one: each is answered, or named in an error of its own. An error of
    another kind makes the whole answer worthless: PbsUnreadable."""
    gone = _complaints(said)
    views = _views(jobs, said.text, user, final=True)
    things = by_number(parse_things(said.text))
    for token, job_id in jobs.items():
        number = _number(job_id)
        thing = things.get(number)
        if number in gone and number not in things:
            views[token] = gone[number]
        elif thing is not None and _is_a_strangers(thing, token, user):
            views[token] = JobView("unknown", None, "PBS has given its number to another job")
    return views


def _is_a_strangers(thing: PbsThing, token: str, user: str) -> bool:
    try:
        return thing.whole and not _is_ours(thing, token, user)
    except PbsUnreadable:
        return False


def _complaints(said: Said) -> dict[str, JobView]:
    """By number, what stderr says of ids that are not in the answer. Raises PbsUnreadable when it says
    anything else, or when the exit status does not agree with it."""
    gone: dict[str, JobView] = {}
    lines = [line.strip() for line in said.stderr.decode("utf-8", "replace").split("\n") if line.strip()]
    statuses = {0}
    for line in lines:
        unknown, over = _UNKNOWN.fullmatch(line), _OVER.fullmatch(line)
        if unknown is not None:
            gone[_number(unknown.group(1))] = JobView("unknown", None, "PBS knows no such job")
            statuses.add(153)
        elif over is not None:
            gone[_number(over.group(1))] = JobView("ended", None, "PBS says that it has finished, not how")
            statuses.add(35)
        else:
            raise PbsUnreadable(no_answer(said.status, plain_words(line)))
    if said.status not in statuses or (lines and said.status == 0):
        raise PbsUnreadable(no_answer(said.status, plain_words(" ".join(lines))))
    return gone


def _is_ours(thing: PbsThing, token: str, user: str) -> bool:
    """Numbers are given anew when a server is set up anew: a job of another owner with another name is not
    ours, nor is one that bears the name of another job of bocr."""
    owner, name = thing.sure("Job_Owner").split("@", 1)[0], thing.sure("Job_Name")
    return name == token or ((not owner or owner == user) and not is_other_token(name, token))


def _number(job_id: str) -> str:
    return job_number(job_id)
