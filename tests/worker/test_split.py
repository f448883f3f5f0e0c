"""Pages drawn ahead: the same as if they were drawn when they are read, and used only then."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from render_makers import grey_image, pdf, text_content, text_page

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import DocumentOrder, EngineOrder, Limits, Manifest, PageOrder, Variation
from bocr_worker.render import ahead, images
from bocr_worker.render import pdf as renderer
from bocr_worker.render.page import RenderedPage, RenderOrder
from bocr_worker.render.task import RENDER_VERSION, render_page
from tests.papers import make_pdf
from tests.worker.runs import (
    FAST,
    TOKEN,
    exit_report,
    make_run,
    noop_manifest,
    order_of,
    page_events,
    records,
    result_of,
    run_worker,
    start_worker,
    verdicts,
    wait_for,
)

NOOP_DPI = 144
READING = "breading12"


@pytest.fixture(autouse=True)
def nothing_stays_open() -> object:
    yield
    renderer.forget()
    images.forget()


def split_manifest(*documents: DocumentOrder, limits: Limits = FAST, **options: object) -> Manifest:
    engine = EngineOrder("split", options={"dpi": NOOP_DPI, **options})
    return replace(noop_manifest(*documents), engine=engine, limits=limits)


def reading(root: Path, *documents: DocumentOrder, token: str = READING, **changes: object) -> Path:
    manifest = replace(noop_manifest(*documents), token=token, earlier=(TOKEN,))
    run = make_run(root, replace(manifest, **changes))  # type: ignore[arg-type]
    assert run_worker(run) == 0
    return run


def split_files(root: Path) -> list[Path]:
    return sorted(path for path in (root / "split").rglob("*") if path.is_file())


# -- the files ---------------------------------------------------------------------------------------------


def sheet_of(kind: str, folder: Path) -> RenderOrder:
    """An order for a page of each kind that drawing tells apart."""
    if kind == "image":
        page_of = folder / "page.png"
        Image.fromarray(np.asarray(text_page())).convert("RGB").save(page_of, dpi=(150, 150))
        return RenderOrder(str(page_of), "image", 1, 100, 12_000_000)
    path = folder / "page.pdf"
    if kind == "clean":
        path.write_bytes(pdf([text_content(["Article premier"] * 30)]))
    elif kind == "blank":
        path.write_bytes(pdf([b""]))
    else:
        pixels = np.asarray(text_page())
        if kind == "dark":
            pixels = 255 - pixels
        else:
            noise = np.random.default_rng(3).normal(0, 6, pixels.shape)
            pixels = np.clip(pixels * 0.8 + 40 + noise, 0, 255).astype(np.uint8)
        path.write_bytes(pdf([b"q 595 0 0 842 0 0 cm /Im1 Do Q"], objects={100: grey_image(pixels)}))
    return RenderOrder(str(path), "pdf", 1, 100, 300_000 if kind == "capped" else 12_000_000)


@pytest.mark.parametrize("kind", ["clean", "scan", "dark", "blank", "capped", "image"])
def test_a_page_drawn_ahead_is_the_page(tmp_path: Path, kind: str) -> None:
    order = sheet_of(kind, tmp_path)
    drawn = render_page(order)
    base = str(tmp_path / "split" / "1-key")
    ahead.write(base, drawn, order.max_pixels)
    assert ahead.is_there(base)
    (path,) = split_files(tmp_path)
    assert path.suffix == (".jpg" if drawn.facts.scan and drawn.images else ".png")
    assert Image.open(path).size == (
        (1, 1) if kind == "blank" else (drawn.facts.width_px, drawn.facts.height_px)
    )
    kept = render_page(replace(order, path="gone", ahead=(base,)))
    assert replace(kept, seconds=0.0) == replace(drawn, seconds=0.0)
    assert kept.facts.capped == (kind == "capped")


def kept_page(folder: Path) -> tuple[str, RenderOrder, RenderedPage]:
    order = sheet_of("clean", folder)
    drawn = render_page(order)
    base = str(folder / "split" / "1-key")
    ahead.write(base, drawn, order.max_pixels)
    return base, order, drawn


def test_another_limit_of_pixels_fits_only_where_it_does_not_matter(tmp_path: Path) -> None:
    base, order, drawn = kept_page(tmp_path)
    pixels = drawn.facts.width_px * drawn.facts.height_px
    assert ahead.read(base, 25_000_000).facts == drawn.facts
    assert ahead.read(base, pixels).facts == drawn.facts
    with pytest.raises(ahead.NotAhead):
        ahead.read(base, pixels - 1)
    small = replace(order, max_pixels=300_000)
    ahead.write(base, render_page(small), small.max_pixels)
    assert ahead.read(base, 300_000).facts.capped
    with pytest.raises(ahead.NotAhead):
        ahead.read(base, 12_000_000)


def test_a_page_that_is_to_be_prepared_is_drawn(tmp_path: Path) -> None:
    base, order, _ = kept_page(tmp_path)
    prepared = render_page(replace(order, ahead=(base,), preparations=("rotate-90",)))
    assert prepared.applied == ("rotate-90",)


def test_every_drawing_has_its_own_key() -> None:
    keys = {
        ahead.drawing_key(kind, dpi, max_pixels, version)
        for kind in ("pdf", "image")
        for dpi in (100, 200)
        for max_pixels in (1_000_000, 2_000_000)
        for version in (1, 2)
    }
    assert len(keys) == 16
    assert ahead.drawing_key("pdf", 200, 10, 1, 1024) != ahead.drawing_key("pdf", 200, 10, 1)
    assert ahead.drawing_key("pdf", 200, 10, 1) == ahead.drawing_key("pdf", 200.0, 10, 1)


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_was_cut_or_changed_is_none(tmp_path: Path, data: st.DataObject) -> None:
    if not (tmp_path / "page.pdf").exists():
        kept_page(tmp_path)
        (path,) = split_files(tmp_path)
        path.rename(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    harmed = data.draw(
        st.sampled_from(
            [whole[:place], whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :], whole + b"x", b""]
        )
    )
    (tmp_path / "split" / "1-key.png").write_bytes(harmed)
    with pytest.raises(ahead.NotAhead):
        ahead.read(str(tmp_path / "split" / "1-key"), 12_000_000)


def test_what_is_no_file_of_ours_is_none(tmp_path: Path) -> None:
    base, _, _ = kept_page(tmp_path)
    (path,) = split_files(tmp_path)
    path.rename(tmp_path / "elsewhere.png")
    path.symlink_to(tmp_path / "elsewhere.png")
    assert not ahead.is_there(base)
    path.unlink()
    os.mkfifo(path)
    assert not ahead.is_there(base)
    path.unlink()
    path.mkdir()
    with pytest.raises(ahead.NotAhead):
        ahead.read(base, 12_000_000)


# -- the stage ---------------------------------------------------------------------------------------------


def test_a_split_stage_draws_every_page_and_judges_none(tmp_path: Path) -> None:
    paper = order_of(make_pdf(tmp_path / "a.pdf", 5), 5)
    run = make_run(tmp_path, split_manifest(paper))
    assert run_worker(run) == 0
    report = exit_report(run)
    assert (report.outcome, report.ok, report.failed, report.skipped, report.left) == ("ok", 0, 0, 5, 0)
    assert report.extra == {"drawn": 5, "there": 0, "undrawable": 0}
    assert page_events(run) == []
    assert {record["phase"] for record in records(run, "stage")} == {"drawing", "ended"}
    assert {beat["total"] for beat in records(run, "heartbeat")} == {5}
    key = ahead.drawing_key("pdf", NOOP_DPI, FAST.max_pixels, RENDER_VERSION)
    names = [path.relative_to(tmp_path / "split") for path in split_files(tmp_path)]
    assert [str(name) for name in names] == [f"{paper.sha256}/{page}-{key}.jpg" for page in range(1, 6)]
    assert all(path.stat().st_mode & 0o077 == 0 for path in split_files(tmp_path))


def test_a_stage_reads_pages_drawn_ahead_as_it_would_read_them_otherwise(tmp_path: Path) -> None:
    paper = order_of(make_pdf(tmp_path / "a.pdf", 4), 4)
    apart = reading(tmp_path / "apart", paper)
    run_worker(make_run(tmp_path, split_manifest(paper)))
    after = reading(tmp_path, paper)
    for key, (alone,) in verdicts(apart).items():
        (split,) = verdicts(after)[key]
        assert split.image == alone.image
        assert split.provenance == alone.provenance
        assert result_of(after, split).recognition == result_of(apart, alone).recognition


def test_a_stage_takes_the_drawn_page_and_draws_what_does_not_fit(tmp_path: Path) -> None:
    """Seen by giving page 1 the image of page 2."""
    paper = order_of(make_pdf(tmp_path / "a.pdf", 2), 2)
    run_worker(make_run(tmp_path, split_manifest(paper)))
    one, two = split_files(tmp_path)
    two.replace(one)

    def texts(run: Path) -> list[str]:
        found = sorted((event.page, event) for event in page_events(run) if event.status == "ok")
        return [result_of(run, event).recognition.text for _, event in found]

    first, second = texts(reading(tmp_path, paper))
    assert first == second
    others = (
        Variation("coarse", dpi=100),
        Variation("turned", preparations=("rotate-180",)),
    )
    for number, variation in enumerate(others):
        run = reading(tmp_path, paper, token=f"bother{number}", first=(variation,))
        first, second = texts(run)
        assert first != second


def test_a_page_that_cannot_be_drawn_is_left_for_the_stage_that_reads(tmp_path: Path) -> None:
    order = order_of(make_pdf(tmp_path / "a.pdf", 2), 2)
    order = replace(order, pages=(PageOrder(1), PageOrder(99)))
    run = make_run(tmp_path, split_manifest(order))
    assert run_worker(run) == 0
    assert exit_report(run).outcome == "ok"
    assert exit_report(run).extra == {"drawn": 1, "there": 0, "undrawable": 1}
    after = reading(tmp_path, order)
    (failed,) = [event for event in page_events(after) if event.status == "failed"]
    assert (failed.page, failed.failure) == (99, FailureClass.RENDER)
    assert exit_report(after).ok == 1


def test_a_split_stage_draws_nothing_of_a_file_that_was_exchanged(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 2)
    order = order_of(paper, 2)
    make_pdf(paper, 2, first=50)
    run = make_run(tmp_path, split_manifest(order))
    assert run_worker(run) == 0
    assert exit_report(run).extra["undrawable"] == 2
    assert split_files(tmp_path) == []


def test_a_split_stage_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    pages = 60
    paper = order_of(make_pdf(tmp_path / "a.pdf", pages), pages)
    run = make_run(tmp_path, split_manifest(paper, dpi=600))
    worker = start_worker(run)
    wait_for(lambda: len(split_files(tmp_path)) >= 3)
    asked_at = time.monotonic()
    os.killpg(worker.pid, signal.SIGTERM)
    assert worker.wait(30) == 4
    assert time.monotonic() - asked_at < 6
    report = exit_report(run)
    assert report.outcome == "partial"
    assert report.skipped + report.left == pages
    assert report.extra["undrawable"] == 0
    drawn = report.extra["drawn"]
    assert drawn == len(split_files(tmp_path)), "no half-written file is left"
    assert run_worker(run) == 0
    assert exit_report(run).extra == {"drawn": pages - drawn, "there": drawn, "undrawable": 0}
    assert len(split_files(tmp_path)) == pages


def test_a_half_written_file_of_a_killed_job_is_drawn_anew(tmp_path: Path) -> None:
    paper = order_of(make_pdf(tmp_path / "a.pdf", 2), 2)
    run_worker(make_run(tmp_path, split_manifest(paper)))
    one = split_files(tmp_path)[0]
    one.write_bytes(one.read_bytes()[:-5])
    again = make_run(tmp_path, replace(split_manifest(paper), token="bagain1234"))
    assert run_worker(again) == 0
    assert exit_report(again).extra == {"drawn": 1, "there": 1, "undrawable": 0}


@pytest.mark.parametrize("dpi", [0, -5, 10**6, "200", True, None])
def test_a_resolution_that_makes_no_sense_is_an_error_with_words(tmp_path: Path, dpi: object) -> None:
    paper = order_of(make_pdf(tmp_path / "a.pdf", 1), 1)
    run = make_run(tmp_path, split_manifest(paper, dpi=dpi))
    assert run_worker(run) == 1
    assert exit_report(run).cause.startswith("engine split: dpi should be")


def test_a_site_that_takes_no_files_is_an_error_with_words(tmp_path: Path) -> None:
    paper = order_of(make_pdf(tmp_path / "a.pdf", 3), 3)
    (tmp_path / "split").write_text("in the way")
    run = make_run(tmp_path, split_manifest(paper))
    assert run_worker(run) == 1
    assert exit_report(run).outcome == "error"
    assert "cannot be written" in exit_report(run).cause
