"""JSON as the two builds write it, faults included: the release's by hand, master's by a library."""

from __future__ import annotations

import re
import time
from functools import lru_cache

from tests.pbs_double.attributes import Attributes, Value
from tests.pbs_double.settings import VERSION
from tests.pbs_double.text import encoded, visible

Section = list[tuple[str, Attributes]]
_SHORT = {8: b"\\b", 9: b"\\t", 10: b"\\n", 12: b"\\f", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
_STRICT = re.compile(r"-?(\d+(\.\d*)?)([eE][+-]?\d+)?")


def document(build: str, server: str, name: str, section: Section | None, spoiled: bool = False) -> bytes:
    """The whole answer. `name` is Jobs, Queue, Server or nodes; None: there is no such section."""
    head: list[tuple[str, str | int]] = [
        ("timestamp", int(time.time())), ("pbs_version", VERSION), ("pbs_server", server),
    ]  # fmt: skip
    if spoiled:
        head.append(("spoiled", "\\x"))
    write = _Master() if build == "master" else _Release()
    return write.document(head, name, section, spoiled)


class _Writer:
    indent = b"\t"
    colon = b":\t"
    end_empty = b"}\n"

    def document(
        self, head: list[tuple[str, str | int]], name: str, section: Section | None, spoiled: bool
    ) -> bytes:
        parts = [self._pair(1, key, self.value(value)) for key, value in head]
        if spoiled:
            parts[-1] = self.indent + b'"spoiled":"\\x"'
        if section:
            inside = [self._pair(2, key, self._object(3, attributes)) for key, attributes in section]
            parts.append(self._pair(1, name, self._braces(1, inside)))
            return b"{\n" + b",\n".join(parts) + b"\n}\n"
        return b"{\n" + b",\n".join(parts) + b"\n" + self.end_empty

    def _pair(self, depth: int, key: str, value: bytes) -> bytes:
        return self.indent * depth + b'"' + encoded(key) + b'"' + self.colon + value

    def _braces(self, depth: int, inside: list[bytes]) -> bytes:
        return b"{\n" + b",\n".join(inside) + b"\n" + self.indent * depth + b"}"

    def _object(self, depth: int, attributes: Attributes) -> bytes:
        inside = []
        for name, value in attributes:
            if name == "Variable_List":
                pairs = [(key, self.variable(words)) for key, words in self.variables(str(value))]
            elif isinstance(value, list):
                pairs = [(key, self.value(words)) for key, words in value]
            else:
                inside.append(self._pair(depth, name, self.attribute(depth, name, value)))
                continue
            nested = [self._pair(depth + 1, key, words) for key, words in pairs]
            inside.append(self._pair(depth, name, self._braces(depth, nested)))
        return self._braces(depth - 1, inside)

    def attribute(self, depth: int, name: str, value: Value) -> bytes:
        """A node's jobs are the only list there is."""
        if name == "jobs" and isinstance(value, str):
            return self.listed(depth, [b'"' + encoded(one) + b'"' for one in value.split(", ")])
        return self.value(value)

    def listed(self, depth: int, words: list[bytes]) -> bytes:
        del depth
        return b"[" + b", ".join(words) + b"]"

    def variable(self, words: str) -> bytes:
        return self.value(words)

    def value(self, value: Value) -> bytes:
        raise NotImplementedError

    def variables(self, text: str) -> list[tuple[str, str]]:
        """Split at commas without a backslash before them; that backslash is dropped, no other."""
        found = []
        for part in re.split(r"(?<!\\),", text):
            name, _, words = part.partition("=")
            found.append((name, words.replace("\\,", ",")))
        return found


class _Master(_Writer):
    def value(self, value: Value) -> bytes:
        return str(value).encode() if isinstance(value, int) else _quoted_by_library(str(value))

    def variable(self, words: str) -> bytes:
        """Whatever JSON itself would call a number or a word."""
        if words in ("true", "false", "null"):
            return words.encode()
        if not _STRICT.fullmatch(words):
            return self.value(words)
        number = float(words)
        if number == int(number) and abs(number) < 1e15:
            return str(int(number)).encode()
        short = f"{number:.15g}"
        return (short if float(short) == number else f"{number:.17g}").encode()


class _Release(_Writer):
    indent = b"    "
    colon = b":"
    end_empty = b"}"

    def value(self, value: Value) -> bytes:
        return str(value).encode() if isinstance(value, int) else _quoted_by_hand(str(value))

    def listed(self, depth: int, words: list[bytes]) -> bytes:
        inside = b",\n".join(self.indent * (depth + 1) + word for word in words)
        return b"[\n" + inside + b"\n" + self.indent * depth + b"]"

    def variables(self, text: str) -> list[tuple[str, str]]:
        """As the others, but an empty value swallows the comma and what follows it."""
        found = []
        while text:
            name, _, rest = text.partition("=")
            end = re.search(r"(?<!\\),", rest[1:])
            words, text = (rest, "") if end is None else (rest[: end.start() + 1], rest[end.end() + 1 :])
            found.append((name, words.replace("\\,", ",")))
        return found


@lru_cache(maxsize=20_000)
def _quoted_by_library(text: str) -> bytes:
    out = bytearray(b'"')
    for byte in encoded(text):
        if byte in _SHORT:
            out += _SHORT[byte]
        elif byte < 32:
            out += b"\\u%04x" % byte
        else:
            out.append(byte)
    return bytes(out + b'"')


@lru_cache(maxsize=20_000)
def _quoted_by_hand(text: str) -> bytes:
    """Whatever strtod takes is a number, valid JSON or not; a backslash stays as it is."""
    if _NUMBER.fullmatch(text) and not re.match(r"0\d", text):
        return encoded(text)
    raw = visible(encoded(text), b"\t\n\f\r\b", high=True).replace(b"\\,", b",")
    raw = re.sub(rb'(?<!\\)"', b'\\"', raw)
    for byte in (8, 9, 10, 12, 13):
        raw = raw.replace(bytes((byte,)), _SHORT[byte])
    return b'"' + raw + b'"'
