"""A person's word, a rule and a name decide a document's language, in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

from bocr_tui.config.errors import UsageError
from tests.intake.files import Place, make_place, pdf_bytes, put, touch_later

RULES = """
[[language_rules]]
root = "../archive/arabic"
language = "ar"

[[language_rules]]
root = "../archive/arabic/but not this"
language = "fr"
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path, RULES)


def languages(place: Place) -> dict[str, tuple[str | None, str | None]]:
    rows = place.rows("SELECT name, language, language_source FROM document")
    return {name: (language, source) for name, language, source in rows}


async def test_rules_hold_below_their_folder_and_the_deepest_wins(place: Place) -> None:
    put(place.archive, "arabic/a.pdf", pdf_bytes(300))
    put(place.archive, "arabic/but not this/b.pdf", pdf_bytes(310))
    put(place.archive, "arabic2/c.pdf", pdf_bytes(320))
    await place.imported()
    assert languages(place) == {"a.pdf": ("ar", "rule"), "b.pdf": ("fr", "rule"), "c.pdf": (None, None)}


async def test_without_a_rule_the_name_speaks(place: Place) -> None:
    put(place.archive, "BO_7188_Ar.pdf", pdf_bytes(300))
    put(place.archive, "نظام الإحصاء.pdf", pdf_bytes(310))
    put(place.archive, "bulletin.pdf", pdf_bytes(320))
    await place.imported()
    assert languages(place) == {
        "BO_7188_Ar.pdf": ("ar", "name"),
        "نظام الإحصاء.pdf": ("ar", "name"),
        "bulletin.pdf": (None, None),
    }


async def test_a_person_overrules_rule_and_name(place: Place) -> None:
    put(place.archive, "arabic/loi_Ar.pdf", pdf_bytes(300))
    await place.imported(language="en")
    assert languages(place) == {"loi_Ar.pdf": ("en", "person")}


async def test_a_persons_word_reaches_documents_that_are_known(place: Place) -> None:
    put(place.archive, "arabic/a.pdf", pdf_bytes(300))
    await place.imported()
    assert (await place.imported(language="fr")).known == 1
    assert languages(place) == {"a.pdf": ("fr", "person")}
    await place.imported()
    assert languages(place) == {"a.pdf": ("fr", "person")}
    await place.imported(language="ar")
    assert languages(place) == {"a.pdf": ("ar", "person")}


async def test_a_name_does_not_undo_what_was_known_but_replaces_a_guess(place: Place) -> None:
    path = put(place.archive, "a.pdf", pdf_bytes(300))
    await place.imported()
    with place.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE document SET language = 'fr', language_source = 'detected'")
    await place.imported()
    assert languages(place) == {"a.pdf": ("fr", "detected")}
    path.rename(place.archive / "a_Ar.pdf")
    await place.imported()
    assert languages(place) == {"a.pdf": ("ar", "name")}
    touch_later((place.archive / "a_Ar.pdf").rename(place.archive / "a_Fr.pdf"))
    await place.imported()
    assert languages(place) == {"a.pdf": ("ar", "name")}


@pytest.mark.parametrize("language", ["", "french", "FR", "f", "fr,ar", "fr\n"])
async def test_a_language_that_is_no_code_is_refused(place: Place, language: str) -> None:
    with pytest.raises(UsageError, match="language code"):
        await place.imported(language=language)
