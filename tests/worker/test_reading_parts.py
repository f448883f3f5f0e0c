"""A page that was read in parts is one reading, and what was doubted in it is found again."""

from __future__ import annotations

from bocr_worker.protocol.recognition import Recognition
from bocr_worker.reading_page import join


def part(raw: str, *doubted: str) -> Recognition:
    stretches = [[raw.index(word), raw.index(word) + len(word), 0.2] for word in doubted]
    return Recognition(raw, raw, raw=raw, extra={"doubtful": stretches} if stretches else {})


def test_doubtful_stretches_stand_where_their_words_stand_in_the_whole_answer() -> None:
    whole = join(
        [part("gauche sûre douteuse", "douteuse"), part("sûre"), part("dr0ite et f1n", "dr0ite", "f1n")]
    )
    assert whole.raw is not None
    found = [whole.raw[start:end] for start, end, _ in whole.extra["doubtful"]]
    assert found == ["douteuse", "dr0ite", "f1n"]


def test_parts_without_doubt_leave_none() -> None:
    assert "doubtful" not in join([part("un"), part("deux")]).extra
