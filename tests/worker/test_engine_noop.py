"""The engine that reads nothing, for benchmarks and for tests of what goes wrong."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import pytest

from bocr_worker.engines.base import Ask, PageImage
from bocr_worker.engines.registry import all_engines, engine_named
from bocr_worker.protocol.recognition import Recognition


def read(encoded: bytes = b"page", ask: dict[str, Any] | None = None, **order: Any) -> Recognition:
    reader = engine_named("noop").load(order, 1)
    return reader.read(Ask(PageImage(encoded, "png", 100, 100, 72), ("fr",), options=ask or {}))


def test_the_same_image_gives_the_same_text_and_another_image_another() -> None:
    assert read(b"one") == read(b"one")
    assert read(b"one").text != read(b"two").text


def test_boxes_cover_the_page_from_top_to_bottom() -> None:
    boxes = [block.box for block in read().blocks]
    assert boxes[0][1] == 0
    assert boxes[-1][3] == pytest.approx(1)
    assert all(above[3] == below[1] for above, below in pairwise(boxes))


def test_it_can_be_told_to_answer_badly() -> None:
    assert read(answer="empty").text == ""
    lines = read(answer="loop").text.split("\n")
    assert len(set(lines)) == 1
    assert len(lines) > 50
    assert "\ufffd" in read(answer="junk").text


def test_a_variation_overrules_the_order() -> None:
    assert read(ask={"answer": "text"}, answer="empty").text != ""


def test_bad_manners_can_be_limited_to_some_pages() -> None:
    digest = hashlib.sha256(b"one").hexdigest()
    with pytest.raises(RuntimeError, match="told to fail"):
        read(b"one", **{"raise": True, "only": digest[:8]})
    assert read(b"two", **{"raise": True, "only": digest[:8]}).text


def test_an_unknown_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="no answer called 'tezt'"):
        read(answer="tezt")


def test_its_title_does_not_promise_reading() -> None:
    assert "No reading" in all_engines()["noop"].title
