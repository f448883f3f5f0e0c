"""Job identifiers as commands take them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"(\d+)(\[[\d\-,:]*\])?(?:\.([\w.\-]+))?(?:@([\w.\-]+))?")


@dataclass(frozen=True)
class Identifier:
    """`typed` as given, `full` with its server, `index` an array's bracket ("" without)."""

    typed: str
    seq: int
    index: str
    full: str


def identifier(word: str, server: str) -> Identifier | None:
    """None when it is malformed, or names a server that there is not."""
    found = _FORM.fullmatch(word)
    if not found or (found.group(3) or server) != server:
        return None
    index = found.group(2) or ""
    return Identifier(word, int(found.group(1)), index, f"{int(found.group(1))}{index}.{server}")
