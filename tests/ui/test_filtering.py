"""Filters, orders and summaries of the lists, as a person types and points."""

from __future__ import annotations

from bocr_tui.catalog.filter_fields import PAGE_FIELDS
from bocr_tui.ui.screens.asking import Pick
from bocr_tui.ui.screens.find import FindLine
from bocr_tui.ui.screens.grouping import GroupScreen
from bocr_tui.ui.screens.pages import PagesScreen
from tests.ui.campaign import NAMES, Campaign
from tests.ui.conftest import Panel, opened


async def filter_by(panel: Panel, text: str) -> None:
    """Type a filter over whatever stands there, and take it."""
    await panel.press("slash")
    await panel.press(*text, "enter")
    await panel.until(lambda: panel.ready)


async def test_a_filter_in_words_finds_its_rows_and_stands_in_the_second_line(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await filter_by(panel, "state:failed class:coverage")
        await panel.until(lambda: panel.table.row_count == 4)
        assert "state:failed class:coverage" in panel.lines[1]
        assert "4 pages" in panel.lines[1]
        await panel.press("escape")
        await panel.sees("140 pages")


async def test_the_line_counts_while_one_types_and_says_what_it_does_not_understand(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("slash")
        await panel.sees("state  class  engine")
        await panel.press(*"state:failed")
        await panel.sees("14 pages")
        await panel.press("x")
        await panel.sees("There is no state 'failedx'. Did you mean failed?")
        await panel.press("enter")
        assert panel.app.screen.query_one(FindLine).display
        assert panel.table.row_count == 140
        await panel.press("escape")
        assert not panel.app.screen.query_one(FindLine).display
        assert panel.table.row_count == 140


async def test_one_row_is_counted_as_one(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("batches")
        await panel.press("slash", *"batch:b00001")
        await panel.sees(" 1 batch ")


async def test_an_unknown_field_is_told_with_the_likest_there_is_and_help_has_the_whole_list(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("slash", *"cl:x")
        await panel.sees("There is nothing called 'cl' here. There are: class,")
        said = next(line for line in panel.lines if "There are" in line).rstrip()
        assert said.endswith("…")
        assert {*said.partition("There are: ")[2].rstrip("…").split(", ")} <= {*PAGE_FIELDS.names()}
        await panel.press("escape", "question_mark", *"filter")
        await panel.sees("What / can ask")
        await panel.pilot.resize_terminal(120, 40)
        for field in PAGE_FIELDS.fields:
            await panel.sees(f"{field.name}{'<' if field.kind == 'age' else ':'}")


async def test_the_up_arrow_brings_back_what_was_typed(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await filter_by(panel, "page:3")
        await filter_by(panel, "page:4")
        await panel.press("slash", "up", "up")
        await panel.press("enter")
        await panel.until(lambda: panel.ready and panel.table.row_count == 7)
        assert "page:3" in panel.lines[1]


async def test_only_failed_and_a_filter_hold_together(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("f")
        await filter_by(panel, "class:repetition")
        await panel.until(lambda: panel.table.row_count == 7)
        assert "only failed · class:repetition" in panel.lines[1]
        await filter_by(panel, "state:ok")
        await panel.sees("No pages with only failed, state:ok.")


async def test_lists_are_sorted_by_key_and_by_their_titles(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        assert "▲" not in panel.text, "the order of import is no order of the numbers in a column"
        screen = panel.app.screen
        assert isinstance(screen, PagesScreen)
        await panel.press("S")
        await panel.until(lambda: isinstance(panel.app.screen, Pick))
        assert all(words in panel.text for words in screen.sort_words())
        await panel.press("j", "j", "enter")
        await panel.until(lambda: isinstance(panel.app.screen, PagesScreen) and panel.ready)
        await panel.sees("Conf▲")
        for words in screen.sort_words():
            screen.sort_by(words.upper())
        screen.sort_by("Confidence")
        await panel.until(lambda: "Conf▲" in panel.text and panel.ready)
        first = panel.table.current
        assert first is not None and first.confidence == 0.31
        await panel.pilot.click("#table", offset=(panel.lines[2].index("Conf"), 0))
        await panel.until(lambda: "Conf▼" in panel.text and panel.ready)
        first = panel.table.current
        assert first is not None and first.confidence > 0.9
        await panel.go("documents")
        await panel.pilot.click("#table", offset=(panel.lines[2].index("Document"), 0))
        await panel.until(lambda: "Document▼" in panel.text and panel.ready)
        assert panel.table.current is not None and panel.table.current.name == NAMES[6]


async def test_pages_are_summed_up_and_one_group_is_picked(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("c")
        await panel.until(lambda: isinstance(panel.app.screen, GroupScreen))
        await panel.sees("low confidence")
        box = panel.app.screen.query_one(".dialog").region
        assert abs(box.x - (80 - box.right)) <= 1 and abs(box.y - (24 - box.bottom)) <= 1, "in the middle"
        await panel.press("right")
        await panel.sees("tesseract")
        await panel.press("right")
        await panel.sees("procédure")
        await panel.press("left", "left")
        await panel.sees("coverage")
        await panel.press("j", "enter")
        await panel.until(lambda: isinstance(panel.app.screen, PagesScreen) and panel.ready)
        await panel.sees("class:low_confidence")
        assert panel.table.row_count == 7


async def test_filter_order_and_cursor_are_there_again_after_a_restart(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.go("pages")
        await filter_by(panel, "state:ok page>3")
        panel.app.screen.sort_by("confidence")  # type: ignore[attr-defined]
        await panel.until(lambda: panel.ready and "Conf▲" in panel.text)
        await panel.press(*"jjjj")
        held = panel.table.current_id
        await panel.press("q")
        await panel.until((campaign.workspace.root / "panel.json").is_file)
    async with opened(campaign.workspace) as panel:
        await panel.until(lambda: isinstance(panel.app.screen, PagesScreen) and panel.ready)
        await panel.sees("state:ok page>3")
        await panel.sees("Conf▲")
        assert panel.table.current_id == held


async def test_the_wheel_and_the_scrollbar_move_the_view(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        table = panel.table
        for _ in range(4):
            table.post_message(_wheel(table))
        await panel.until(lambda: table.top == 12)
        assert table.cursor == 12
        await panel.pilot.mouse_down("#table", offset=(table.size.width - 1, table.size.height - 1))
        await panel.pilot.mouse_up("#table", offset=(table.size.width - 1, table.size.height - 1))
        await panel.until(lambda: table.top == table.row_count - table.rows_in_view)


def _wheel(table: object) -> object:
    from textual.events import MouseScrollDown

    return MouseScrollDown(table, 5, 5, 0, 1, 0, False, False, False)  # type: ignore[arg-type]
