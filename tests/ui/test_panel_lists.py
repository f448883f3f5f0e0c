"""The four lists as a person walks through them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from bocr_tui.catalog import core
from bocr_tui.catalog.database import open_catalog
from bocr_tui.catalog.lists import Listing
from bocr_tui.config.workspace import Workspace, make_workspace
from bocr_tui.ui.reading import Lane
from bocr_tui.ui.screens.help import Help
from bocr_tui.ui.screens.page import PageScreen
from bocr_tui.ui.screens.pages import PagesScreen
from bocr_tui.ui.widgets.row_store import CHUNK_ROWS
from tests.cli.test_run import make_pdf
from tests.ui.campaign import NAMES, START, Campaign, build, build_many
from tests.ui.conftest import Panel, opened
from tests.ui.test_commands import type_command


async def test_each_place_shows_its_list(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        for key, words in (
            ("batches", ["b00001", "submitted", "attention", "4 batches"]),
            ("jobs", ["b0004s1", "running", "8 jobs"]),
            ("pages", [NAMES[0], "✗ gave up", "140 pages"]),
            ("documents", [NAMES[4][:10], "ready", "7 documents"]),
        ):
            await panel.go(key)
            for word in words:
                await panel.sees(word)


async def test_the_top_line_counts_what_matters(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.sees("» 7 running")
        assert "· 7 queued" in panel.lines[0]
        assert "✗ 21 failed" in panel.lines[0]
        assert "✓ 91/140" in panel.lines[0]
        assert "nothing drives" in panel.lines[0]


async def test_three_keys_lead_to_the_first_failed_page_and_its_reason(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("f")
        await panel.until(lambda: panel.ready and panel.table.row_count == 21)
        await panel.press("enter")
        await panel.sees("Why it failed")
        assert "repetition" in panel.text or "low confidence" in panel.text
        await panel.sees("covered")


async def test_f_shows_only_what_failed_and_everything_again(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("f")
        await panel.sees("only failed  21 pages")
        await panel.press("f")
        await panel.sees("140 pages")
        assert "only failed" not in panel.text.splitlines()[1]


async def test_names_are_found_and_escape_shows_everything_again(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("documents")
        await panel.press("slash", *"PROC", "É")
        assert "Filter:" in panel.text
        await panel.press("enter")
        await panel.sees("1 document ")
        await panel.press("escape")
        await panel.sees("7 documents")


async def test_a_filter_that_leaves_nothing_names_itself_and_the_key_that_clears_it(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("documents")
        await panel.press("slash", *"nowhere", "enter")
        await panel.sees("No documents with name “nowhere”.")
        assert "esc shows everything." in panel.text


async def test_going_into_a_batch_and_back_keeps_the_place(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.press("j", "enter")
        await panel.sees("batch b00002")
        await panel.until(lambda: panel.table.row_count == 40)
        await panel.press("enter")
        await panel.until(lambda: isinstance(panel.app.screen, PageScreen))
        await panel.press("escape")
        await panel.sees("batch b00002")
        await panel.press("escape")
        await panel.sees("4 batches")
        assert panel.table.current is not None
        assert panel.table.current.name == "b00002"


async def test_a_key_of_a_place_leads_there_and_back_where_one_was(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.press("enter")
        await panel.sees("batch b00001")
        await panel.go("documents")
        await panel.go("batches")
        await panel.sees("batch b00001")
        await panel.go("batches")
        await panel.sees("4 batches")


async def test_help_names_the_keys_of_the_screen(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        await panel.go("pages")
        await panel.press("question_mark")
        await panel.until(lambda: isinstance(panel.app.screen, Help))
        for words in ("Resubmit", "Only failed", "Ignore", "Reset", "esc"):
            await panel.sees(words)
        await panel.press("escape")
        await panel.until(lambda: isinstance(panel.app.screen, PagesScreen))


async def test_a_workspace_without_a_catalog_says_what_to_do_and_opens_when_there_is_one(
    tmp_path: Path,
) -> None:
    workspace = make_workspace(tmp_path / "workspace")
    async with opened(workspace) as panel:
        await panel.sees("There is no catalog yet")
        assert "bocr import FOLDER" in panel.text
        assert "no catalog yet" in panel.lines[0]
        build(workspace.root, documents=1)
        await panel.sees("b00001")


async def test_a_workspace_without_a_catalog_begins_with_an_import(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w")
    make_pdf(tmp_path / "loi.pdf")
    async with opened(workspace, (120, 40)) as panel:
        await panel.sees("There is no catalog yet")
        await panel.sees(":import FOLDER")
        await type_command(panel, f"export {tmp_path / 'out'}")
        await panel.sees("does not exist")
        assert not workspace.catalog_path.exists(), "only an import begins one"
        await type_command(panel, f"import {tmp_path / 'loi.pdf'}")
        await panel.until(workspace.catalog_path.exists)
        await panel.go("documents")
        await panel.sees("loi.pdf")


async def test_a_damaged_catalog_is_an_error_with_a_key_and_never_an_empty_list(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "workspace")
    workspace.catalog_path.write_bytes(b"this is no database" * 500)
    async with opened(workspace) as panel:
        await panel.sees("cannot be read")
        assert "ctrl+r tries again" in panel.text
        assert "No batches" not in panel.text


async def test_what_is_shown_stays_and_is_called_stale_until_it_can_be_read_again(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.sees("b00001")
        with campaign.catalog.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE batch RENAME TO elsewhere")
        await panel.sees("stale")
        assert "b00001" in panel.text
        with campaign.catalog.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO batch")
        await panel.press("ctrl+r")
        await panel.until(lambda: "stale" not in panel.text)


async def test_another_process_s_change_is_seen_without_a_key(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.go("pages")
        await panel.sees("✗ 21 failed")
        with campaign.catalog.writing() as connection:
            changed = {"state": "failed", "failure": "runaway"}
            connection.execute(update(core.page).where(core.page.c.id == 1).values(changed))
        await panel.sees("✗ 22 failed")
        await panel.sees("runaway")


async def test_the_cursor_stays_on_its_row_when_rows_come_before_it(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.go("jobs")
        await panel.press("j", "j")
        held = panel.table.current_id
        with campaign.catalog.writing() as connection:
            new = {"chain_id": 1, "stage": 3, "engine": "rapidocr", "site": "local", "state": "planned"}
            rest = {"reason": "", "pages": 1, "ok": 0, "failed": 0, "created_at": START, "heartbeat": {}}
            connection.execute(insert(core.job), [{**new, **rest, "token": "bnew", "try_number": 1}])
        await panel.sees("9 jobs")
        assert panel.table.current_id == held
        assert panel.table.cursor == 3


async def test_nothing_is_read_again_while_nothing_changes(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await read_no_more(panel, 3)


async def read_no_more(panel: Panel, times: int) -> None:
    """Wait until nothing was read during so many times five looks at the catalog. The first look may come
    after the first list, and has it read once more."""
    asked = panel.app.reading.asked
    quiet = 0
    for _ in range(15):
        before, watched = (asked[Lane.IDS], asked[Lane.ROWS]), asked[Lane.WATCH]
        await panel.until(lambda watched=watched: asked[Lane.WATCH] >= watched + 5)
        quiet = quiet + 1 if (asked[Lane.IDS], asked[Lane.ROWS]) == before else 0
        if quiet == times:
            return
    raise AssertionError("the lists are read again and again")


@pytest.fixture(scope="module")
def many_pages(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return build_many(tmp_path_factory.mktemp("many"), documents=1000, pages_each=200)


async def test_two_hundred_thousand_pages_cost_a_screen_of_rows(
    many_pages: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    rows = Listing.rows

    def counted(self: Listing[Any, Any, Any], ids: Sequence[int]) -> list[Any]:
        read.append(len(ids))
        return rows(self, ids)

    async with opened(many_pages, (200, 60)) as panel:
        await panel.press("4")
        await panel.sees("200,000 pages")
        await panel.until(lambda: panel.ready)
        await read_no_more(panel, 1)
        monkeypatch.setattr(Listing, "rows", counted)
        await panel.press(*["j"] * 30, "ctrl+d", "ctrl+d")
        assert [number for number in read if number > 1] == []
        await panel.press("G")
        await panel.until(lambda: panel.ready)
        assert panel.table.current_id == 200_000
        assert len([number for number in read if number > 1]) <= 2
        assert max(read) <= CHUNK_ROWS


async def test_after_an_import_the_lists_say_how_much_waits_to_be_planned_and_the_key(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w")
    open_catalog(workspace.catalog_path).close()
    make_pdf(tmp_path / "loi.pdf")
    async with opened(workspace, (120, 40)) as panel:
        await panel.go("batches")
        await panel.sees("Nothing has been imported yet.")
        await panel.sees(":import FOLDER")
        await type_command(panel, f"import {tmp_path / 'loi.pdf'}")
        await panel.sees("No batches yet: 1 page of 1 document waits to be planned.")
        await panel.sees("1, then P plans them")
        await panel.go("jobs")
        await panel.sees("No jobs yet: 1 page")


async def test_a_narrow_panel_tells_whole_why_a_document_cannot_be_read(tmp_path: Path) -> None:
    reason = "This file has no page that can be read: the table of its objects is cut off."
    campaign = build(tmp_path / "w", documents=1, pages_each=0, attempts=False)
    with campaign.catalog.writing() as connection:
        connection.execute(update(core.document).values(state="damaged", reason=reason))
    async with opened(campaign.workspace) as panel:
        await panel.go("documents")
        await panel.sees(reason[:70])
        await panel.press("enter")
        await panel.sees("No pages here")
        await panel.until(lambda: reason in " ".join(" ".join(panel.lines[2:-1]).split()))


async def test_a_long_name_leaves_places_and_page_count_on_the_second_line(tmp_path: Path) -> None:
    name = "decret-" + "portant-organisation-" * 8 + "fin.pdf"
    campaign = build(tmp_path / "w", documents=1, pages_each=3, names=(name,), attempts=False)
    async with opened(campaign.workspace) as panel:
        await panel.go("documents")
        await panel.press("enter")
        await panel.until(lambda: "3 pages" in panel.lines[1])
        assert "6 Documents" in panel.lines[1]
        assert "in.pdf" in panel.lines[1]
        await panel.press("M")
        await panel.until(lambda: "page 1" in panel.text and "1 of 3" in panel.text)


async def test_what_happened_to_a_batch_or_a_job_stands_beside_it_and_nothing_else(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace, (200, 60)) as panel:
        await panel.sees("Job b1 began on local.")
        await panel.press("j")
        await panel.sees("Nothing has happened yet.")
        await panel.go("jobs")
        await panel.sees("Nothing has happened yet.")
        await panel.press("G")
        await panel.sees("Job b1 began on local.")
