"""JSON lines: everything that is known of a page, one page a line, all documents in one file."""

from __future__ import annotations

import json
from typing import Any

from bocr_tui.export.format import Format, ReadPage, nothing
from bocr_tui.export.rows import ExportDocument
from bocr_worker.protocol.recognition import Block, Recognition


def page_record(document: ExportDocument, read: ReadPage) -> dict[str, Any]:
    """The keys are the same for every page; `text`, `markdown` and `blocks` are null without a text."""
    page, seen = read.page, read.recognition
    return {
        "document": document.name,
        "sha256": document.sha256,
        "number": page.number,
        "state": page.state,
        "class": page.failure,
        "reason": page.reason or None,
        "engine": page.engine,
        "attempts": page.attempts,
        "confidence": page.confidence,
        "language": page.language,
        "provenance": page.provenance,
        "text": seen.text if seen else None,
        "markdown": seen.markdown if seen else None,
        "blocks": _blocks(seen) if seen else None,
    }


def _blocks(seen: Recognition) -> list[dict[str, Any]]:
    """Boxes are fractions of the page as displayed, origin top left."""
    return [_block(block) for block in seen.blocks]


def _block(block: Block) -> dict[str, Any]:
    return {
        "label": block.label,
        "box": list(block.box),
        "confidence": block.confidence,
        "text": block.text,
        "words": [
            {"text": word.text, "box": list(word.box), "confidence": word.confidence} for word in block.words
        ],
    }


def _page(document: ExportDocument, read: ReadPage) -> str:
    return json.dumps(page_record(document, read), ensure_ascii=False, separators=(",", ":")) + "\n"


JSON_LINES = Format(
    name="jsonl", extension="", file_name="pages.jsonl", start="", document=nothing, page=_page
)
