"""docs/words.md explains every word that the lists can say, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bocr_tui.catalog.filter_fields import BATCH_FIELDS, DOCUMENT_FIELDS, JOB_FIELDS, PAGE_FIELDS
from bocr_tui.catalog.words import BatchState, DocumentState, JobCause, JobState, PageState
from bocr_worker.protocol.failures import FailureClass

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "words.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> set[str]:
    """The words in the first column of the table whose head begins so."""
    rows = re.search(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert rows is not None, heading
    return {word for row in rows[1].splitlines() for word in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_each_class_of_failure_is_explained() -> None:
    assert first_cells("class") == set(map(str, FailureClass))


def test_each_state_is_explained() -> None:
    tables = re.findall(r"^\| state \|.*\n\|[-|]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    pages, documents = ({row.split("`")[1] for row in table.splitlines()} for table in tables)
    assert pages == set(map(str, PageState))
    assert documents == set(map(str, DocumentState))
    assert first_cells("state of a job") == set(map(str, JobState))
    assert all(f"`{state}`" in TEXT for state in BatchState)


def test_each_cause_is_explained() -> None:
    assert first_cells("cause") == set(map(str, JobCause))


@pytest.mark.parametrize(
    ("name", "grammar"),
    [
        ("pages", PAGE_FIELDS),
        ("documents", DOCUMENT_FIELDS),
        ("batches", BATCH_FIELDS),
        ("jobs", JOB_FIELDS),
    ],
)
def test_each_word_of_a_filter_is_named(name: str, grammar: object) -> None:
    row = re.search(rf"^\| {name} \| (.*) \|$", TEXT, re.MULTILINE)
    assert row is not None
    assert re.findall(r"`([^`]+)`", row[1]) == list(grammar.names())  # type: ignore[attr-defined]
