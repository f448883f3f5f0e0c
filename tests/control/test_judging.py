"""How a job ended, by the best source there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.control.judging import ending_of
from bocr_tui.sites.scheduler.base import JobView
from bocr_worker.protocol.exit_report import ExitReport, dump_exit_report

TOKEN = "btoken12345"


def report(outcome: str, cause: str = "", source: str = "worker", token: str = TOKEN) -> bytes:
    return dump_exit_report(ExitReport(token=token, outcome=outcome, cause=cause, source=source))


WALLTIME = JobView("ended", "walltime", "=>> PBS: job killed: walltime", -29)
UNKNOWN = JobView("unknown")


@pytest.mark.parametrize(
    ("exit_json", "view", "asked", "state", "cause"),
    [
        (report("ok"), None, None, "finished", "ok"),
        (report("ok"), WALLTIME, "cancel", "finished", "ok"),
        (report("partial"), None, None, "finished", "partial"),
        (report("partial"), WALLTIME, None, "finished", "walltime"),
        (report("error", source="script"), WALLTIME, None, "finished", "walltime"),
        (report("partial"), WALLTIME, "cancel", "cancelled", None),
        (report("partial"), JobView("ended", "deleted"), "requeue", "finished", "partial"),
        (report("partial"), JobView("ended", "error"), None, "finished", "partial"),
        (report("error"), None, None, "finished", "error"),
        (report("duplicate"), JobView("ended", "ok"), None, "finished", "duplicate"),
        (None, WALLTIME, None, "finished", "walltime"),
        (None, JobView("ended", "memory"), None, "finished", "memory"),
        (None, JobView("ended", "node"), None, "finished", "node"),
        (None, JobView("ended", "deleted"), None, "finished", "deleted"),
        (None, JobView("ended", "deleted"), "cancel", "cancelled", None),
        (None, JobView("ended", "never_ran"), None, "finished", "never_ran"),
        (None, JobView("ended", "ok"), None, "finished", "error"),
        (None, JobView("ended"), None, "finished", "error"),
        (None, UNKNOWN, None, "lost", None),
        (None, UNKNOWN, "cancel", "cancelled", None),
        (report("ok", token="bstranger"), UNKNOWN, None, "lost", None),
        (b"not json", UNKNOWN, None, "lost", None),
    ],
)
def test_the_best_source_decides(
    exit_json: bytes | None, view: JobView | None, asked: str | None, state: str, cause: str | None
) -> None:
    ending = ending_of(TOKEN, exit_json, view, asked)
    assert (ending.state, ending.cause) == (state, cause)


def test_the_scheduler_s_success_without_the_worker_s_word_is_none() -> None:
    ending = ending_of(TOKEN, None, JobView("ended", "ok", exit_status=0), None)
    assert ending.cause == "error"
    assert "without a report" in ending.reason


@given(st.binary(max_size=300))
def test_no_bytes_for_a_report_raise_or_make_a_success(data: bytes) -> None:
    ending = ending_of(TOKEN, data, UNKNOWN, None)
    assert ending.cause != "ok"
