"""What a watch says of a job that ended badly: once, and as a sentence."""

from __future__ import annotations

import pytest

from bocr_tui.catalog.words import JobCause, JobState
from bocr_tui.cli.follow import _tell
from bocr_tui.cli.progress import display
from bocr_tui.control.events import ControlEvent, JobMoved, Trouble


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([JobMoved(1, "b1", JobState.FINISHED, "error", "No numpy."), Trouble("Job b1 (x): No numpy.")], 1),
        ([JobMoved(1, "b1", JobState.FINISHED, str(JobCause.WALLTIME), "its time was up")], 1),
        ([JobMoved(1, "b1", JobState.FINISHED, "ok", "")], 0),
    ],
)
def test_the_end_of_a_job_is_told_once(
    events: list[ControlEvent], said: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with display("Pages", "pages") as shown:
        for event in events:
            _tell(shown, event)
    assert capsys.readouterr().err.count("b1") == said
