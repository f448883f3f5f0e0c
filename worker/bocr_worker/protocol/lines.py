"""One journal line: `crc32hex SP json LF`.

The checksum is over the JSON's bytes, as eight lower-case hex digits, so that a line torn by a crash or
zero-filled by a network filesystem is known for what it is. The JSON holds no raw newline, so a line ends
at its first LF and nowhere else.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

from bocr_worker.protocol.errors import ProtocolError

MAX_LINE_BYTES = 16 * 1024 * 1024
"""No honest line is longer; what is, is refused before it is parsed."""


def encode_line(record: dict[str, Any]) -> bytes:
    """Frame one record. Lone surrogates, which UTF-8 cannot hold, become U+FFFD."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    body = text.encode("utf-8", "surrogatepass")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        body = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode("utf-8")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def after_zeros(line: bytes) -> bytes:
    """What was written behind a run of zeros, which a network filesystem leaves where bytes never arrived.
    Only once nobody writes any more: until then the zeros may be lines on their way."""
    return line.lstrip(b"\0")


def decode_line(
    line: bytes, where: str = "journal", loads: Callable[[bytes], Any] = json.loads
) -> dict[str, Any]:
    """Parse one line without its LF; `loads` may be a faster JSON parser that raises ValueError.

    Raises ProtocolError for a wrong checksum, a frame that is none, or JSON that is no object.
    """
    if len(line) > MAX_LINE_BYTES:
        raise ProtocolError(where, f"a line of {len(line)} bytes; at most {MAX_LINE_BYTES} are read")
    if len(line) < 10 or line[8:9] != b" ":
        raise ProtocolError(where, "a line without a checksum")
    body = line[9:]
    try:
        stated = int(line[:8], 16)
    except ValueError:
        raise ProtocolError(where, "a line whose checksum is no hexadecimal number") from None
    if stated != zlib.crc32(body):
        raise ProtocolError(where, "a line whose checksum does not match")
    try:
        record = loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(where, f"a line that is no JSON ({type(error).__name__})") from None
    if not isinstance(record, dict):
        raise ProtocolError(where, "a line that is no JSON object")
    return record
