"""`plan` puts every unread page into a batch, once, and says what it passed over."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.catalog.database import Catalog
from bocr_tui.config.errors import UsageError
from bocr_tui.config.model import Config, PlanningConfig, SiteConfig
from bocr_tui.planning.numbering import batch_name
from bocr_tui.planning.planner import plan
from bocr_tui.planning.selection import selected_page_ids, spread_numbers
from tests.planning.archive import add_document, make_catalog

CONFIG = Config(pipeline=("rapidocr", "tesseract"), planning=PlanningConfig(pages=10))


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return make_catalog(tmp_path)


def page_states(catalog: Catalog) -> Counter[str]:
    with catalog.reading() as connection:
        return Counter(state for (state,) in connection.exec_driver_sql("SELECT state FROM page"))


def test_every_new_page_of_readable_documents_is_planned_and_the_rest_is_counted(catalog: Catalog) -> None:
    add_document(catalog, "a.pdf", 7)
    add_document(catalog, "b.pdf", 25)
    add_document(catalog, "half.pdf", 2, state="partial", failed=[2])
    add_document(catalog, "locked.pdf", 0, state="protected")
    add_document(catalog, "gone.pdf", 4, state="missing")
    made = plan(catalog, CONFIG)
    assert made.pages == 33
    assert made.documents == 3
    assert page_states(catalog) == {"planned": 33, "failed": 1, "new": 4}
    assert dict(made.skipped) == {"documents protected": 1, "documents missing": 1, "pages failed": 1}
    assert all(batch.pages <= 10 for batch in made.batches)


def test_rows_say_what_the_plan_says(catalog: Catalog) -> None:
    for number in range(6):
        add_document(catalog, f"{number}.pdf", 5 + number)
    made = plan(catalog, CONFIG)
    with catalog.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT batch.id, batch.name, batch.state, batch.pages, batch.documents, count(*),"
            " count(DISTINCT page.document_id) FROM batch JOIN page ON page.batch_id = batch.id"
            " GROUP BY batch.id ORDER BY batch.id"
        ).all()
    assert [tuple(row) for row in rows] == [
        (batch.batch_id, batch.name, "planned", batch.pages, batch.documents, batch.pages, batch.documents)
        for batch in made.batches
    ]
    assert made.batch_ids == tuple(row[0] for row in rows)


def test_a_second_plan_finds_nothing_to_do(catalog: Catalog) -> None:
    add_document(catalog, "a.pdf", 12)
    plan(catalog, CONFIG)
    again = plan(catalog, CONFIG)
    assert again.batches == ()
    assert again.pages == 0
    assert again.spread == 1.0
    assert dict(again.skipped) == {"pages planned": 12}


def test_names_go_on_where_the_last_plan_ended(catalog: Catalog) -> None:
    add_document(catalog, "a.pdf", 20)
    first = plan(catalog, CONFIG)
    add_document(catalog, "b.pdf", 10)
    second = plan(catalog, CONFIG)
    assert [batch.name for batch in (*first.batches, *second.batches)] == ["b0001", "b0002", "b0003"]


def test_two_plans_at_once_put_each_page_into_one_batch(catalog: Catalog) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for name in ("a.pdf", "b.pdf"):
        add_document(catalog, name, 300)
    with ThreadPoolExecutor(4) as pool:
        plans = list(pool.map(lambda _: plan(catalog, CONFIG, pages=5), range(4)))
    assert sum(made.pages for made in plans) == 600
    with catalog.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT b.pages, count(p.id) FROM batch b JOIN page p ON p.batch_id = b.id GROUP BY b.id"
        ).all()
        states = connection.exec_driver_sql("SELECT DISTINCT state FROM page").all()
    assert all(said == held for said, held in rows)
    assert sum(held for _, held in rows) == 600
    assert states == [("planned",)]


def test_names_sort_as_their_numbers_do() -> None:
    numbers = [1, 2, 10, 999, 1000, 9999, 10_000, 99_999, 100_000, 1_000_000]
    names = [batch_name(number) for number in numbers]
    assert names == sorted(names)
    assert names[0] == "b0001"


def test_a_dry_run_changes_nothing_and_says_the_same(catalog: Catalog) -> None:
    add_document(catalog, "a.pdf", 33)
    dry = plan(catalog, CONFIG, dry_run=True)
    assert page_states(catalog) == {"new": 33}
    with catalog.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM batch").scalar() == 0
    assert dry.batch_ids == ()
    real = plan(catalog, CONFIG)
    assert [(batch.name, batch.pages) for batch in dry.batches] == [
        (batch.name, batch.pages) for batch in real.batches
    ]


def test_only_the_documents_asked_for_are_planned(catalog: Catalog) -> None:
    wanted = add_document(catalog, "a.pdf", 3)
    add_document(catalog, "b.pdf", 3)
    made = plan(catalog, CONFIG, document_ids=[wanted])
    assert made.pages == 3
    assert page_states(catalog) == {"planned": 3, "new": 3}
    assert plan(catalog, CONFIG, document_ids=[]).pages == 0


def test_a_sample_has_the_first_and_the_last_page_and_is_the_same_each_time(catalog: Catalog) -> None:
    document_id = add_document(catalog, "a.pdf", 100)
    made = plan(catalog, CONFIG, pages_per_document=3)
    with catalog.reading() as connection:
        rows = connection.exec_driver_sql("SELECT number FROM page WHERE state = 'planned' ORDER BY number")
        numbers = [number for (number,) in rows]
    assert numbers[0] == 1
    assert numbers[-1] == 100
    assert len(numbers) == 3
    assert dict(made.skipped) == {"pages not sampled": 97}
    assert plan(catalog, CONFIG, pages_per_document=3).pages == 0
    with catalog.reading() as connection:
        assert len(selected_page_ids(connection, [document_id], 3)) == 3


def test_a_sampled_page_that_cannot_be_loaded_is_accounted_for_but_not_planned(catalog: Catalog) -> None:
    document_id = add_document(catalog, "half.pdf", 2, state="partial", failed=[2])
    assert plan(catalog, CONFIG, pages_per_document=3).pages == 1
    with catalog.reading() as connection:
        assert len(selected_page_ids(connection, [document_id], 3)) == 2


@pytest.mark.parametrize(("pages", "wanted"), [(1, 1), (1, 5), (2, 1), (5, 5), (468, 3), (7, 6), (1000, 999)])
def test_samples_are_as_large_as_wanted(pages: int, wanted: int) -> None:
    numbers = spread_numbers(pages, wanted)
    assert len(numbers) == min(pages, wanted)
    assert min(numbers) == 1
    assert wanted == 1 or max(numbers) == pages


def test_pages_of_one_document_stay_in_order_when_it_is_cut(catalog: Catalog) -> None:
    add_document(catalog, "long.pdf", 45)
    plan(catalog, CONFIG)
    with catalog.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT min(number), max(number), count(*) FROM page GROUP BY batch_id ORDER BY batch_id"
        ).all()
    assert [tuple(row) for row in rows] == [(1, 9, 9), (10, 18, 9), (19, 27, 9), (28, 36, 9), (37, 45, 9)]


def test_slots_divide_the_time(catalog: Catalog) -> None:
    add_document(catalog, "a.pdf", 40)
    config = CONFIG.model_copy(update={"sites": {"local": SiteConfig(slots=2)}})
    made = plan(catalog, config)
    assert made.slots == 2
    assert made.estimated_slots_s == pytest.approx(made.estimated_s / 2)


@pytest.mark.parametrize(
    "sizes",
    [
        {"pages": 0},
        {"documents": -1},
        {"batches": 0},
        {"pages_per_document": 0},
        {"pages": 5, "documents": 5},
    ],
    ids=str,
)
def test_sizes_that_make_no_sense_are_refused_in_words(catalog: Catalog, sizes: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as refused:
        plan(catalog, CONFIG, **sizes)
    assert "--" in refused.value.cause
    assert refused.value.next_step


def test_more_batches_than_anybody_means_are_refused_and_nothing_is_written(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bocr_tui.planning.planner.MOST_BATCHES", 5)
    add_document(catalog, "a.pdf", 60)
    with pytest.raises(UsageError, match="6 batches"):
        plan(catalog, CONFIG)
    assert page_states(catalog) == {"new": 60}


def test_the_timeline_tells_of_the_plan(catalog: Catalog) -> None:
    add_document(catalog, "a.pdf", 12)
    plan(catalog, CONFIG)
    with catalog.reading() as connection:
        texts = [text for (text,) in connection.exec_driver_sql("SELECT text FROM event")]
    assert texts == ["Planned 12 pages in 2 batches."]
