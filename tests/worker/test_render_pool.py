"""Render children at work, and what happens when one of them dies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from render_makers import pdf, text_content

from bocr_worker.protocol.manifest import Limits
from bocr_worker.render import pool as pools
from bocr_worker.render.page import RenderFailed, RenderOrder
from bocr_worker.render.pool import RendererBroken, RenderPool

HEAVY = b"0 0 m " + b" ".join(b"%d %d l" % (i * 37 % 595, i * 91 % 842) for i in range(200_000)) + b" S"
"""A scribble that takes pdfium many seconds."""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pool") / "a.pdf"
    contents = [text_content([f"Page {n}"] * 20) for n in range(1, 13)]
    path.write_bytes(pdf([*contents, HEAVY]))
    return path


@pytest.fixture
async def pool() -> AsyncIterator[RenderPool]:
    made = RenderPool(Limits(), 2)
    yield made
    await made.close()


def order(document: Path, page: int) -> RenderOrder:
    return RenderOrder(str(document), "pdf", page, 50, 4_000_000)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids(pool: RenderPool) -> list[int]:
    return [child.pid for child in pool._children if child.pid is not None]


async def test_pages_are_drawn_side_by_side_and_close_leaves_no_process(document: Path) -> None:
    pool = RenderPool(Limits(), 2)
    assert "pdfium" in await pool.start()
    pages = await asyncio.gather(*(pool.render(order(document, n)) for n in range(1, 13)))
    assert all(len(page.images) == 1 for page in pages)
    running = pids(pool)
    assert len(running) == 2
    await pool.close()
    assert not any(is_alive(pid) for pid in running)
    with pytest.raises(RendererBroken):
        await pool.render(order(document, 1))


async def test_a_page_past_its_deadline_fails_alone(pool: RenderPool, document: Path) -> None:
    await pool.start()
    before = pids(pool)
    slow = asyncio.create_task(pool.render(order(document, 13), 0.5))
    quick = [await pool.render(order(document, n)) for n in (1, 2, 3)]
    with pytest.raises(RenderFailed, match=r"the page could not be drawn within 0\.5 s"):
        await slow
    assert len(quick) == 3
    assert len(set(before) & set(pids(pool))) == 1
    assert (await pool.render(order(document, 4))).images
    assert pool.deaths == 1


async def test_a_killed_child_costs_its_page_and_no_other(pool: RenderPool, document: Path) -> None:
    await pool.start()
    slow = asyncio.create_task(pool.render(order(document, 13), 60))
    while not any(child not in pool._idle for child in pool._children):
        await asyncio.sleep(0)
    busy = next(child for child in pool._children if child not in pool._idle)
    assert busy.pid is not None
    other = asyncio.create_task(pool.render(order(document, 2)))
    os.kill(busy.pid, signal.SIGKILL)
    with pytest.raises(RenderFailed, match="crashed") as caught:
        await slow
    assert "SIGKILL" in caught.value.detail
    assert (await other).images
    assert (await pool.render(order(document, 1))).images


async def test_a_cancelled_page_stops_its_child(pool: RenderPool, document: Path) -> None:
    await pool.start()
    slow = asyncio.create_task(pool.render(order(document, 13), 60))
    while not any(child not in pool._idle for child in pool._children):
        await asyncio.sleep(0)
    busy = next(child for child in pool._children if child not in pool._idle)
    pid = busy.pid
    assert pid is not None
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert not is_alive(pid)
    assert (await pool.render(order(document, 1))).images


async def test_closing_ends_what_is_being_drawn(document: Path) -> None:
    pool = RenderPool(Limits(), 1)
    await pool.start()
    slow = asyncio.create_task(pool.render(order(document, 13), 60))
    while pool._idle:
        await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(RendererBroken):
        await slow


async def test_a_failed_page_leaves_its_child_alive(pool: RenderPool, document: Path, tmp_path: Path) -> None:
    await pool.start()
    before = pids(pool)
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.4 no")
    for _ in range(3):
        with pytest.raises(RenderFailed, match="damaged"):
            await pool.render(order(tmp_path / "b.pdf", 1))
    assert pids(pool) == before


async def test_a_page_that_needs_too_much_memory_fails_with_its_limit(tmp_path: Path) -> None:
    Image.new("L", (16_000, 12_000), 255).save(tmp_path / "a.png", compress_level=1)
    pool = RenderPool(replace(Limits(), render_memory_bytes=64 * 1024 * 1024), 1)
    try:
        with pytest.raises(RenderFailed, match="memory") as caught:
            await pool.render(RenderOrder(str(tmp_path / "a.png"), "image", 1, 100, 4_000_000))
        assert caught.value.detail.startswith("MemoryError")
    finally:
        await pool.close()


async def test_children_are_replaced_after_so_many_pages(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "PAGES_PER_CHILD", 3)
    pool = RenderPool(Limits(), 1)
    try:
        seen = []
        for page in range(1, 8):
            await pool.render(order(document, page))
            seen.extend(pids(pool))
        assert [len(set(seen[at : at + 3])) for at in (0, 3)] == [1, 1]
        assert len(set(seen)) == 3
    finally:
        await pool.close()


async def test_one_document_stays_with_the_child_that_has_it_open(
    pool: RenderPool, document: Path, tmp_path: Path
) -> None:
    (tmp_path / "b.pdf").write_bytes(document.read_bytes())
    await pool.start()
    for page in range(1, 4):
        await pool.render(order(document, page))
        await pool.render(order(tmp_path / "b.pdf", page))
    assert sorted(pool._last_path.values()) == sorted([str(document), str(tmp_path / "b.pdf")])


async def test_a_renderer_that_cannot_start_is_no_pages_fault(document: Path) -> None:
    pool = RenderPool(Limits(), 1)
    child = pool._children[0]
    child.spec = replace(child.spec, setup="bocr_worker.render.nowhere:set_up")
    with pytest.raises(RendererBroken, match="nowhere"):
        await pool.render(order(document, 1))
    await pool.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hugemono.pdf", "bug_555784.pdf", "bug_1646.pdf"])
async def test_the_heaviest_files_stay_within_their_limits(corpus: Path, name: str) -> None:
    pool = RenderPool(Limits(), 1)
    try:
        page = await pool.render(RenderOrder(str(corpus / "nasty" / name), "pdf", 1, 150, 12_000_000))
        (pid,) = pids(pool)
        status = Path(f"/proc/{pid}/status").read_text()
        peak_kb = int(status.split("VmHWM:")[1].split()[0])
        assert page.facts.width_px * page.facts.height_px <= 12_000_000
        assert page.facts.blank == (name == "bug_1646.pdf")
        assert peak_kb < 700 * 1024
    finally:
        await pool.close()


@pytest.mark.slow
async def test_too_little_memory_never_makes_a_page_look_blank(corpus: Path) -> None:
    pool = RenderPool(replace(Limits(), render_memory_bytes=300 * 1024 * 1024), 1)
    try:
        with pytest.raises(RenderFailed, match="memory"):
            await pool.render(RenderOrder(str(corpus / "nasty/enormous.pdf"), "pdf", 1, 150, 12_000_000))
    finally:
        await pool.close()
