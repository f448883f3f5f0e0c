"""The numbers that runs end with, and how progress is said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tomllib

from bocr_tui.catalog.scope import Scope
from bocr_tui.cli import progress
from bocr_tui.cli.finish import exit_code
from bocr_tui.cli.output import duration
from bocr_tui.cli.progress import Pace, display, rate_words
from bocr_tui.cli.toml import to_toml
from bocr_tui.config.model import Config, parse_config
from bocr_tui.report.summary import Summary, standing, standing_of_sent, summarise
from tests.cli.shelf import FAILED, GAVE_UP, IGNORED, NEW, RECOVERED, Leaf, Shelf


def test_a_summary_counts_each_page_once(shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), RECOVERED, FAILED, GAVE_UP, IGNORED, NEW])
    shelf.document("clé.pdf", state="protected")
    found = summarise(shelf.catalog)
    assert (found.documents, found.unreadable) == (2, 1)
    assert (found.pages, found.ok, found.failed, found.gave_up) == (5, 2, 1, 1)
    assert (found.ignored, found.waiting, found.live, found.settled) == (1, 1, 0, 4)
    assert found.failures == {"coverage": 1, "low_confidence": 1}
    assert found.recovered == {"coverage": 1}
    assert found.later_stage == 1
    assert not found.well


def test_a_summary_of_a_part_counts_nothing_else(shelf: Shelf) -> None:
    first = shelf.document("loi.pdf", [Leaf(), FAILED])
    shelf.document("décret.pdf", [GAVE_UP, RECOVERED])
    found = summarise(shelf.catalog, [first])
    assert (found.documents, found.pages, found.ok, found.failed, found.gave_up) == (1, 2, 1, 1, 0)
    assert found.recovered == {} and found.later_stage == 0
    one = summarise(shelf.catalog, [first], [1])
    assert (one.documents, one.pages, one.ok) == (1, 1, 1)
    assert summarise(shelf.catalog, []).pages == 0


def test_pages_of_a_document_that_became_unreadable_are_not_counted(shelf: Shelf) -> None:
    gone = shelf.document("loi.pdf", [Leaf()], state="missing")
    found = summarise(shelf.catalog, [gone])
    assert (found.documents, found.unreadable, found.pages) == (1, 1, 0)


def test_an_empty_catalog_has_a_summary_too(shelf: Shelf) -> None:
    found = summarise(shelf.catalog)
    assert found == Summary()
    assert found.well


@pytest.mark.parametrize(
    ("pages", "documents", "code"),
    [
        ({"ok": 3}, {"ready": 1}, 0),
        ({"ok": 3, "ignored": 1}, {"ready": 1}, 0),
        ({"ok": 3, "failed": 1}, {"ready": 1}, 3),
        ({"ok": 3, "gave_up": 1}, {"ready": 1}, 3),
        ({"ok": 3}, {"ready": 1, "damaged": 1}, 3),
        ({"ok": 3, "planned": 1}, {"ready": 1}, 1),
        ({"ok": 3, "queued": 1, "failed": 1}, {"ready": 1}, 1),
    ],
)
def test_the_exit_code_says_how_it_ended(pages: dict[str, int], documents: dict[str, int], code: int) -> None:
    unreadable = documents.get("damaged", 0)
    summary = Summary(sum(documents.values()), documents, unreadable, pages)
    assert exit_code(summary) == code


def test_the_pace_is_that_of_the_last_minute() -> None:
    pace = Pace()
    assert pace.per_s == 0.0 and pace.left_s(100) is None
    for second in range(200):
        pace.saw(second * (1 if second < 100 else 2) - (0 if second < 100 else 100), float(second))
    assert pace.per_s == pytest.approx(2.0)
    assert pace.left_s(498) == pytest.approx(100.0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    yield


def test_without_a_terminal_progress_is_lines(quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    with display("Pages", "pages") as shown:
        shown.update(0, 10, "")
        shown.update(4, 10, "4 ok")
        shown.message("A job\x1b died.")
    err = capsys.readouterr().err
    assert "bocr: Pages: 4 of 10 pages, 4 ok" in err
    assert "bocr: A job\\x1b died." in err
    assert "\x1b" not in err


def test_a_slow_pace_is_told_by_the_minute() -> None:
    told = {0.0: "", 0.1: "6 pages a minute", 0.5: "30 pages a minute", 2.5: "2.5 pages a second"}
    assert {per_s: rate_words(per_s, "pages") for per_s in told} == told


def test_what_nobody_has_submitted_is_no_work_that_a_watch_waits_for(shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), RECOVERED, FAILED, IGNORED, NEW, NEW])
    assert standing(shelf.catalog, Scope()).total == 5
    sent = standing_of_sent(shelf.catalog)
    assert (sent.done, sent.total) == (3, 3)


def test_durations_are_said_as_people_say_them() -> None:
    assert [duration(s) for s in (0.4, 59.4, 60, 3599, 3600, 90_000)] == [
        "0 s",
        "59 s",
        "1 min 00 s",
        "59 min 59 s",
        "1 h 00 min",
        "25 h 00 min",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        'languages = ["ar"]\npipeline = ["rapidocr", {engine = "tesseract", processes = 2}]\n',
        '[[language_rules]]\nroot = "scans/\\"x\\" \\\\ é"\nlanguage = "ar"\n'
        '[sites.local.environments."a b"]\nvendor = false\n',
        "[ladder.rapidocr]\ncoverage = [{name = 'high', dpi = 300}]\n[limits]\nattempts = 9\n",
    ],
)
def test_a_configuration_written_as_toml_reads_back_as_itself(text: str) -> None:
    config = parse_config(text, "test")
    written = to_toml(config.model_dump(mode="json"))
    assert Config.model_validate(tomllib.loads(written)) == config
