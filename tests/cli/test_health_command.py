"""`bocr health`: for people and for programs."""

from __future__ import annotations

from bocr_tui.config.workspace import make_workspace
from tests.cli.conftest import Bocr
from tests.cli.shelf import FAILED, Leaf, Shelf


def test_health_counts_failures_and_says_what_happened(bocr: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED])
    said = bocr("-w", shelf.workspace.root, "health", "--hours", 2)
    assert said.code == 0
    assert "pages a minute" in said.out and "Failed and given up" in said.out
    assert "verdicts in that time" in said.out, "a page that two stages read has two"
    record = bocr("-w", shelf.workspace.root, "health", "--json").json
    assert sum(record["failures"].values()) == 1
    assert set(record) == {"at", "pace", "jobs", "left", "pages", "failures", "sites", "events"}
    assert len(record["pace"]["pages"]) == len(record["pace"]["tokens"]) == 60


def test_health_of_a_workspace_without_a_catalog_says_what_to_do(bocr: Bocr, shelf: Shelf) -> None:
    empty = make_workspace(shelf.workspace.root.parent / "empty")
    said = bocr("-w", empty.root, "health")
    assert (said.code, "bocr import" in said.err) == (1, True)
