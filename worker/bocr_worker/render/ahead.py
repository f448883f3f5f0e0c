"""Pages that were drawn before anybody reads them, as files: an image, and behind it what was measured.

`<root>/split/<sha256>/<page>-<key>.<jpg|png>`: the image, one journal line with the page's facts, that line's
length in eight bytes, and a mark. Programs that show images pass over what follows an image's end. A file is
believed only whole: what a crash or a full disk left is as good as none, so nothing here waits for the disk.
A blank page has an image of one pixel, which no engine is shown.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import os
import secrets
import stat
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bocr_worker.engines.base import PageImage
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.facts import GRID_COLUMNS, GRID_ROWS, ImageFacts
from bocr_worker.protocol.fields import Fields
from bocr_worker.protocol.lines import decode_line, encode_line
from bocr_worker.render.page import Placement, PreparedImage, RenderedPage

_MARK = b"bocrpg01"
_TAIL = struct.Struct(">Q8s")
_SUFFIXES = {"png": "png", "jpeg": "jpg"}
_MOST_BYTES = 256 * 1024 * 1024
_MOST_LINE = 64 * 1024

_BLANK = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)
"""One white pixel, as PNG."""


class NotAhead(Exception):
    """There is no such file, or it is not what it should be."""


def drawing_key(kind: str, dpi: float, max_pixels: int, renderer: int, least_side_px: int = 0) -> str:
    """Sixteen hexadecimal digits for all that decides how a page is drawn when nothing is prepared.
    `renderer` is RENDER_VERSION."""
    raised = f" {least_side_px}" if least_side_px else ""
    return hashlib.sha256(f"{renderer} {kind} {dpi:g} {max_pixels}{raised}".encode()).hexdigest()[:16]


def base_name(split: Path, sha256: str, page: int, key: str) -> str:
    """The path without the suffix, which only whoever draws knows."""
    return str(split / sha256 / f"{page}-{key}")


def is_there(base: str) -> bool:
    """Whether a whole file is there, by its length and its end alone."""
    for suffix in _SUFFIXES.values():
        with contextlib.suppress(NotAhead, OSError), _opened(f"{base}.{suffix}") as stream:
            record, image_bytes = _read_end(stream)
            return Fields(record, base).whole("bytes") == image_bytes
    return False


def write(base: str, rendered: RenderedPage, max_pixels: int) -> None:
    """Keep a page that was drawn without preparations, unless its image is not the page itself. Raises
    OSError."""
    if len(rendered.images) > 1 or any(part.placement != Placement() for part in rendered.images):
        return
    image = rendered.images[0].image if rendered.images else None
    encoded = image.encoded if image else _BLANK
    facts = asdict(rendered.facts)
    facts["grid"] = base64.b64encode(rendered.facts.grid).decode("ascii")
    record: dict[str, Any] = {
        "facts": facts,
        "applied": list(rendered.applied),
        "render_hash": rendered.render_hash,
        "max_pixels": max_pixels,
        "bytes": len(encoded),
        "sha256": hashlib.sha256(encoded).hexdigest(),
    }
    if image is not None:
        record["image"] = {name: value for name, value in image.__dict__.items() if name != "encoded"}
    line = encode_line(record)
    path = Path(f"{base}.{_SUFFIXES[image.format] if image else 'png'}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        part.write_bytes(b"".join((encoded, line, _TAIL.pack(len(line), _MARK))))
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def read(base: str, max_pixels: int) -> RenderedPage:
    """The page as it was drawn, if it would be drawn so today. Raises NotAhead. For child processes: the
    image is opened."""
    for suffix in _SUFFIXES.values():
        with contextlib.suppress(OSError), _opened(f"{base}.{suffix}") as stream:
            record, image_bytes = _read_end(stream)
            stream.seek(0)
            return _page(Fields(record, base), stream.read(image_bytes), max_pixels, base)
    raise NotAhead


def _opened(path: str) -> io.BufferedReader:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    return os.fdopen(handle, "rb")


def _read_end(stream: io.BufferedReader) -> tuple[dict[str, Any], int]:
    """What stands behind the image, and how many bytes the image has."""
    info = os.fstat(stream.fileno())
    if not stat.S_ISREG(info.st_mode) or not _TAIL.size < info.st_size <= _MOST_BYTES:
        raise NotAhead
    stream.seek(info.st_size - _TAIL.size)
    length, mark = _TAIL.unpack(stream.read(_TAIL.size))
    image_bytes = info.st_size - _TAIL.size - length
    if mark != _MARK or not 0 < length <= _MOST_LINE or image_bytes < 0:
        raise NotAhead
    stream.seek(image_bytes)
    try:
        return decode_line(stream.read(length).rstrip(b"\n")), image_bytes
    except ProtocolError:
        raise NotAhead from None


def _page(fields: Fields, encoded: bytes, max_pixels: int, where: str) -> RenderedPage:
    try:
        facts = _facts(Fields(fields.mapping("facts"), where))
        image = fields.mapping("image", {})
        if fields.whole("bytes") != len(encoded):
            raise NotAhead
        if fields.text("sha256") != hashlib.sha256(encoded).hexdigest():
            raise NotAhead
        # Drawn under another limit it is the same page only if neither limit mattered.
        same_limit = fields.whole("max_pixels") == max_pixels
        if not same_limit and (facts.capped or facts.width_px * facts.height_px > max_pixels):
            raise NotAhead
        images = (PreparedImage(_image(Fields(image, where), encoded), Placement()),) if image else ()
        return RenderedPage(facts, images, fields.texts("applied"), fields.text("render_hash", max_length=64))
    except ProtocolError:
        raise NotAhead from None


def _image(fields: Fields, encoded: bytes) -> PageImage:
    """Raises NotAhead unless the image opens as what it is said to be."""
    from PIL import Image

    image = PageImage(
        encoded,
        fields.text("format", max_length=10),
        fields.whole("width_px", least=1),
        fields.whole("height_px", least=1),
        fields.number("dpi"),
    )
    try:
        with Image.open(io.BytesIO(encoded), formats=("PNG", "JPEG")) as opened:
            found = ((opened.format or "").lower(), *opened.size)
    except Exception:  # noqa: BLE001 - decoders raise struct.error, SyntaxError and more
        raise NotAhead from None
    if found != (image.format, image.width_px, image.height_px):
        raise NotAhead
    return image


def _facts(fields: Fields) -> ImageFacts:
    try:
        grid = base64.b64decode(fields.text("grid"), validate=True)
    except ValueError:
        raise NotAhead from None
    if len(grid) != GRID_ROWS * GRID_COLUMNS:
        raise NotAhead
    return ImageFacts(
        width_px=fields.whole("width_px", least=1),
        height_px=fields.whole("height_px", least=1),
        dpi=fields.number("dpi"),
        ink=fields.number("ink"),
        bright=fields.number("bright"),
        deviation=fields.number("deviation"),
        blank=fields.flag("blank"),
        nearly_blank=fields.flag("nearly_blank"),
        grid=grid,
        inverted=fields.flag("inverted"),
        scan=fields.flag("scan"),
        capped=fields.flag("capped"),
    )
