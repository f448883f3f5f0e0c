"""The files between panel and worker: what is written reads back, what is damaged is refused with words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.events import PageEvent, Provenance, ResultPlace, read_page_event
from bocr_worker.protocol.exit_report import ExitReport, JournalEnd, dump_exit_report, load_exit_report
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.lines import decode_line, encode_line
from bocr_worker.protocol.manifest import (
    DocumentOrder,
    EngineOrder,
    Manifest,
    PageOrder,
    Variation,
    dump_manifest,
    load_manifest,
)
from bocr_worker.protocol.recognition import Block, Confidence, Recognition, Usage, Word
from bocr_worker.protocol.results import PageResult, decode_result, encode_result

SHA = "a" * 64
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def a_manifest() -> Manifest:
    return Manifest(
        token="btest1234",
        chain=3,
        stage=1,
        engine=EngineOrder("tesseract", options={"psm": 3}),
        documents=(
            DocumentOrder(
                sha256=SHA,
                path="/scans/الجريدة 'x' $(rm).pdf",
                kind="pdf",
                name="الجريدة",
                size_bytes=12,
                mtime_ns=5,
                language="ar",
                language_binding=True,
                pages=(PageOrder(1), PageOrder(2, FailureClass.EMPTY), PageOrder(3, None, ("h1", "h2"))),
            ),
        ),
        ladder={FailureClass.COVERAGE: (Variation("columns", 200, ("columns", "deskew"), {"psm": 6}),)},
        earlier=("bfirst12",),
        languages=("fr", "ar"),
    )


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_a_line_reads_back_as_it_was_written(record: dict[str, object]) -> None:
    line = encode_line(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    surrogate = any("\ud800" <= c <= "\udfff" for c in json.dumps(record, ensure_ascii=False))
    if not surrogate:
        assert decode_line(line[:-1]) == record


def test_a_lone_surrogate_does_not_make_a_line_unreadable() -> None:
    assert decode_line(encode_line({"text": "a\udcffb"})[:-1]) == {"text": "a\ufffdb"}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_a_protocol_error(data: bytes) -> None:
    try:
        decode_line(data)
    except ProtocolError:
        return
    assert data[8:9] == b" "


@given(st.integers(0, 200), st.integers(1, 255))
def test_one_flipped_byte_is_noticed(place: int, change: int) -> None:
    line = bytearray(encode_line({"kind": "page", "text": "Article premier " * 10})[:-1])
    line[place % len(line)] ^= change
    with pytest.raises(ProtocolError):
        decode_line(bytes(line))


def test_a_zero_filled_tail_is_refused() -> None:
    with pytest.raises(ProtocolError, match="checksum"):
        decode_line(b"\0" * 80)


def test_a_manifest_reads_back_as_it_was_written() -> None:
    assert load_manifest(dump_manifest(a_manifest())) == a_manifest()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 99}, "protocol 99"),
        ({"token": "../../etc"}, "none of ours"),
        ({"token": None}, "token"),
        ({"earlier": ["../x"]}, "none of ours"),
        ({"engine": []}, "engine"),
        ({"ladder": {"nonsense": []}}, "unknown"),
        ({"documents": [{"sha256": "x"}]}, "sha256"),
        ({"first": []}, "first"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_with_the_field(change: dict[str, object], words: str) -> None:
    record = json.loads(dump_manifest(a_manifest()))
    record.update(change)
    with pytest.raises(ProtocolError, match=words):
        load_manifest(json.dumps(record).encode())


@pytest.mark.parametrize("page", [[0], ["1"], [], [1, "nonsense"], [1, None, [3]], [True], 7])
def test_a_page_that_is_none_is_refused(page: object) -> None:
    record = json.loads(dump_manifest(a_manifest()))
    record["documents"][0]["pages"] = [page]
    with pytest.raises(ProtocolError):
        load_manifest(json.dumps(record).encode())


def an_event() -> PageEvent:
    return PageEvent(
        document=SHA,
        page=3,
        status="ok",
        attempt=2,
        at=1.5,
        seconds=2.25,
        usage=Usage(5, 7),
        confidence=Confidence(0.9, 0.5),
        score=0.8,
        scripts={"latin": 1.0},
        provenance=Provenance("rapidocr", "3.10", "w", "p", "s", "r"),
        result=ResultPlace("results-0123.jsonl", 10, 20, SHA),
    )


def test_a_page_event_reads_back_as_it_was_written() -> None:
    assert read_page_event(decode_line(encode_line(an_event().record())[:-1]), "test") == an_event()


@pytest.mark.parametrize(
    "change",
    [
        {"document": "../x"},
        {"page": 0},
        {"page": "3"},
        {"status": "done"},
        {"result": {"file": "../../etc/passwd", "offset": 0, "length": 1, "sha256": SHA}},
        {"result": {"file": "results-a/../b", "offset": 0, "length": 1, "sha256": SHA}},
        {"result": {}},
        {"status": "failed", "class": None},
        {"status": "failed", "class": "sorcery"},
        {"seconds": "fast"},
        {"at": None},
        {"scripts": {"latin": "all"}},
    ],
)
def test_a_page_event_from_a_site_is_not_trusted(change: dict[str, object]) -> None:
    record = {**an_event().record(), **change}
    with pytest.raises(ProtocolError):
        read_page_event(record, "test")


@given(JSON)
def test_no_json_at_all_breaks_the_event_reader(record: object) -> None:
    with pytest.raises(ProtocolError):
        read_page_event(record, "test")  # type: ignore[arg-type]


def a_result() -> PageResult:
    words = (Word("باب", (0.1, 0.2, 0.3, 0.4), 0.5),)
    block = Block("باب أول", (0.1, 0.2, 0.5, 0.25), "line", 0.75, words)
    return PageResult(SHA, 1, 1, True, Recognition("باب أول", "باب أول", (block,), language="ar"))


def test_a_result_reads_back_and_its_hash_is_checked() -> None:
    import hashlib

    line = encode_result(a_result())
    place = ResultPlace("results-1.jsonl", 0, len(line), hashlib.sha256(line).hexdigest())
    assert decode_result(line, "test", place) == a_result()
    with pytest.raises(ProtocolError, match="hash"):
        decode_result(line.replace(b"0.75", b"0.76"), "test", place)
    with pytest.raises(ProtocolError, match="bytes"):
        decode_result(line[:-1], "test", place)


def test_a_result_with_a_lone_surrogate_can_be_read_and_printed() -> None:
    line = encode_result(PageResult(SHA, 1, 1, True, Recognition("a\udc80b", "a\udc80b")))
    assert decode_result(line, "test").recognition.text.encode("utf-8") == b"a?b"


def test_an_exit_report_reads_back_and_an_unknown_outcome_is_refused() -> None:
    report = ExitReport("btest", "partial", "asked to stop", 3, 1, 0, 2, 1.5, (JournalEnd("j", "g", 5, 1),))
    assert load_exit_report(dump_exit_report(report)) == report
    with pytest.raises(ProtocolError, match="outcome"):
        load_exit_report(b'{"version": 1, "token": "b", "outcome": "fine"}')
