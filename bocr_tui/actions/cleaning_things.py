"""What cleaning is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    RUN = "run"
    DOCUMENT = "document"
    SPLIT = "split"
    """A document's pre-drawn pages."""


@dataclass(frozen=True)
class Thing:
    """Something on a site that the catalog knows. `name` is its path below the site's root, `label` what
    people call it. `keep` says why it must stay, None when it may go."""

    kind: Kind
    site: str
    name: str
    label: str
    pages: int
    size_bytes: int = 0
    job_id: int | None = None
    document_id: int | None = None
    keep: str | None = None
