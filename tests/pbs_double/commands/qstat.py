"""qstat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.pbs_double import documents, tables, text, usage
from tests.pbs_double.answers import Answer, Call, zone_of
from tests.pbs_double.attributes import Attributes, of_job
from tests.pbs_double.commands import overview
from tests.pbs_double.errors import FINISHED, UNKNOWN_JOB, UNKNOWN_QUEUE, Ended
from tests.pbs_double.identifiers import identifier
from tests.pbs_double.jobs import Job
from tests.pbs_double.options import BadOption, Parsed, parse
from tests.pbs_double.site import Site

LETTERS = "aBD:EfF:GHiJMnpqQrstTu:wx1"
_ALTERNATIVE = set("airHTnsGM1")
NO_HISTORY = "PBS is not configured to maintain job history"
FINISHED_WORDS = "Job has finished, use -x or -H to obtain historical job information"


def conflict() -> Ended:
    return Ended(2, f"qstat: conflicting options.\n{usage.QSTAT}")


def options(argv: list[str], build: str) -> Parsed:
    """What qstat finds out by itself. Raises Ended."""
    try:
        parsed = parse(argv, LETTERS)
    except BadOption as bad:
        raise Ended(2, bad.words("qstat") + usage.QSTAT) from bad
    form = parsed.last("F")
    if form is not None and "f" not in parsed.flags:
        raise conflict()
    alternative = bool(parsed.flags & _ALTERNATIVE) or parsed.last("u") is not None
    if build == "master" and form is not None and alternative:
        raise conflict()
    return parsed


@dataclass
class _Found:
    """Jobs in the order of the operands, one group an operand."""

    groups: list[list[Job]] = field(default_factory=list)


def run(site: Site, call: Call) -> Answer:
    """Raises Ended."""
    parsed = options(call.argv, site.settings.build)
    with zone_of(call.environment):
        if parsed.flags & {"Q", "q", "B"}:
            return overview.run(site, parsed)
        return _jobs(site, parsed)


def _jobs(site: Site, parsed: Parsed) -> Answer:
    answer = Answer()
    history = bool(parsed.flags & {"x", "H"})
    users = parsed.last("u")
    found = _Found()
    for word in parsed.operands or [""]:
        if history and not site.settings.faults.history:
            target = identifier(word, site.settings.server)
            answer.err += text.encoded(f"qstat: {NO_HISTORY} {target.full if target else word}\n")
            continue
        _take(site, word, history, answer, found)
    groups = found.groups
    if users is not None:
        names = [one.partition("@")[0] for one in users.split(",")]
        groups = [[job for job in group if job.user in names] for group in groups]
    answer.out = _shown(site, parsed, groups)
    return answer


def _take(site: Site, word: str, history: bool, answer: Answer, found: _Found) -> None:
    """What one operand stands for; what is wrong with it goes into the answer."""
    ordered = [site.jobs[seq] for seq in sorted(site.jobs)]
    if word == "" or word == f"@{site.settings.server}":
        found.groups.append([job for job in ordered if history or job.live])
        return
    target = identifier(word, site.settings.server)
    if target is None and word[:1].isdigit():
        answer.fail(1, f"qstat: illegally formed job identifier: {word}\n")
    elif target is None:
        if site.settings.queue(word) is None:
            answer.fail(UNKNOWN_QUEUE % 256, f"qstat: Unknown queue destination {word}\n")
            return
        found.groups.append([job for job in ordered if job.queue == word and (history or job.live)])
    elif target.seq not in site.jobs or target.index:
        answer.fail(UNKNOWN_JOB % 256, f"qstat: Unknown Job Id {target.full}\n")
    elif not site.jobs[target.seq].live and not history:
        answer.fail(FINISHED % 256, f"qstat: {target.full} {FINISHED_WORDS}\n")
    else:
        found.groups.append([site.jobs[target.seq]])


def _shown(site: Site, parsed: Parsed, groups: list[list[Job]]) -> bytes:
    settings = site.settings
    jobs = [job for group in groups for job in group]
    form = parsed.last("F")
    if parsed.last("u") is not None or parsed.flags & _ALTERNATIVE:
        table = tables.alternative(jobs, settings.server, comments="s" in parsed.flags)
        return table + (
            documents.document(settings.build, settings.server, "Jobs", None) if form == "json" else b""
        )
    if "f" not in parsed.flags:
        return tables.plain(jobs)
    written: Callable[[Job], Attributes] = lambda job: of_job(job, settings.faults.clock)  # noqa: E731
    if form == "json":
        # The newest build shows the first operand's jobs only.
        shown = next((group for group in groups if group), []) if settings.build == "master" else jobs
        section = [(job.id, written(job)) for job in shown]
        return documents.document(
            settings.build, settings.server, "Jobs", section or None, settings.faults.json_invalid
        )
    if form == "dsv":
        return b"".join(
            text.delimited(f"Job Id: {job.id}", written(job), parsed.last("D") or "|", settings.build)
            for job in jobs
        )
    wide = "w" in parsed.flags
    return b"".join(text.block(f"Job Id: {job.id}", written(job), settings.build, wide) for job in jobs)
