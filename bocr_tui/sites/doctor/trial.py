"""A job that takes ten seconds: one page through the worker, by the scheduler, as any job goes.

Its page is drawn, and read by the engine that reads nothing. It is no job of the catalog: its folder is
removed at the end, and it is taken back where it does not start in time. Where it ended badly the folder
stays: its log is what a person reads next.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from dataclasses import dataclass

from bocr_tui.config.check import BAD, DOUBTFUL, GOOD, Check
from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import PbsConfig, SiteConfig
from bocr_tui.sites.deploy import Prepared
from bocr_tui.sites.scheduler.base import Accepted, JobView, Rejected, ScriptOrder, SubmitOrder
from bocr_tui.sites.site import Site
from bocr_tui.sites.transport.base import RunAsk, RunNews
from bocr_tui.sites.transport.local import LocalTransport
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.exit_report import ExitReport, load_exit_report
from bocr_worker.protocol.manifest import (
    DocumentOrder,
    EngineOrder,
    Limits,
    Manifest,
    PageOrder,
    dump_manifest,
)

WAIT_S = 120.0
"""How long it may wait and run: a queue that is busy is no fault."""

LONGEST_WALLTIME = "00:05:00"
"""Asked for instead of the site's, so that it fits between other jobs."""

_END_S = 30.0
_POLL_S = 0.5
_LOOK_S = 10.0
_SUBMIT_TRIES, _AGAIN_S = 5, 1.0
_LOG_LINES = 5

PAGE_PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]>>endobj
trailer<</Root 1 0 R>>
"""
"""Empty, since such a page counts as read once it was drawn; without a cross-reference table, which every
reader makes up for."""


@dataclass(frozen=True)
class _End:
    """How it went on the site: a report, or the scheduler's last word when the time was up."""

    report: ExitReport | None
    view: JobView | None
    log: str
    seconds: float


async def trial_check(site: Site, engine: str, prepared: Prepared, wait_s: float = WAIT_S) -> Check:
    """Submit it with an engine's environment, wait for its report, remove it. Raises SiteError when the
    site does not do its part."""
    token = f"btest{secrets.token_hex(4)}"
    await _stage(site, engine, prepared, token)
    answer = await _submit(site, token)
    if not isinstance(answer, str):
        await _remove(site, token)
        return answer
    end = None
    try:
        end = await _wait(site, token, answer, wait_s)
    finally:
        left = await asyncio.shield(
            _clean(
                site,
                token,
                answer,
                over=end is not None and end.report is not None,
                keep=end is not None and end.report is not None and not _well(end.report),
            )
        )
    check = _judge(site, token, answer, end, wait_s)
    return check if not left else Check(check.name, DOUBTFUL, f"{check.said}; {left}", check.next_step)


async def _stage(site: Site, engine: str, prepared: Prepared, token: str) -> None:
    manifest = Manifest(
        token=token,
        chain=0,
        stage=0,
        engine=EngineOrder("noop", runtime="inline"),
        documents=(
            DocumentOrder(
                sha256=hashlib.sha256(PAGE_PDF).hexdigest(),
                path=f"runs/{token}/page.pdf",
                kind="pdf",
                name="page.pdf",
                size_bytes=len(PAGE_PDF),
                pages=(PageOrder(1),),
            ),
        ),
        limits=Limits(lease_s=10.0, heartbeat_s=1.0),
    )
    order = ScriptOrder(token, engine, prepared.worker, _short(site.config), vendor=prepared.vendor)
    script = site.scheduler.script(order)
    files = {"manifest.json": dump_manifest(manifest), "job.sh": script, "page.pdf": PAGE_PDF}
    await site.transport.stage({f"runs/{token}": files})


def _short(config: SiteConfig) -> SiteConfig:
    """The site with short walltimes."""
    environments = {
        engine: one if one.pbs is None else one.model_copy(update={"pbs": _short_pbs(one.pbs)})
        for engine, one in config.environments.items()
    }
    return config.model_copy(update={"pbs": _short_pbs(config.pbs), "environments": environments})


def _short_pbs(pbs: PbsConfig) -> PbsConfig:
    return pbs.model_copy(update={"walltime": LONGEST_WALLTIME})


async def _submit(site: Site, token: str) -> str | Check:
    """The scheduler's id, or what became of it instead. Where it is not clear it is asked again, never
    submitted anew."""
    words = ""
    for _ in range(_SUBMIT_TRIES):
        (answer,) = await site.scheduler.submit([SubmitOrder(token)])
        if isinstance(answer, Accepted):
            return answer.scheduler_id
        words = answer.words
        if isinstance(answer, Rejected):
            return Check("test job", BAD, f"it was refused: {words}", "Change what this site's jobs ask for.")
        await asyncio.sleep(_AGAIN_S)
    return Check("test job", DOUBTFUL, f"it was not taken for now: {words}", "Try again later.")


async def _wait(site: Site, token: str, job: str, wait_s: float) -> _End:
    started_s = time.monotonic()
    look_at_s, view, log = started_s, None, ""
    while True:
        (news,) = await site.transport.poll([RunAsk(token, {"job.log": 0}, logs=("job.log",))])
        log = _log(news) or log
        elapsed_s = time.monotonic() - started_s
        if news.exit is not None:
            return _End(_report(news.exit), view, log, elapsed_s)
        if time.monotonic() >= look_at_s:
            view = (await site.scheduler.look({token: job})).views.get(token) or view
            look_at_s = time.monotonic() + _LOOK_S
        if elapsed_s > wait_s:
            return _End(None, view, log, elapsed_s)
        await asyncio.sleep(_POLL_S)


def _report(data: bytes) -> ExitReport:
    try:
        return load_exit_report(data)
    except ProtocolError as error:
        return ExitReport(token="", outcome="error", cause=f"its report makes no sense: {error}")


def _log(news: RunNews) -> str:
    text = b"".join(file.data for file in news.files if file.name == "job.log").decode("utf-8", "replace")
    return " / ".join([line.strip() for line in text.splitlines() if line.strip()][-_LOG_LINES:])


async def _clean(site: Site, token: str, job: str, *, over: bool, keep: bool) -> str:
    """Take it back where it is not over, and remove its folder unless it is to `keep`. Returns what is left
    behind against our will, in words."""
    try:
        if not over:
            await site.scheduler.stop(token, job, force=True)
            await _until_gone(site, token, job)
        if not keep:
            await _remove(site, token)
    except SiteError as error:
        return f"its folder runs/{token} was left behind ({error.cause.rstrip('.')})"
    return ""


async def _until_gone(site: Site, token: str, job: str) -> None:
    """A job that still ends would write into its folder. Waits for a while only."""
    deadline_s = time.monotonic() + _END_S
    while time.monotonic() < deadline_s:
        view = (await site.scheduler.look({token: job})).views.get(token)
        if view is not None and view.state in ("ended", "unknown"):
            return
        await asyncio.sleep(_POLL_S)
    raise SiteError(f"job {job} has not ended yet", "")


async def _remove(site: Site, token: str) -> None:
    await site.transport.call("remove_run", token)


def _well(report: ExitReport) -> bool:
    return report.outcome == "ok" and report.ok == 1


def _folder(site: Site, token: str) -> str:
    """Where its folder lies, as a person finds it there."""
    if isinstance(site.transport, LocalTransport):
        return str(site.transport.root / "runs" / token)
    root = site.config.root.rstrip("/")
    return f"{root if root.startswith(('/', '~')) else f'~/{root}'}/runs/{token}"


def _judge(site: Site, token: str, job: str, end: _End | None, wait_s: float) -> Check:
    name = "test job"
    if end is None or (end.report is None and end.view is None):
        return Check(name, BAD, f"job {job}: nothing was heard of it", "Try again; see the scheduler there.")
    log = f" (its log ends with: {end.log})" if end.log else ""
    if end.report is None:
        assert end.view is not None
        words = f": {end.view.words}" if end.view.words else ""
        if end.view.state in ("queued", "held"):
            said = f"job {job} was still {end.view.state} after {wait_s:.0f} s{words}; it was taken back"
            return Check(name, DOUBTFUL, said, "The queue may be busy: try again with --wait.")
        said = f"job {job} is {end.view.state} and gave no report within {wait_s:.0f} s{words}{log}"
        return Check(name, BAD, said, "Look at setup and activate: does the job's shell come through them?")
    if not _well(end.report):
        said = (
            f"job {job} ended with {end.report.outcome}: {end.report.cause or 'its page was not drawn'}{log}"
        )
        folder = _folder(site, token)
        next_step = (
            f"Read {folder}/job.log on {site.name}. What its last lines name is mostly set by setup, activate"
            f" or python of this site in bocr.toml: mend that, run `bocr doctor {site.name}` again, and"
            f" remove {folder}."
        )
        return Check(name, BAD, said, next_step)
    return Check(
        name, GOOD, f"job {job} was submitted, ran and reported within {end.seconds:.0f} s, and is removed"
    )
