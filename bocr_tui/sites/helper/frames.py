"""How a value travels between the panel and a site, when anything may be printed around it.

A frame is one line, `bocr-frame NONCE LENGTH SHA256`, and that many bytes. The nonce is new with every
question, so that nothing else on the channel can be taken for its answer. The bytes are `z` and zlib, or `=`
and as they are, of: a four byte length, JSON of that length, and the byte strings that the JSON names, one
after another. In it `{"=b": 5}` stands for the next five of these bytes, and `{"=d": [[key, value], ...]}`
for a dict that has keys like these.
"""

import hashlib
import json
import re
import struct
import zlib
from typing import Any, Dict, List, Tuple

MAGIC = b"bocr-frame "
HEADER = re.compile(rb"bocr-frame ([0-9a-f]{32}) ([0-9]{1,12}) ([0-9a-f]{64})\n\Z")
MAX_HEADER_BYTES = len(MAGIC) + 32 + 1 + 12 + 1 + 64 + 1

BROKEN, CUT = 97, 98
"""Exit codes of a helper that does not load, and of one whose question did not arrive whole."""

MAX_JSON_BYTES = 32 * 1024 * 1024
"""A byte of JSON can become twenty of memory: lists and texts are bounded more tightly than bytes are."""

SAMPLE_BYTES, MUCH_BYTES = 32768, 1 << 20
WORTH_COMPRESSING = 0.9
"""Bytes that do not shrink by a tenth are sent as they are: compressing costs more than most links."""


class BadFrame(Exception):
    """These bytes are no frame, or not a whole one. `str()` says what is wrong."""


def build_frame(nonce: bytes, value: Any) -> bytes:
    """A whole frame, header and bytes. Raises TypeError or ValueError for what JSON and bytes cannot hold."""
    payload = pack(value)
    return build_header(nonce, payload) + payload


def build_header(nonce: bytes, payload: bytes) -> bytes:
    """The line before `payload`."""
    digest = hashlib.sha256(payload).hexdigest().encode()
    return b"%s%s %d %s\n" % (MAGIC, nonce, len(payload), digest)


def read_header(line: bytes) -> Tuple[bytes, int, str]:
    """Nonce, length and SHA-256 of what follows. Raises BadFrame."""
    matched = HEADER.match(line)
    if matched is None:
        raise BadFrame("the header is not one")
    return matched.group(1), int(matched.group(2)), matched.group(3).decode()


def pack(value: Any) -> bytes:
    """The bytes of a frame."""
    blobs: List[bytes] = []
    text = json.dumps(_lower(value, blobs), separators=(",", ":"), allow_nan=False).encode()
    plain = b"".join([b"=", struct.pack(">I", len(text)), text, *blobs])
    if not _shrinks(plain):
        return plain
    return b"z" + zlib.compress(memoryview(plain)[1:], 6 if len(plain) < MUCH_BYTES else 1)


def _shrinks(plain: bytes) -> bool:
    middle = max(0, (len(plain) - SAMPLE_BYTES) // 2)
    sample = plain[middle : middle + SAMPLE_BYTES]
    return len(zlib.compress(sample, 1)) < len(sample) * WORTH_COMPRESSING


def _lower(value: Any, blobs: List[bytes]) -> Any:
    """`value` as JSON has it, its byte strings put into `blobs`."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        blobs.append(bytes(value))
        return {"=b": len(blobs[-1])}
    if isinstance(value, dict):
        if any(str(key).startswith("=") for key in value):
            return {"=d": [[str(key), _lower(part, blobs)] for key, part in value.items()]}
        return {str(key): _lower(part, blobs) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_lower(part, blobs) for part in value]
    return value


def unpack(payload: bytes, max_bytes: int, max_json_bytes: int = MAX_JSON_BYTES) -> Any:
    """The value in a frame's bytes, of at most `max_bytes` once they are unzipped. Raises BadFrame."""
    plain = _unzip(payload, max_bytes)
    if len(plain) < 4:
        raise BadFrame("it is too short")
    size = struct.unpack(">I", plain[:4])[0]
    if size > max_json_bytes:
        raise BadFrame("its text of %d bytes is too long" % size)
    if 4 + size > len(plain):
        raise BadFrame("its text is cut")
    blobs = _Blobs(plain, 4 + size)
    try:
        value = json.loads(plain[4 : 4 + size].decode(), object_hook=blobs.restore)
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise BadFrame("its text does not read well: %s" % str(error)[:100]) from None
    if blobs.place != len(plain):
        raise BadFrame("it holds bytes that it does not name")
    return value


def _unzip(payload: bytes, max_bytes: int) -> bytes:
    if payload[:1] == b"=" and len(payload) <= max_bytes:
        return payload[1:]
    if payload[:1] != b"z":
        raise BadFrame("it is too long, or of no kind known here")
    unzip = zlib.decompressobj()
    try:
        plain = unzip.decompress(memoryview(payload)[1:], max_bytes + 1)
    except zlib.error as error:
        raise BadFrame("it does not unzip: %s" % error) from None
    if len(plain) > max_bytes:
        raise BadFrame("it unzips to more than %d bytes" % max_bytes)
    if not unzip.eof or unzip.unused_data:
        raise BadFrame("it is no whole zlib stream")
    return plain


class _Blobs:
    """The byte strings of a frame, taken in the order in which the text names them: each byte once, so that
    a short text cannot ask for more bytes than there are."""

    def __init__(self, plain: bytes, place: int) -> None:
        self.plain, self.place = plain, place

    def restore(self, entry: Dict[str, Any]) -> Any:
        if len(entry) == 1:
            if "=b" in entry:
                return self._take(entry["=b"])
            if "=d" in entry:
                return {str(key): part for key, part in entry["=d"]}
        return entry

    def _take(self, size: Any) -> bytes:
        if type(size) is not int or size < 0 or self.place + size > len(self.plain):
            raise ValueError("a byte string is longer than what came")
        self.place += size
        return self.plain[self.place - size : self.place]
