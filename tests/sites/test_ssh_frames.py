"""Frames: whatever is printed around them and whatever they are made of, the value or a typed error."""

from __future__ import annotations

import contextlib
import os
import resource
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocr_tui.sites.helper.frames import BadFrame, build_frame, build_header, pack, unpack
from bocr_tui.sites.transport.ssh.frames import MAX_NOISE_BYTES, AnswerReader, BadAnswer, new_nonce

NONCE = b"0123456789abcdef0123456789abcdef"

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None))
    | st.binary(max_size=200),
    lambda parts: st.lists(parts, max_size=5) | st.dictionaries(st.text() | st.just("=b"), parts, max_size=5),
    max_leaves=20,
)


def _read(data: bytes, piece: int = 0) -> object:
    reader = AnswerReader(NONCE)
    for start in range(0, len(data), piece or max(1, len(data))):
        reader.feed(data[start : start + (piece or len(data))])
    return reader.value()


@given(VALUES, st.binary(max_size=300), st.binary(max_size=50), st.integers(1, 64))
def test_a_value_comes_through_whatever_is_printed_around_it(
    value: object, before: bytes, after: bytes, piece: int
) -> None:
    assert _read(before + build_frame(NONCE, value) + after, piece) == value


@given(st.binary(max_size=2000))
def test_any_bytes_are_an_answer_or_a_typed_error(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        _read(data)
    with pytest.raises(BadAnswer):
        _read(build_header(NONCE, data) + data[:-1] + b"")
    with contextlib.suppress(BadFrame):
        unpack(data, 10_000)


@given(VALUES, st.data())
def test_a_frame_with_a_byte_changed_or_cut_off_is_never_an_answer(
    value: object, data: st.DataObject
) -> None:
    frame = build_frame(NONCE, value)
    place = data.draw(st.integers(0, len(frame) - 1))
    changed = bytearray(frame)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadAnswer):
        _read(bytes(changed))
    with pytest.raises(BadAnswer):
        _read(frame[:place])


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_any_bytes_below_a_right_checksum_are_a_value_or_a_typed_error(data: bytes) -> None:
    for payload in (data, b"=" + data, b"z" + data, b"z" + zlib.compress(data)):
        reader = AnswerReader(NONCE)
        reader.feed(build_header(NONCE, payload) + payload)
        try:
            reader.value()
        except BadAnswer:
            continue


def test_another_questions_answer_is_noise() -> None:
    with pytest.raises(BadAnswer, match="no answer came"):
        _read(build_frame(new_nonce(), {"ok": 1}))


@pytest.mark.parametrize("size", [10**9, 10**11, 65 * 1024 * 1024])
def test_a_gigabyte_is_refused_before_it_comes(size: int) -> None:
    header = b"bocr-frame %s %d %s\n" % (NONCE, size, b"0" * 64)
    with pytest.raises(BadAnswer, match="more than"):
        AnswerReader(NONCE).feed(header)


def test_endless_noise_is_given_up_on_and_not_kept() -> None:
    reader = AnswerReader(NONCE)
    with pytest.raises(BadAnswer, match="no answer"):
        for _ in range(MAX_NOISE_BYTES // 1000 + 2):
            reader.feed(b"x" * 1000)
    assert len(reader.noise) == 2000


def test_a_zip_bomb_is_not_unpacked() -> None:
    zip_ = zlib.compressobj(9)
    bomb = b"z" + b"".join(zip_.compress(bytes(1 << 20)) for _ in range(400)) + zip_.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadFrame, match="more than"):
        unpack(bomb, 10_000_000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@pytest.mark.parametrize(
    "text",
    [
        b'{"=b":-1}',
        b'{"=b":4}',
        b'{"=b":1e3}',
        b'{"=b":true}',
        b'{"=d":[1]}',
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"=b":1}{"=b":1}',
        b"\xff",
        b"",
    ],
)
def test_text_that_lies_is_refused(text: bytes) -> None:
    payload = b"=" + struct.pack(">I", len(text)) + text + b"abc"
    with pytest.raises(BadFrame):
        unpack(payload, 1_000_000)


def test_what_shrinks_is_sent_small_and_what_does_not_as_it_is() -> None:
    assert len(pack({"data": b"page started " * 10_000})) < 5_000
    random = os.urandom(100_000)
    assert len(pack({"data": random})) < 100_100
