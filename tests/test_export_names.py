"""File names for documents: hostile ones become harmless, and no two are alike."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.export.names import NameBook, safe_stem

ARABIC_195 = "إضافة-صلاحية-الترخيص-لمصنع-منتجات-طبية-" * 3


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("loi.pdf", "loi"),
        ("2009 code irpp-is.pdf", "2009 code irpp-is"),
        ("no extension", "no extension"),
        ("v1.2 final", "v1.2 final"),
        ("../../etc/passwd.pdf", "_.._.._etc_passwd"),
        ('a/b\\c:d*e?f"g<h>i|j.pdf', "a_b_c_d_e_f_g_h_i_j"),
        (".hidden.pdf", "_.hidden"),
        ("-rf.pdf", "_-rf"),
        ("CON.pdf", "_CON"),
        ("com1.tar.pdf", "_com1.tar"),
        ("...", "document"),
        ("", "document"),
        (".pdf", "_.pdf"),
        ("name. .pdf", "name"),
        ("line\nbreak\x00\x1b[31m.pdf", "line_break__[31m"),
        ("\u202egnp.exe.pdf", "_gnp.exe"),
        ("dec\udce9.pdf", "dec_"),
        ("می\u200cخواهم.pdf", "می\u200cخواهم"),
    ],
)
def test_a_name_becomes_a_file_name(name: str, stem: str) -> None:
    assert safe_stem(name) == stem


def test_names_in_either_unicode_form_are_one() -> None:
    assert safe_stem("de\u0301cret.pdf") == safe_stem("d\u00e9cret.pdf")


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_name_gives_one_plain_component(name: str) -> None:
    stem = safe_stem(name)
    assert stem and stem not in (".", "..")
    assert len(stem.encode("utf-8")) <= 201
    assert not set(stem) & set('/\\:*?"<>|\0')
    assert stem == stem.strip(" ").rstrip(".")
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in stem)


@given(st.lists(st.sampled_from(["a.pdf", "A.pdf", "a.png", "a~00000000.pdf", "é.pdf", "e\u0301.pdf"])))
def test_no_two_documents_share_a_file_on_any_file_system(names: list[str]) -> None:
    book = NameBook((number, name, f"{number:064x}") for number, name in enumerate(names))
    stems = [book.stem(number) for number in range(len(names))]
    assert len({unicodedata.normalize("NFC", stem.casefold()) for stem in stems}) == len(names)


def test_long_arabic_names_fit_with_suffix_and_extension(tmp_path: Path) -> None:
    assert len(ARABIC_195.encode()) > 195
    book = NameBook((number, f"{ARABIC_195}.pdf", f"{number:02x}" * 32) for number in range(3))
    for number in range(3):
        (tmp_path / f"{book.stem(number)}.md").write_text("x", encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == 3
