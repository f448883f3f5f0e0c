"""What a page's journal claims of its text is checked before it is believed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bocr_tui.catalog.results import ResultLocator, ResultUnreadable, read_result
from bocr_tui.control.judging import report_of


@pytest.mark.parametrize("length", [1 << 62, 1 << 40, 100])
def test_a_length_that_is_not_there_takes_no_memory(tmp_path: Path, length: int) -> None:
    (tmp_path / "btoken").mkdir()
    (tmp_path / "btoken" / "results-a.jsonl").write_bytes(b"short\n")
    with pytest.raises(ResultUnreadable):
        read_result(tmp_path, ResultLocator("btoken/results-a.jsonl", 0, length, "0" * 64))


def test_a_report_with_a_number_that_nothing_can_hold_is_none() -> None:
    report = {"version": 1, "token": "btoken", "outcome": "ok", "seconds": 10**400}
    assert report_of("btoken", json.dumps(report).encode()) is None
