"""Markdown, one file a document."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bocr_tui.export.format import Format, ReadPage
from bocr_tui.export.rows import ExportDocument
from bocr_tui.export.sentences import absence, unreadable


def _document(document: ExportDocument, counts: Mapping[str, int]) -> str:
    """A YAML head: JSON strings are YAML strings, so a hostile name cannot break out of it."""
    head = [
        "---",
        f"document: {json.dumps(document.name, ensure_ascii=False)}",
        f"sha256: {document.sha256}",
        f"language: {document.language or 'null'}",
        f"state: {document.state}",
        f"pages: {sum(counts.values())}",
        *(f"pages_{state}: {count}" for state, count in counts.items()),
        "---",
        "",
    ]
    if not counts:
        head += [f"> {_quiet(unreadable(document))}", ""]
    return "\n".join(head)


def _page(document: ExportDocument, read: ReadPage) -> str:
    page = read.page
    facts = [f"page {page.number}", page.state]
    if read.recognition is not None:
        facts += [f"engine {page.engine or 'unknown'}"]
        facts += [f"confidence {page.confidence:.3f}"] if page.confidence is not None else []
        body = _quiet(read.recognition.markdown or read.recognition.text).strip("\n")
        body = body or "*(blank page)*"
    else:
        facts += [page.failure] if page.failure else []
        body = f"> {_quiet(absence(page))}"
    mark = ", ".join(facts).replace("--", "- -").replace(">", "")
    return f"\n<!-- {mark} -->\n\n{body}\n"


def _quiet(text: str) -> str:
    """A comment inside a page's text could pass for one of our page marks."""
    return text.replace("<!--", "&lt;!--")


MARKDOWN = Format(name="markdown", extension=".md", file_name="", start="", document=_document, page=_page)
