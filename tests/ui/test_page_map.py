"""The map of pages: every page is on it, the worst is seen at any scale, and the keys go where they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from bocr_tui.catalog import core
from bocr_tui.catalog.lists import open_reader
from bocr_tui.catalog.page_map import CODES, MapScope, index_of, page_at, read_states
from bocr_tui.ui.screens.page import PageScreen
from bocr_tui.ui.screens.page_map import PageMapScreen
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.map_tiles import BAD, LOOKS, STATE_LOOKS, bad_before, next_bad, tally, tiles
from bocr_tui.ui.widgets.page_map import PageMap
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened

CODE_BYTES = st.lists(st.sampled_from(sorted(CODES.values())), min_size=1, max_size=400)


def look(tile: int) -> tuple[str, str]:
    return LOOKS[tile].sign, LOOKS[tile].tone


@given(CODE_BYTES, st.integers(1, 60))
def test_no_failed_page_is_lost_in_a_tile_and_none_is_made_up(codes: list[str], per_tile: int) -> None:
    states = "".join(codes).encode()
    drawn = tiles(states, per_tile)
    assert len(drawn) == -(-len(states) // per_tile)
    for place, tile in enumerate(drawn):
        pages = states[place * per_tile : (place + 1) * per_tile]
        bad = any(page in BAD for page in pages)
        assert bad == (look(tile)[1] in ("failed", "gave-up"))
        if len(set(pages)) == 1:
            state = next(state for state, code in CODES.items() if code == chr(pages[0]))
            assert LOOKS[tile] == STATE_LOOKS[state]


def test_every_sign_of_a_single_page_tells_its_state_without_colour() -> None:
    signs = [look.sign for look in STATE_LOOKS.values()]
    assert len(set(signs)) == len(signs) == len(CODES)


def test_a_tile_tells_the_share_of_what_is_worst() -> None:
    signs = [look(tiles(b"f" * bad + b"o" * (16 - bad), 16)[0])[0] for bad in (1, 4, 9, 15)]
    assert signs == ["▁", "▂", "▅", "█"]
    assert look(tiles(b"g" + b"o" * 15, 16)[0]) == ("▁", "gave-up")
    assert look(tiles(b"r" + b"o" * 15, 16)[0])[0] == "»"
    assert [look(tiles(b"o" * ok + b"q" * (9 - ok), 9)[0])[0] for ok in (1, 5, 8)] == ["░", "▒", "▓"]


@given(
    st.binary(min_size=1, max_size=50).map(lambda raw: bytes(byte & 1 for byte in raw)), st.integers(0, 49)
)
def test_the_next_failed_page_is_the_nearest_round_the_end(bad: bytes, at: int) -> None:
    at = min(at, len(bad) - 1)
    places = [place for place, byte in enumerate(bad) if byte]
    after = [place for place in places if place > at] or places
    before = [place for place in places if place < at] or places
    assert next_bad(bad, at) == (after[0] if after else None)
    assert bad_before(bad, at) == (before[-1] if before else None)


def test_the_states_of_a_scope_are_read_in_its_order_and_a_place_is_a_page(shared_campaign: Campaign) -> None:
    reader = open_reader(shared_campaign.workspace.catalog_path)
    every = "".join(CODES[page["state"]] for page in shared_campaign.pages).encode()
    assert read_states(reader, MapScope()) == every
    assert read_states(reader, MapScope(batch_id=2)) == every[40:80]
    assert read_states(reader, MapScope(document_id=3)) == every[40:60]
    assert read_states(reader, MapScope(batch_id=99)) == b""
    for scope, index, page in ((MapScope(), 139, 140), (MapScope(2), 3, 44), (MapScope(None, 3), 19, 60)):
        assert page_at(reader, scope, index) == page
        assert index_of(reader, scope, page) == index
    assert page_at(reader, MapScope(), 140) is None
    assert index_of(reader, MapScope(batch_id=2), 1) is None
    reader.close()


def test_a_place_is_a_page_also_where_ids_are_missing(campaign: Campaign) -> None:
    with campaign.catalog.writing() as connection:
        for table in ("reservation", "attempt"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE page_id = 2")
        connection.exec_driver_sql("DELETE FROM page WHERE id = 2")
    reader = open_reader(campaign.workspace.catalog_path)
    assert [page_at(reader, MapScope(), index) for index in (0, 1, 138, 139)] == [1, 3, 140, None]
    assert index_of(reader, MapScope(), 140) == 138
    reader.close()


async def on_map(panel: Panel, scope: MapScope, **how: int) -> PageMap:
    screen = PageMapScreen(scope, "everything", **how)
    panel.app.push_screen(screen)
    await panel.until(lambda: screen.query(PageMap) and screen.map.notice is None)
    return screen.map


async def test_each_page_is_a_cell_and_the_legend_counts_them(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        drawn = await on_map(panel, MapScope(document_id=1))
        await panel.sees("■ ok 13")
        await panel.sees("✗ failed 2")
        assert panel.lines[2].split() == ["1", "■■■■■■■■■■■■■✗✗#»○:–"]
        assert drawn.per_tile == 1


async def test_the_cursor_walks_and_says_what_is_under_it(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        drawn = await on_map(panel, MapScope())
        await panel.sees("BO_2418-bis_1959-03-05.pdf page 1 ")
        await panel.press("l", "l", "j")
        assert drawn.cursor == 2 + drawn.columns
        await panel.press("k", "h")
        await panel.sees("BO_2418-bis_1959-03-05.pdf page 2 ")
        await panel.press("G")
        assert drawn.cursor == 139
        await panel.press("l", "j")
        assert drawn.cursor == 139
        await panel.press("g", "h", "k")
        assert drawn.cursor == 0


async def test_n_goes_through_the_failed_pages_and_enter_opens_one(shared_campaign: Campaign) -> None:
    failed = [page["id"] - 1 for page in shared_campaign.pages if page["state"] in ("failed", "gave_up")]
    async with opened(shared_campaign.workspace) as panel:
        drawn = await on_map(panel, MapScope())
        for wanted in failed[:4]:
            await panel.press("n")
            assert drawn.cursor == wanted
        await panel.press("N")
        assert drawn.cursor == failed[2]
        await panel.press("g", "N")
        assert drawn.cursor == failed[-1]
        await panel.press("n")
        assert drawn.cursor == failed[0]
        await panel.press("enter")
        await panel.until(lambda: isinstance(panel.app.screen, PageScreen))
        await panel.sees("page 14 of 20")


async def test_it_begins_on_the_page_one_came_from(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        drawn = await on_map(panel, MapScope(batch_id=2), at=57)
        await panel.until(lambda: drawn.cursor == 16)


async def test_a_change_is_drawn_and_the_cursor_stays(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        drawn = await on_map(panel, MapScope(document_id=1))
        await panel.press("l", "l", "l")
        with campaign.catalog.writing() as connection:
            connection.execute(update(core.page).where(core.page.c.id <= 3).values(state="failed"))
        await panel.until(lambda: "✗✗✗■■■" in panel.lines[2])
        assert drawn.cursor == 3
        await panel.sees("✗ failed 5")


async def test_only_failed_pages_keep_their_colour_when_the_others_are_dimmed(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        drawn = await on_map(panel, MapScope(document_id=1))

        def dim(sign: str) -> bool:
            line = drawn.render_line(0)
            style = next(part.style for part in line if sign in part.text[-20:] and len(part.text) < 11)
            return bool(style is not None and style.dim)

        await panel.press("l")
        assert not dim("✗") and not dim("»")
        await panel.press("f")
        assert not dim("✗") and dim("»")
        await panel.press("f")
        assert not dim("»")


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A million pages, one in a thousand failed: what every map reads."""
    states = (b"o" * 999 + b"f") * 1000
    monkeypatch.setattr("bocr_tui.ui.screens.page_map.read_states", lambda reader, scope: states)
    return states


async def test_a_million_pages_are_tiles_that_one_zooms_into(campaign: Campaign, many: bytes) -> None:
    async with opened(campaign.workspace, (200, 60)) as panel:
        drawn = await on_map(panel, MapScope())
        await panel.until(lambda: drawn.states == many)
        assert drawn.per_tile == drawn.fitting > 80
        assert drawn.virtual_size.height <= drawn.size.height
        await panel.press("n")
        assert drawn.cursor == 999
        sizes = []
        while drawn.per_tile > 1:
            await panel.press("plus")
            sizes.append(drawn.per_tile)
            assert drawn.cursor == 999 and drawn.here[0] <= 999 < drawn.here[1]
        assert sizes == sorted(sizes, reverse=True)
        await panel.press("n")
        assert drawn.cursor == 1999
        top = drawn.scroll_offset.y
        assert top <= 1999 // drawn.columns < top + drawn.size.height
        for _ in range(20):
            await panel.press("minus")
        assert drawn.per_tile == drawn.fitting


async def test_a_million_pages_are_drawn_as_tiles_that_fill_the_screen(
    campaign: Campaign, many: bytes
) -> None:
    async with opened(campaign.workspace, (200, 60)) as panel:
        drawn = await on_map(panel, MapScope())
        await panel.until(lambda: drawn.states == many)
        assert drawn.per_tile > 1
        assert len(tiles(many, drawn.per_tile)) == -(-len(many) // drawn.per_tile)
        assert sum(bool(drawn.render_line(y).text.strip()) for y in range(drawn.size.height)) > 40


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 60)], ids=str)
async def test_every_page_is_in_view_at_every_size_and_the_keys_are_whole(
    shared_campaign: Campaign, size: tuple[int, int]
) -> None:
    async with opened(shared_campaign.workspace, size) as panel:
        drawn = await on_map(panel, MapScope())
        assert drawn.virtual_size.height <= max(1, drawn.size.height)
        assert sum(tally(drawn.states).values()) == 140
        if size[0] >= 80:
            keys = panel.app.screen.query_one(KeyLine)
            assert 0 < len(keys.keys) <= 8
            assert keys.fitting() == list(keys.keys)


async def test_without_pages_or_a_catalog_it_says_so(campaign: Campaign, tmp_path: Path) -> None:
    from bocr_tui.config.workspace import make_workspace

    async with opened(campaign.workspace) as panel:
        await on_map(panel, MapScope(batch_id=99))
        await panel.sees("No pages here.")
        await panel.press("n", "l", "j", "plus", "enter", "G")
    async with opened(make_workspace(tmp_path / "empty")) as panel:
        panel.app.push_screen(PageMapScreen(MapScope(), "everything"))
        await panel.sees("There is no catalog yet")


async def test_a_click_moves_the_cursor_and_a_double_click_opens(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        drawn = await on_map(panel, MapScope())
        left = drawn.size.width - drawn.columns
        await panel.pilot.click("#body", offset=(left + 4, 0))
        assert 0 < drawn.cursor <= 5
        await panel.pilot.double_click("#body", offset=(left + 4, 0))
        await panel.until(lambda: isinstance(panel.app.screen, PageScreen))


async def test_batches_documents_and_pages_open_their_maps(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        for place, pages in (("batches", 40), ("documents", 20), ("pages", 140)):
            await panel.go(place)
            await panel.press("j", "M")
            await panel.until(
                lambda: panel.app.screen.query(PageMap) and panel.app.screen.query_one(PageMap).states
            )
            assert len(panel.app.screen.query_one(PageMap).states) == pages
            await panel.press("escape")
