"""`--draw DOCUMENT PAGE OUT`: one page as a picture, for a panel that has not got the document."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bocr_worker.children import Child, ChildFailed, ChildSpec, TaskRaised
from bocr_worker.engines.base import PageImage
from bocr_worker.files import write_whole
from bocr_worker.protocol.manifest import Limits
from bocr_worker.render.page import RenderFailed
from bocr_worker.render.picture import PictureOrder

MAX_PIXELS = 4_000_000
MAX_BYTES = 1_500_000
"""A picture is looked at over a line that may be slow."""


def run_draw(document: str, page: str, out: str, dpi: int) -> int:
    """Prints one line of JSON: what was drawn, or `error` with the cause. Returns the exit status."""
    try:
        picture = asyncio.run(_draw(PictureOrder(document, _number(page), dpi, MAX_PIXELS, MAX_BYTES)))
        write_whole(Path(out), picture.encoded)
    except RenderFailed as failed:
        return _say(1, error=failed.cause, detail=failed.detail)
    except (ChildFailed, TaskRaised, OSError) as failed:
        return _say(1, error=f"the page cannot be drawn: {failed}", detail="")
    facts = asdict(picture)
    facts.pop("encoded")
    return _say(0, page=int(page), bytes=len(picture.encoded), **facts)


async def _draw(order: PictureOrder) -> PageImage:
    limits = Limits()
    child = Child(
        ChildSpec(
            task="bocr_worker.render.picture:draw_picture",
            setup="bocr_worker.render.task:set_up",
            memory_bytes=limits.render_memory_bytes,
        )
    )
    try:
        picture: PageImage = await child.run(order, limits.render_deadline_s)
    except TaskRaised as raised:
        if isinstance(raised.error, RenderFailed):
            raise raised.error from None
        raise
    finally:
        await child.kill()
    return picture


def _number(page: str) -> int:
    if not page.isascii() or not page.isdigit() or len(page) > 9 or int(page) < 1:
        raise RenderFailed(f"{page[:40]!r} is no page number")
    return int(page)


def _say(status: int, **facts: Any) -> int:
    print(json.dumps(facts), flush=True)  # noqa: T201
    return status
