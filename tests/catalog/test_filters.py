"""The language of filters: what it understands, what it says when it does not, and the rows it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.catalog.filter_fields import BATCH_FIELDS, DOCUMENT_FIELDS, JOB_FIELDS, PAGE_FIELDS
from bocr_tui.catalog.filter_language import FilterError, Grammar, parse
from bocr_tui.catalog.filter_sql import fold
from bocr_tui.catalog.list_query import BatchFilter, DocumentFilter, JobFilter, PageFilter
from bocr_tui.catalog.lists import Reader, open_reader
from tests.ui.campaign import NAMES, Campaign, build


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return build(tmp_path_factory.mktemp("filters"), documents=14)


@pytest.fixture
def reader(campaign: Campaign) -> Iterator[Reader]:
    reader = open_reader(campaign.workspace.catalog_path)
    yield reader
    reader.close()


def name_of(page: dict[str, Any]) -> str:
    return fold(NAMES[(page["document_id"] - 1) % len(NAMES)])


Check = Callable[[dict[str, Any]], bool]

PAGES: list[tuple[str, Check]] = [
    ("", lambda page: True),
    ("state:failed", lambda page: page["state"] == "failed"),
    ("state:failed,gave-up", lambda page: page["state"] in ("failed", "gave_up")),
    ("state=FAILED", lambda page: page["state"] == "failed"),
    ("-state:ok", lambda page: page["state"] != "ok"),
    ("!state:ok,ignored", lambda page: page["state"] not in ("ok", "ignored")),
    ("class:repetition", lambda page: page["failure"] == "repetition"),
    ("-class:repetition", lambda page: page["failure"] != "repetition"),
    ("state:ok class:repetition", lambda page: False),
    ("state:ok state:failed", lambda page: False),
    ("engine:tesseract", lambda page: page["engine"] == "tesseract"),
    ("engine:Tesseract,rapidocr", lambda page: page["engine"] is not None),
    ("-engine:tesseract", lambda page: page["engine"] != "tesseract"),
    ("conf<0.5", lambda page: page["confidence"] is not None and page["confidence"] < 0.5),
    ("conf>=80%", lambda page: (page["confidence"] or 0) >= 0.8),
    ("conf>80 page<5", lambda page: (page["confidence"] or 0) > 0.8 and page["number"] < 5),
    ("page:3", lambda page: page["number"] == 3),
    ("page:3-5,19", lambda page: page["number"] in (3, 4, 5, 19)),
    ("-page:3-5", lambda page: page["number"] not in (3, 4, 5)),
    ("tries>=2", lambda page: page["attempts"] >= 2),
    ("PROCÉDURE", lambda page: "procédure" in name_of(page)),
    ('"procédure pénale"', lambda page: "procédure pénale" in name_of(page)),
    ('doc:"procédure pénale",2418', lambda page: "procédure p" in name_of(page) or "2418" in name_of(page)),
    ("-doc:pdf", lambda page: False),
    ("doc:الإحصاء state:failed", lambda page: "الإحصاء" in name_of(page) and page["state"] == "failed"),
    ("batch:b00002", lambda page: page["batch_id"] == 2),
    ("lang:ar", lambda page: page["document_id"] % 7 in (3, 6)),
    ("job:b0002s1", lambda page: page["batch_id"] == 2),
    ("changed>1h", lambda page: True),
    ("changed<1h", lambda page: False),
    ('"state:failed"', lambda page: False),
]


@pytest.mark.parametrize(("text", "meets"), PAGES, ids=[text for text, _ in PAGES])
@pytest.mark.parametrize("order", ["place", "document", "state", "failure", "confidence"])
def test_a_filter_finds_the_pages_it_speaks_of_in_every_order(
    campaign: Campaign, reader: Reader, text: str, meets: Check, order: Any
) -> None:
    wanted = PageFilter(terms=parse(text, PAGE_FIELDS))
    expected = [page["id"] for page in campaign.pages if meets(page)]
    found = reader.pages.ids(wanted, order)
    assert sorted(found) == expected
    assert reader.pages.count(wanted, order, 10_000) == len(expected)
    assert sorted(reader.pages.ids(wanted, order, backwards=True)) == expected


def test_backwards_is_the_other_way_round_and_the_unknown_stay_last(reader: Reader) -> None:
    place = reader.pages.ids(PageFilter(), "document")
    assert list(reader.pages.ids(PageFilter(), "document", backwards=True)) == list(reversed(place))
    rows = reader.pages.rows(reader.pages.ids(PageFilter(), "confidence", backwards=True))
    known = [row.confidence for row in rows if row.confidence is not None]
    assert known == sorted(known, reverse=True)
    assert all(row.confidence is None for row in rows[len(known) :])


@pytest.mark.parametrize(
    ("text", "names"),
    [("pages>10", 14), ("procédure", 2), ("lang:ar", 4), ("state:damaged", 0), ("-lang:ar added>1h", 10)],
)
def test_documents_are_filtered_too(reader: Reader, text: str, names: int) -> None:
    wanted = DocumentFilter(terms=parse(text, DOCUMENT_FIELDS))
    for order in ("name", "added", "state", "pages", "language"):
        assert len(reader.documents.ids(wanted, order)) == names  # type: ignore[arg-type]


def test_batches_and_jobs_are_filtered_too(reader: Reader) -> None:
    batches = BatchFilter(terms=parse("state:attention pages>=40 -b00003", BATCH_FIELDS))
    assert [row.name for row in reader.batches.rows(reader.batches.ids(batches, "name"))] == ["b00006"]
    jobs = JobFilter(terms=parse("batch:b00002 stage:2 engine:tesseract state:finished", JOB_FIELDS))
    assert [row.token for row in reader.jobs.rows(reader.jobs.ids(jobs, "failed"))] == ["b0002s2"]
    for order in ("newest", "oldest", "state", "engine", "site", "pages", "failed"):
        assert len(reader.jobs.ids(JobFilter(terms=parse("id:40", JOB_FIELDS)), order)) == 13  # type: ignore[arg-type]


ERRORS = [
    ("stat:failed", PAGE_FIELDS, "stat", "state", 0),
    ("conf<0.5 state:faild", PAGE_FIELDS, "faild", "failed", 15),
    ("class:", PAGE_FIELDS, "needs a value", "transport", 6),
    ("state:ok,", PAGE_FIELDS, "needs a value", "Known are", 9),
    ("conf<high", PAGE_FIELDS, "high", "", 5),
    ("conf>101", PAGE_FIELDS, "101", "", 5),
    ("page:ten", PAGE_FIELDS, "whole number", "", 5),
    ("page>99999999999", PAGE_FIELDS, "whole number", "", 5),
    ("changed>2", PAGE_FIELDS, "2h", "", 8),
    ("changed:2h", PAGE_FIELDS, "longer or shorter", "changed<2h", 0),
    ("state>ok", PAGE_FIELDS, "neither more nor less", "state:", 0),
    ("conf<1,2", PAGE_FIELDS, "one value", "", 0),
    ('ok doc:"bulletin off', PAGE_FIELDS, "not closed", '"', 7),
    ("engine:x", DOCUMENT_FIELDS, "engine", "There are: ", 0),
    ('""', PAGE_FIELDS, "Nothing stands", "", 0),
]


@pytest.mark.parametrize(("text", "grammar", "says", "helps", "start"), ERRORS, ids=[e[0] for e in ERRORS])
def test_what_is_not_understood_is_told_with_its_place_and_what_may_be_meant(
    text: str, grammar: Grammar, says: str, helps: str, start: int
) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, grammar)
    assert says in f"{caught.value.cause} {caught.value.next_step}"
    assert helps in caught.value.next_step
    assert caught.value.start == start
    assert caught.value.end >= start


@given(st.text(alphabet='abcstate:failed<>=!-," \u0627\u0301\n0%hconf', max_size=60))
def test_nothing_that_can_be_typed_breaks_it(text: str) -> None:
    try:
        terms = parse(text, PAGE_FIELDS)
    except FilterError as error:
        assert 0 <= error.start <= error.end <= len(text)
    else:
        assert all(term.values for term in terms)
