"""The language of filters, the same in the panel and on the command line.

    state:failed,gave_up class:repetition -engine:tesseract doc:"bulletin officiel" conf<80 changed>2h

Terms are separated by blanks and all must hold; commas separate what may hold instead; `-` or `!` before a
term turns it round; quotes hold blanks together. A word without a field is looked for in names. `=` is the
same as `:`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by
from itertools import takewhile
from typing import Literal, NamedTuple

from bocr_tui.config.errors import UsageError

Kind = Literal["word", "open", "name", "number", "share", "age"]
"""word: one of those known. open: a word that need not be known. name: any part of a name. number: a whole
one. share: 0 to 1, or as percent. age: how long ago, as 90s, 30m, 2h, 3d, 1w."""

Operator = Literal[":", "<", "<=", ">", ">="]

TEXT = "text"
"""The field of a word that stands alone."""

AGES_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

MOST_CHARACTERS = 1000
MOST_TERMS = 20

_TERM = re.compile(r"(?P<field>[A-Za-z_]+)(?P<operator><=|>=|[:=<>])(?P<rest>.*)", re.DOTALL)
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_SPAN = re.compile(r"(\d{1,9})-(\d{1,9})")


class FilterError(UsageError):
    """A filter that cannot be understood. `start` and `end` bound the part that is meant."""

    def __init__(self, cause: str, next_step: str, start: int, end: int) -> None:
        super().__init__(cause, next_step)
        self.start = start
        self.end = end


class Field(NamedTuple):
    """Something a filter can ask of a row. `words` are those known of it, `aliases` its other names."""

    name: str
    kind: Kind
    tells: str
    words: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Grammar(NamedTuple):
    """The fields of one list's filters."""

    fields: tuple[Field, ...]

    def called(self, name: str) -> Field | None:
        low = name.lower()
        return next((each for each in self.fields if low == each.name or low in each.aliases), None)

    def names(self) -> list[str]:
        return [each.name for each in self.fields]


@dataclass(frozen=True)
class Term:
    """One condition. `values` hold texts; of `number`, `share` and `age` (in seconds) they hold numbers, and
    a span of numbers is a pair. `start` and `end` bound it in the line."""

    field: str
    kind: Kind
    operator: Operator
    values: tuple[str | float | tuple[float, float], ...]
    negated: bool = False
    start: int = made_by(default=0, compare=False)
    end: int = made_by(default=0, compare=False)

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(str(value) for value in self.values)


class _Piece(NamedTuple):
    """What stands between blanks: its text without quotes, where each character came from, and which of them
    were quoted."""

    text: str
    places: tuple[int, ...]
    quoted: tuple[bool, ...]
    start: int
    end: int


def parse(line: str, grammar: Grammar) -> tuple[Term, ...]:
    """Raises FilterError with the place and the nearest word that is known."""
    if len(line) > MOST_CHARACTERS:
        raise FilterError(
            "This filter is too long.", f"{MOST_CHARACTERS} characters are the most.", 0, len(line)
        )
    terms = tuple(_term(piece, grammar) for piece in _pieces(line))
    if len(terms) > MOST_TERMS:
        raise FilterError("This filter has too many terms.", f"{MOST_TERMS} are the most.", 0, len(line))
    return terms


def _pieces(line: str) -> Iterable[_Piece]:
    text, start, inside, opened = "", -1, "", 0
    places: list[int] = []
    quoted: list[bool] = []
    for place, character in enumerate([*line, " "]):
        if inside:
            if place == len(line):
                raise FilterError("A quote is not closed.", f"Close it with {inside}.", opened, place)
            if character == inside:
                inside = ""
            else:
                text, places, quoted = text + character, [*places, place], [*quoted, True]
        elif character.isspace():
            if start >= 0:
                yield _Piece(text, tuple(places), tuple(quoted), start, place)
            text, places, quoted, start = "", [], [], -1
        else:
            start = place if start < 0 else start
            if character == '"':
                inside, opened = character, place
            else:
                text, places, quoted = text + character, [*places, place], [*quoted, False]


def _term(piece: _Piece, grammar: Grammar) -> Term:
    negated = piece.text[:1] in ("-", "!") and not piece.quoted[0] and len(piece.text) > 1
    text = piece.text[1:] if negated else piece.text
    skipped = int(negated)
    found = _TERM.fullmatch(text)
    if found is None or any(piece.quoted[skipped : skipped + found.start("rest")]):
        if not text:
            raise FilterError("Nothing stands between these quotes.", "", piece.start, piece.end)
        return Term(TEXT, "name", ":", (text,), negated, piece.start, piece.end)
    known = grammar.called(found["field"])
    if known is None:
        hint = nearest(found["field"].lower(), grammar.names())
        cause = f"There is nothing called {found['field']!r} here."
        raise FilterError(cause, hint, piece.start, piece.end)
    operator: Operator = ":" if found["operator"] == "=" else found["operator"]  # type: ignore[assignment]
    begin = skipped + found.start("rest")
    values = _values(piece, begin, known, operator)
    return Term(known.name, known.kind, operator, values, negated, piece.start, piece.end)


def _values(
    piece: _Piece, begin: int, known: Field, operator: Operator
) -> tuple[str | float | tuple[float, float], ...]:
    if known.kind in ("word", "open", "name") and operator != ":":
        hint = f"Write {known.name}:{(known.words or ('…',))[0]}."
        raise FilterError(
            f"{known.name} is neither more nor less than something.", hint, piece.start, piece.end
        )
    if known.kind == "age" and operator == ":":
        raise FilterError(
            f"{known.name} is longer or shorter ago than something.",
            f"Write {known.name}<2h or {known.name}>3d.",
            piece.start,
            piece.end,
        )
    parts = list(_parts(piece, begin))
    if operator != ":" and len(parts) > 1:
        raise FilterError(f"{known.name} is compared with one value.", "", piece.start, piece.end)
    return tuple(_value(text, start, end, known, operator) for text, start, end in parts)


def _parts(piece: _Piece, begin: int) -> Iterable[tuple[str, int, int]]:
    """What stands between commas that are not quoted, with its place in the line."""
    text, start = "", begin
    for index in range(begin, len(piece.text) + 1):
        ended = index == len(piece.text)
        if ended or (piece.text[index] == "," and not piece.quoted[index]):
            first = piece.places[start] if start < len(piece.places) else piece.end
            yield text, first, max(first + len(text), first)
            text, start = "", index + 1
        else:
            text += piece.text[index]


def _value(
    text: str, start: int, end: int, known: Field, operator: Operator
) -> str | float | tuple[float, float]:
    if not text:
        example = f"Known are {', '.join(known.words[:6])}." if known.words else f"Say {known.tells}."
        raise FilterError(f"{known.name} needs a value.", example, start, end)
    try:
        if known.kind == "word":
            return _word(text, known)
        if known.kind == "number":
            span = _SPAN.fullmatch(text) if operator == ":" else None
            return (float(span[1]), float(span[2])) if span else _whole(text)
        if known.kind == "share":
            return _share(text)
        if known.kind == "age":
            return _age(text)
    except ValueError as problem:
        said = str(problem) if known.kind == "word" else f"{known.name} needs {known.tells}, not {text!r}."
        hint = nearest(text.lower(), known.words) if known.kind == "word" else ""
        raise FilterError(said, hint, start, end) from None
    return text


def _word(text: str, known: Field) -> str:
    wanted = re.sub(r"[\s-]+", "_", text.strip().lower())
    if wanted not in known.words:
        raise ValueError(f"There is no {known.name} {text!r}.")
    return wanted


def _whole(text: str) -> float:
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError
    return float(text)


def _share(text: str) -> float:
    """`0.8`, `80` and `80%` are the same; 1 is one percent only with its sign."""
    percent = text.endswith("%")
    number = float(text.rstrip("%"))
    if not 0 <= number <= 100:
        raise ValueError
    return number / 100 if percent or number > 1 else number


def _age(text: str) -> float:
    found = _AGE.fullmatch(text.lower())
    if found is None:
        raise ValueError
    return float(found[1]) * AGES_S[found[2]]


def nearest(word: str, known: Sequence[str]) -> str:
    """A sentence that names what may have been meant, or what there is: what is most like it first."""
    like = difflib.get_close_matches(word, known, 1)
    if like:
        return f"Did you mean {like[0]}?"
    ranked = sorted(known, key=lambda each: -_likeness(word, each))
    return f"There are: {', '.join(ranked)}."


def _likeness(word: str, known: str) -> float:
    """A word that begins as the other does is most like it."""
    begins = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, known, strict=False)))
    return begins + difflib.SequenceMatcher(None, word, known).ratio()
