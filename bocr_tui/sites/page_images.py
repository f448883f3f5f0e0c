"""A page's image from a document that lies on a site: drawn there when somebody looks at it, kept here."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import Config
from bocr_tui.sites.deploy import prepare
from bocr_tui.sites.drawing_environment import drawing_engine
from bocr_tui.sites.environments import python_command, shell_lines
from bocr_tui.sites.site import Site
from bocr_tui.sites.vendor import Tell
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.fields import Fields

TIMEOUT_S = 150.0
"""The worker's own limit for drawing a page, and entering its environment."""
_AROUND_S = 15.0

MOST_BYTES = 8 * 1024 * 1024
"""Of one image: the worker aims at a million and a half."""

MOST_PIXELS = 4_000_000
"""What the worker draws at most (bocr_worker/draw.py)."""

CACHE_BYTES = 512 * 1024 * 1024
"""What the workspace keeps; the oldest go first."""

_FORMATS = ("png", "jpeg")
_MOST_PX = 100_000
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class FarPage:
    """One page of a document on a site. `path` is absolute there, or a document's name below the root;
    `mtime_ns` 0: unknown."""

    sha256: str
    path: bytes
    number: int
    dpi: int
    size_bytes: int = 0
    mtime_ns: int = 0


@dataclass(frozen=True)
class PageImage:
    """`data` is PNG or JPEG as `format` says. Nobody has looked at these bytes yet: decode them as what a
    stranger sent, and no more than the stated pixels."""

    data: bytes
    format: str
    width_px: int
    height_px: int
    dpi: float


async def page_image(site: Site, config: Config, page: FarPage, cache: PageCache, tell: Tell) -> PageImage:
    """From the cache, or drawn on the site's login node. Raises SiteError that says why there is none."""
    kept = cache.find(page)
    if kept is not None:
        return kept
    engine = drawing_engine(config, site.config)
    prepared = await prepare(site, engine, tell)
    order = {
        "lines": list(shell_lines(site.config, engine)),
        "python": python_command(site.config, engine),
        "worker": prepared.worker,
        "vendor": prepared.vendor,
        "path": page.path,
        "page": page.number,
        "dpi": page.dpi,
        "size_bytes": page.size_bytes,
        "mtime_ns": page.mtime_ns,
        "timeout_s": TIMEOUT_S,
        "max_bytes": MOST_BYTES,
    }
    answer = await site.transport.call("draw_page", order, timeout_s=TIMEOUT_S + _AROUND_S)
    try:
        image = _read(answer)
    except ProtocolError as error:
        raise SiteError(f"{site.name} answers with no image: {error}.", "Try again.") from error
    cache.keep(page, image)
    return image


def _read(answer: object) -> PageImage:
    """Raises ProtocolError."""
    fields = Fields(answer, "the image")
    data = answer["image"] if isinstance(answer, dict) else b""
    image = PageImage(
        data if isinstance(data, bytes) else b"",
        fields.text("format", max_length=10),
        fields.whole("width_px", least=1, most=_MOST_PX),
        fields.whole("height_px", least=1, most=_MOST_PX),
        fields.number("dpi"),
    )
    if not 0 < len(image.data) <= MOST_BYTES:
        raise ProtocolError("the image", "is empty or too large")
    if image.format not in _FORMATS:
        raise ProtocolError("the image", f"is of the unknown format {image.format!r}")
    if image.width_px * image.height_px > MOST_PIXELS * 1.1:
        raise ProtocolError("the image", "is larger than was asked for")
    return image


class PageCache:
    """Images in the workspace's `cache/pages`; each file is a line of JSON and the image's bytes."""

    def __init__(self, workspace_root: Path) -> None:
        self._folder = workspace_root / "cache" / "pages"

    def find(self, page: FarPage) -> PageImage | None:
        """None when it is not kept, or what is kept does not read well."""
        try:
            with self._path(page).open("rb") as stream:
                head = stream.readline(_HEAD_BYTES)
                record = {**json.loads(head), "image": stream.read(MOST_BYTES + 1)}
            return _read(record)
        except (OSError, ValueError, TypeError, ProtocolError):
            return None

    def keep(self, page: FarPage, image: PageImage) -> None:
        """Whole or not at all; a full disk only means that it is drawn again."""
        record = asdict(image)
        data = record.pop("data")
        part = self._folder / f".{secrets.token_hex(6)}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.write_bytes(json.dumps(record).encode() + b"\n" + data)
            part.replace(self._path(page))
            self._prune()
        except OSError:
            part.unlink(missing_ok=True)

    def _path(self, page: FarPage) -> Path:
        return self._folder / f"{page.sha256}-{page.number}-{page.dpi}"

    def _prune(self) -> None:
        """Keep the newest that fit."""
        entries = [(entry.stat(), entry.path) for entry in os.scandir(self._folder) if entry.is_file()]
        held = 0
        for info, path in sorted(entries, key=lambda entry: -entry[0].st_mtime):
            held += info.st_size
            if held > CACHE_BYTES:
                Path(path).unlink(missing_ok=True)
