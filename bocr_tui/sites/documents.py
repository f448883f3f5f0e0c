"""Documents on a site: their names there, and whether they are there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.transport.base import Transport

_EXTENSION = re.compile(r"[a-z0-9]{1,8}")
_PREFIX = b"site:"

_AT_ONCE = 5000
"""Documents asked about in one call: the question stays under a megabyte."""


def uploads_documents(config: SiteConfig) -> bool:
    """Whether documents of this machine have to be copied to the site before a job can read them."""
    return config.transport == "ssh" and config.documents == "upload"


def document_name(sha256: str, extension: str) -> str:
    """An uploaded document's path below a site's root: `documents/<aa>/<sha256>.<ext>`."""
    ending = f".{extension}" if _EXTENSION.fullmatch(extension) else ""
    return f"documents/{sha256[:2]}/{sha256}{ending}"


def split_name(sha256: str) -> str:
    """The folder of a document's pre-drawn pages, below a site's root."""
    return f"split/{sha256}"


def site_path(site: str, path: bytes) -> bytes:
    """How the catalog names a path on a site: `site:<name>:<path there>`."""
    return _PREFIX + site.encode() + b":" + path


def parse_site_path(path: bytes) -> tuple[str, bytes] | None:
    """The site and the path there; None for a path that names no site."""
    if not path.startswith(_PREFIX):
        return None
    site, colon, rest = path[len(_PREFIX) :].partition(b":")
    if not colon or not site:
        return None
    return site.decode("utf-8", "replace"), rest


def local_part(path: bytes) -> bytes:
    """The path as its site knows it."""
    parsed = parse_site_path(path)
    return path if parsed is None else parsed[1]


async def have_documents(transport: Transport, sizes: Mapping[str, int]) -> set[str]:
    """Which of these names (with their sizes in bytes) are on the site, whole. One round trip for up to
    5,000. Raises SiteError."""
    there: set[str] = set()
    names = iter(sizes.items())
    while part := dict(islice(names, _AT_ONCE)):
        answer = await transport.call("have_documents", part)
        there.update(name for name in answer if name in part)
    return there
