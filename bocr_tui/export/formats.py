"""Which formats there are. A new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Sequence

from bocr_tui.config.errors import UsageError
from bocr_tui.export.format import Format
from bocr_tui.export.lines import JSON_LINES
from bocr_tui.export.markdown import MARKDOWN
from bocr_tui.export.plain import PLAIN
from bocr_tui.export.sheet import DOCUMENTS_SHEET, PAGES_SHEET

FORMATS = (MARKDOWN, PLAIN, JSON_LINES, PAGES_SHEET, DOCUMENTS_SHEET)


def formats_named(names: Sequence[str]) -> tuple[Format, ...]:
    """Those named, all of them for no name. Raises UsageError that names the formats there are."""
    known = tuple(dict.fromkeys(entry.name for entry in FORMATS))
    for name in names:
        if name not in known:
            raise UsageError(f"There is no export format {name!r}.", f"There are: {', '.join(known)}.")
    return tuple(entry for entry in FORMATS if not names or entry.name in names)
