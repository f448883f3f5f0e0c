"""What a scan says survives the way to the panel, and nothing else does."""

from __future__ import annotations

import json
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.heartbeat import Heartbeat, read_heartbeat
from bocr_worker.protocol.lines import encode_line
from bocr_worker.protocol.scan import (
    KnownFile,
    ScanEnd,
    ScanHeader,
    ScannedFile,
    ScanProgress,
    ScanRecord,
    ScanTrouble,
    decode_scan,
    encode_scan,
)

SHA = "a" * 64
_paths = st.binary(max_size=40).map(lambda name: b"/" + name.replace(b"\0", b""))
_sizes = st.lists(st.floats(0, 20_000, width=32), max_size=8).map(lambda half: array("f", half + half))


def sent(record: ScanRecord) -> ScanRecord | None:
    line = encode_scan(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return decode_scan(line[:-1])


@given(_paths, _sizes, st.text(max_size=50), st.booleans())
def test_every_record_comes_back_as_it_was(path: bytes, sizes: array[float], words: str, gone: bool) -> None:
    words = words.encode("utf-8", "replace").decode()
    broken = tuple(range(1, len(sizes) // 2 + 1, 2))
    for record in (
        ScanHeader(path, "1.0", "node1", 12.5),
        KnownFile(path, 5, 7, SHA),
        ScannedFile(path, 5, 7, SHA, "pdf", "pdf", "partial", words, sizes, broken),
        ScanTrouble(path, words, gone),
        ScanProgress(1.5, 3, 4),
        ScanEnd("partial", words, 1, 2, 3, 4.0),
    ):
        assert sent(record) == record


def test_a_document_of_a_million_equal_pages_is_a_short_line() -> None:
    pages = array("f", (595.276, 841.89)) * 1_000_000
    record = ScannedFile(b"/a.pdf", 1, 2, SHA, "pdf", "pdf", "partial", "", pages, tuple(range(2, 1_000_001)))
    assert len(encode_scan(record)) < 500
    assert sent(record) == record


@pytest.mark.parametrize(
    "change",
    [
        {"path": "bm8="},
        {"path": "L2EAYg=="},
        {"path": "!"},
        {"sha256": "../../etc/passwd"},
        {"document_kind": "executable"},
        {"sizes_pt": [[10**9, 1.0, 1.0]]},
        {"sizes_pt": [[True, 1.0, 1.0]]},
        {"sizes_pt": [[1, -1.0, 1.0]]},
        {"sizes_pt": [7]},
        {"unloadable": [[1, 10**12]]},
        {"unloadable": [[0, 1]]},
        {"size_bytes": -1},
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object]) -> None:
    good = json.loads(encode_scan(ScannedFile(b"/a", 1, 2, SHA, "pdf", "pdf", "ready"))[9:])
    with pytest.raises(ProtocolError):
        decode_scan(encode_line({**good, **change})[:-1])


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_scan(line)


def test_an_unknown_kind_is_nothing() -> None:
    assert decode_scan(encode_line({"kind": "weather"})[:-1]) is None


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*Heartbeat.__dataclass_fields__, "other"]), _json, max_size=8))
def test_a_heartbeat_of_anything_is_read_as_numbers_or_nothing(record: dict[str, object]) -> None:
    beat = read_heartbeat(record)
    assert all(value is None or isinstance(value, (int, float, dict)) for value in beat.__dict__.values())


def test_a_heartbeat_keeps_what_it_knows() -> None:
    beat = read_heartbeat({"kind": "heartbeat", "done": 3, "gpu_percent": 40, "server": {"running": 2}})
    assert (beat.done, beat.gpu_percent, beat.server, beat.total) == (3, 40.0, {"running": 2.0}, None)
