"""Real and hostile documents: each ends in the treatment that the corpus's README expects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.intake.files import Place, make_place

pytestmark = pytest.mark.corpus

NASTY: dict[str, tuple[set[str], int, str]] = {
    "invalid.pdf": ({"damaged", "not_a_pdf"}, 0, r"PDF"),
    "bad1.pdf": ({"damaged", "not_a_pdf"}, 0, r"PDF"),
    "fuzz-16214.pdf": ({"damaged", "not_a_pdf"}, 0, r"PDF"),
    "bad35.pdf": ({"damaged"}, 0, r"damaged"),
    "unreadablemetadata.pdf": ({"damaged"}, 0, r"damaged"),
    "empty.pdf": ({"empty"}, 0, r"has no pages"),
    "circular_viewer_ref.pdf": ({"damaged", "empty"}, 0, r"pages"),
    "bad34.pdf": ({"partial"}, 1, r"1 of 1 pages cannot be loaded"),
    "deep-pages.pdf": ({"partial"}, 1, r"1 of 1 pages cannot be loaded"),
    "bad_page_type.pdf": ({"partial"}, 2, r"1 of 2 pages cannot be loaded"),
    "libreoffice-writer-password.pdf": ({"protected"}, 0, r"password"),
    "enc-XI-R6,V5,U=view,O=master.pdf": ({"protected"}, 0, r"password"),
    "enc-R3,V2,O=master.pdf": ({"ready"}, 30, r"^$"),
    "hugemono.pdf": ({"ready"}, 1, r"^$"),
    "enormous.pdf": ({"ready"}, 1, r"^$"),
    "skinnypage.pdf": ({"ready"}, 2, r"^$"),
    "blank.pdf": ({"ready"}, 1, r"^$"),
    "habibi-rotated.pdf": ({"ready"}, 4, r"^$"),
}
"""States, pages and the sentence of what is not simply ready. The page of cropped_no_overlap.pdf has no area:
whether that shows at its size or when it is drawn is the renderer's affair."""

GAZETTE_PAGES = [1, 2, 2, 4, 6, 6, 10, 11, 12, 192, 468]


@pytest.fixture
async def place(tmp_path: Path, corpus: Path) -> Place:
    return make_place(tmp_path)


async def test_every_nasty_file_has_its_state_its_pages_and_its_sentence(place: Place, corpus: Path) -> None:
    report = await place.imported(corpus / "nasty", processes=2)
    documents = place.documents()
    assert report.found == report.added == len(documents) == 31
    for name, (states, pages, pattern) in NASTY.items():
        state, reason, count = documents[name]
        assert state in states, name
        assert count == pages, name
        assert re.search(pattern, reason), (name, reason)
    for name, (state, reason, count) in documents.items():
        if name not in NASTY and name != "cropped_no_overlap.pdf":
            assert (state, reason, count) == ("ready", "", 1), name


async def test_no_sentence_speaks_of_success(place: Place, corpus: Path) -> None:
    report = await place.imported(corpus / "nasty", processes=2)
    assert report.problems
    for name, sentence in report.problems:
        assert "success" not in sentence.lower(), name
        assert sentence[0].isupper() or sentence[0].isdigit(), name
        assert sentence.endswith("."), name


async def test_pages_that_cannot_be_loaded_are_failed_and_the_others_wait(place: Place, corpus: Path) -> None:
    await place.imported(corpus / "nasty" / "bad_page_type.pdf")
    assert place.rows("SELECT number, state, failure FROM page ORDER BY number") == [
        (1, "new", None),
        (2, "failed", "render"),
    ]


async def test_gazettes_of_every_name_and_size_are_ready(place: Place, corpus: Path) -> None:
    report = await place.imported(corpus / "gazettes", processes=2)
    assert set(place.states().values()) == {"ready"}
    assert report.problems == ()
    counts = [count for (count,) in place.rows("SELECT page_count FROM document ORDER BY page_count")]
    assert counts == GAZETTE_PAGES
    languages = dict(place.rows("SELECT name, language FROM document"))
    assert languages["نظام-الإحصاء-لعام-1447هـ_م29.pdf"] == "ar"
    assert languages["décret_2007_1406_fr.pdf"] == "fr"
    assert languages["dec_irpp_ar.pdf"] == "ar"


async def test_ground_truth_beside_images_is_no_manifest(place: Place, corpus: Path) -> None:
    report = await place.imported(corpus / "groundtruth")
    assert (report.found, report.pages, report.problems) == (5, 5, ())
