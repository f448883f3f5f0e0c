"""What a text is written in, and what a document is likely to be written in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.language import (
    SCRIPTS,
    decide,
    expected_scripts,
    language_of_name,
    reading_direction,
    script_of,
    scripts,
    vote,
)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("", {}),
        ("12 345,67 € — § 7 ٣٤٥", {}),
        ("Décret n° 2-09-77, œuvre, ﬁn, 1ᵉʳ", {"latin": 1.0}),
        ("e\u0301te\u0301", {"latin": 1.0}),
        ("المملكة المغربية", {"arabic": 1.0}),
        ("\ufe8d\ufedf\ufee4\ufedc\ufe97\ufe90", {"arabic": 1.0}),
        ("قَرَّرَ", {"arabic": 1.0}),
        ("ـــــــ", {}),
        ("Рабат", {"cyrillic": 1.0}),
        ("Αθήνα", {"greek": 1.0}),
        ("北京 うふ 서울", {"cjk": 1.0}),
        ("שלום ⵜⴰⵎⴰⵣⵉⵖⵜ", {"other": 1.0}),
        ("abcd المملكة x", {"arabic": 0.5833, "latin": 0.4167}),
    ],
)
def test_letters_are_shared_out_by_script(text: str, shares: dict[str, float]) -> None:
    assert scripts(text) == shares


@given(st.text(max_size=300))
def test_shares_sum_to_one_or_there_are_none(text: str) -> None:
    shares = scripts(text)
    assert set(shares) <= set(SCRIPTS)
    assert all(0 < share <= 1 for share in shares.values())
    assert not shares or sum(shares.values()) == pytest.approx(1.0)
    assert bool(shares) == any(script_of(character) for character in text)


def test_a_page_of_sixty_thousand_letters_is_counted_in_milliseconds() -> None:
    begun = time.perf_counter()
    assert scripts("Bulletin officiel المملكة " * 2400)
    assert time.perf_counter() - begun < 0.1  # measured 0.003 s


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("BO_7188_Ar.pdf", "ar"),
        ("BO_7188_Fr.pdf", "fr"),
        ("BO_6880_Fr_v2.pdf", "fr"),
        ("BO_AR_2020.pdf", "ar"),
        ("BO7188Ar.pdf", "ar"),
        ("decret-ar.PDF", "ar"),
        ("loi.fr.pdf", "fr"),
        ("loi_ar (1).pdf", "ar"),
        ("fr_loi.tiff", "fr"),
        ("text-fr-FR.pdf", "fr"),
        ("annual-report_en.pdf", "en"),
        ("dec_irpp_ar.pdf", "ar"),
        ("décret_2007_1406_fr.pdf", "fr"),
        ("de\u0301cret_2007_1406_fr.pdf", "fr"),
        ("نظام-الإحصاء-لعام-1447هـ_م29.pdf", "ar"),
        ("القانون_fr.pdf", "fr"),
        ("francais.pdf", "fr"),
        ("Constitution (arabe).pdf", "ar"),
        ("Version française.pdf", "fr"),
        ("archive/ar_old/plan.pdf", None),
        ("marche.pdf", None),
        ("car.pdf", None),
        ("dakar.pdf", None),
        ("AR_2020_12.pdf", None),
        ("ligue arabe.pdf", None),
        ("code civil français.pdf", None),
        ("loi_en_vigueur.pdf", None),
        ("mise en page.pdf", None),
        ("loi_fr_ar.pdf", None),
        ("JO-AR-FR.pdf", None),
        ("2009 code irpp-is.pdf", None),
        ("BO م 12 bulletin officiel.pdf", None),
        ("", None),
        ("...", None),
    ],
)
def test_a_name_speaks_of_a_language_only_where_it_is_set_apart(name: str, language: str | None) -> None:
    assert language_of_name(name) == language


@given(st.text(max_size=400))
def test_any_name_may_be_asked(name: str) -> None:
    assert language_of_name(name) in (None, "ar", "fr", "en")


@pytest.mark.parametrize(
    ("shares", "candidates", "language"),
    [
        ({"latin": 1.0}, ("fr", "ar"), "fr"),
        ({"latin": 0.9, "arabic": 0.1}, ("ar", "fr"), "fr"),
        ({"arabic": 0.8, "latin": 0.2}, ("fr", "ar"), "ar"),
        ({"latin": 1.0}, ("en", "fr"), "en"),
        ({"latin": 0.5, "arabic": 0.5}, ("fr", "ar"), None),
        ({"cjk": 1.0}, ("fr", "ar"), None),
        ({"arabic": 1.0}, (), "ar"),
        ({"latin": 1.0}, (), None),
        ({}, ("fr",), None),
    ],
)
def test_a_page_votes_for_the_first_candidate_in_its_script(
    shares: dict[str, float], candidates: tuple[str, ...], language: str | None
) -> None:
    assert vote(shares, candidates) == language


@pytest.mark.parametrize(
    ("votes", "pages", "language"),
    [
        ([], None, None),
        (["fr"], None, None),
        (["fr", "fr", "fr"], None, "fr"),
        (["fr", None, "fr", None, "fr"], None, "fr"),
        (["fr", "ar", "fr"], None, "fr"),
        (["fr", "ar", "fr", "ar"], None, None),
        (["ar"], 1, "ar"),
        (["ar", None], 2, "ar"),
        (["ar"], 2, None),
        ([None, None], 2, None),
        (["fr", "ar"], 2, None),
    ],
)
def test_a_document_s_language_is_known_once_enough_pages_agree(
    votes: list[str | None], pages: int | None, language: str | None
) -> None:
    assert decide(votes, pages) == language


def test_the_order_of_votes_does_not_matter() -> None:
    votes = ["fr", "ar", "fr", "fr", None]
    assert decide(votes) == decide(reversed(votes)) == "fr"


def test_directions_and_expected_scripts_follow_the_language() -> None:
    assert reading_direction("ar") == reading_direction("he") == "rtl"
    assert reading_direction("fr") == reading_direction(None) == reading_direction("xx") == "ltr"
    assert expected_scripts("ar") == {"arabic", "latin"}
    assert expected_scripts("FR") == {"latin"}
    assert expected_scripts("xx") == expected_scripts(None) == frozenset()
