"""Versions of a model server, and ranges of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

Version = tuple[int, ...]

_RELEASE = re.compile(r"^\s*v?(\d{1,6}(?:\.\d{1,6}){0,3})", re.ASCII)


def parse_version(text: str) -> Version | None:
    """The numbers of a version: `0.8.5+cu118` is (0, 8, 5), and so is `0.8.5rc1`. None for no version."""
    found = _RELEASE.match(text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else None


def show_version(version: Version | None) -> str:
    return ".".join(map(str, version)) if version else "of unknown version"


@dataclass(frozen=True)
class Versions:
    """From `since` on, up to but not with `before`."""

    since: Version = ()
    before: Version | None = None

    def holds(self, version: Version | None) -> bool:
        """An unknown version counts as the newest: what says nothing of itself was built here, and lately."""
        if version is None:
            return self.before is None
        return self.since <= version and (self.before is None or version < self.before)

    def __str__(self) -> str:
        if self == NONE:
            return "a release that knows it"
        parts = [f"{show_version(self.since)} or later"] if self.since else []
        parts += [f"before {show_version(self.before)}"] if self.before else []
        return ", ".join(parts) or "any version"


ANY = Versions()
NONE = Versions(before=(0,))
"""Of a model that the server does not know."""
