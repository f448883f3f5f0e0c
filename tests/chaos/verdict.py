"""What must be true after a campaign, whatever happened to it on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.lines import decode_line
from tests.control.campaigns import Campaign


@dataclass(frozen=True)
class SchedulerJob:
    """One job as the scheduler's own books have it."""

    scheduler_id: str
    name: str
    runs: int


@dataclass
class Verdict:
    """Counts of what must be nought; `notes` name the cases."""

    duplicate_submissions: int = 0
    duplicate_executions: int = 0
    lost_jobs: int = 0
    unfinished_pages: int = 0
    lost_events: int = 0
    doubled_events: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        return sum(value for value in self.__dict__.values() if isinstance(value, int))


def judge(campaign: Campaign, site_root: Path, jobs: Sequence[SchedulerJob]) -> Verdict:
    """Compare the catalog with the site's run folders and the scheduler's books."""
    verdict = Verdict()
    _judge_jobs(campaign, jobs, verdict)
    _judge_pages(campaign, verdict)
    _judge_events(campaign, site_root, verdict)
    return verdict


def _judge_jobs(campaign: Campaign, jobs: Sequence[SchedulerJob], verdict: Verdict) -> None:
    known = {str(token): (state, scheduler_id) for token, state, scheduler_id in campaign.rows(_JOBS)}
    ours = [job for job in jobs if job.name in known]
    for name, count in Counter(job.name for job in ours).items():
        if count > 1:
            verdict.duplicate_submissions += count - 1
            verdict.notes.append(f"{name} was submitted {count} times")
    ids = {job.scheduler_id.split(".")[0] for job in ours}
    for token, (state, scheduler_id) in known.items():
        if scheduler_id is not None and str(scheduler_id).split(".")[0] not in ids:
            verdict.lost_jobs += 1
            verdict.notes.append(f"{token} ({state}) is {scheduler_id}, which the scheduler never had")
    recorded = {str(scheduler_id).split(".")[0] for _, scheduler_id in known.values() if scheduler_id}
    for job in ours:
        if job.scheduler_id.split(".")[0] not in recorded:
            verdict.lost_jobs += 1
            verdict.notes.append(f"{job.scheduler_id} ({job.name}) runs and the catalog does not know it")


_JOBS = "SELECT token, state, scheduler_id FROM job"


def _judge_pages(campaign: Campaign, verdict: Verdict) -> None:
    unfinished = campaign.scalar("SELECT count(*) FROM page WHERE state NOT IN ('ok', 'gave_up')")
    verdict.unfinished_pages += unfinished
    if unfinished:
        verdict.notes.append(f"pages: {campaign.states()}; jobs: {campaign.rows(_STORY)}")
    twice = campaign.rows(
        "SELECT page_id, settings_hash, count(*) FROM attempt WHERE outcome = 'ok'"
        " GROUP BY page_id, settings_hash HAVING count(*) > 1"
    )
    verdict.duplicate_executions += len(twice)
    verdict.notes += [f"page {row[0]} was read {row[2]} times" for row in twice]
    texts = campaign.texts()  # raises for one that does not verify
    ok = campaign.scalar("SELECT count(*) FROM page WHERE state = 'ok'")
    verdict.lost_events += ok - len(texts)


_STORY = "SELECT token, stage, round, state, cause, reason FROM job"


def _judge_events(campaign: Campaign, site_root: Path, verdict: Verdict) -> None:
    counted = {str(journal): int(str(count)) for journal, count in campaign.rows(_ATTEMPTS)}
    tokens = {str(token) for (token,) in campaign.rows("SELECT token FROM job")}
    journals = [path for token in tokens for path in site_root.glob(f"runs/{token}/journal-*.jsonl")]
    for path in sorted(journals):
        journal = f"{path.parent.name}/{path.name}"
        written, rows = _verdicts_in(path), counted.get(journal, 0)
        if rows < written:
            verdict.lost_events += written - rows
            verdict.notes.append(f"{journal}: {written} events, {rows} rows")
        elif rows > written:
            verdict.doubled_events += rows - written
            verdict.notes.append(f"{journal}: {written} events, {rows} rows")


_ATTEMPTS = "SELECT journal, count(*) FROM attempt GROUP BY journal"


def _verdicts_in(path: Path) -> int:
    count = 0
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            record = decode_line(line, path.name)
        except ProtocolError:
            continue  # torn by a kill: its writer never counted it either
        if record.get("kind") == "page" and record.get("status") in ("ok", "failed"):
            count += 1
    return count
