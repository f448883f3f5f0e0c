"""A file name is anybody's bytes; what is shown is one honest line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.intake.names import display_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("décret_2007.pdf".encode(), "décret_2007.pdf"),
        ("نظام-الإحصاء_م29.pdf".encode(), "نظام-الإحصاء_م29.pdf"),
        (b"caf\xe9.pdf", "caf\\xe9.pdf"),
        (b"two\nlines.pdf", "two\\nlines.pdf"),
        (b"bell\x07\x1b[31m.pdf", "bell\\x07\\x1b[31m.pdf"),
        ("annex\u202efdp.exe".encode(), "annex\\u202efdp.exe"),
        ("می\u200cخواهم.pdf".encode(), "می\u200cخواهم.pdf"),
        ("line\u2028separator.pdf".encode(), "line\\u2028separator.pdf"),
        ("e\u0301te\u0301.pdf".encode(), "été.pdf"),
        (b"a b, 'c' \"d\".pdf", "a b, 'c' \"d\".pdf"),
        (b"", ""),
    ],
)
def test_names_are_shown_as_one_line_in_the_order_they_were_written(name: bytes, shown: str) -> None:
    assert display_name(name) == shown


@given(st.binary(max_size=255))
def test_no_name_can_move_the_cursor_turn_the_line_or_break_the_encoding(name: bytes) -> None:
    shown = display_name(name)
    shown.encode("utf-8")
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
