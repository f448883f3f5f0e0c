"""What the panel keeps from one time to the next, and that nothing it finds there can harm it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.ui.kept_state import FILE_NAME, KeptState, read_state, write_state
from bocr_tui.ui.screens.batches import BatchesScreen
from bocr_tui.ui.screens.documents import DocumentsScreen
from tests.ui.campaign import Campaign
from tests.ui.conftest import opened


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    state = KeptState("pages", "bocr-dark", "", {"pages": {"cursor": 7, "text": "قرار"}})
    assert write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"version": 99, "place": "pages"}',
        '{"version": 1, "place": 3, "screens": [], "theme": null}',
        '{"version": 1, "screens": {"pages": 5}}',
        "\x00\x01",
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_as_if_there_were_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / FILE_NAME).write_text(damage, encoding="utf-8")
    assert read_state(tmp_path) == KeptState()


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    assert not write_state(tmp_path / "not there", KeptState("pages"))


async def test_the_panel_opens_where_it_was_left(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    recalled: list[dict[str, Any]] = []
    monkeypatch.setattr(DocumentsScreen, "remember", lambda screen: {"text": "loi"}, raising=False)
    monkeypatch.setattr(
        DocumentsScreen, "recall", lambda screen, state: recalled.append(state), raising=False
    )
    async with opened(campaign.workspace) as panel:
        await panel.go("documents")
        panel.app.wear("textual-light")
        await panel.press("q")
        await panel.until((campaign.workspace.root / FILE_NAME).is_file)
    kept = json.loads((campaign.workspace.root / FILE_NAME).read_text(encoding="utf-8"))
    assert kept["place"] == "documents" and kept["screens"]["documents"] == {"text": "loi"}
    async with opened(campaign.workspace) as panel:
        assert panel.app.current_mode == "documents"
        assert panel.app.theme == "textual-light"
        assert recalled == [{"text": "loi"}]


async def test_a_screen_that_cannot_use_what_was_kept_begins_afresh(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recall(screen: BatchesScreen, state: dict[str, Any]) -> None:
        raise KeyError(state["cursor"])

    monkeypatch.setattr(BatchesScreen, "recall", recall, raising=False)
    write_state(campaign.workspace.root, KeptState("batches", screens={"batches": {}}))
    async with opened(campaign.workspace) as panel:
        await panel.sees("4 batches")
