"""Scripts and languages: what a text is written in, and what a document is likely to be written in.

A document's language comes from a person, then from its name, then from its first readable pages
(`language_of_name`, `vote`, `decide`). Languages are ISO 639-1 codes; scripts are the six names below.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

LATIN, ARABIC, CYRILLIC, GREEK, CJK, OTHER = "latin", "arabic", "cyrillic", "greek", "cjk", "other"
SCRIPTS = (LATIN, ARABIC, CYRILLIC, GREEK, CJK, OTHER)

_BLOCKS: tuple[tuple[int, int, str], ...] = (
    (0x0041, 0x02AF, LATIN),
    (0x0370, 0x03FF, GREEK),
    (0x0400, 0x052F, CYRILLIC),
    (0x0600, 0x06FF, ARABIC),
    (0x0750, 0x077F, ARABIC),
    (0x0870, 0x08FF, ARABIC),
    (0x1100, 0x11FF, CJK),
    (0x1C80, 0x1C8F, CYRILLIC),
    (0x1D00, 0x1D7F, LATIN),
    (0x1E00, 0x1EFF, LATIN),
    (0x1F00, 0x1FFF, GREEK),
    (0x2071, 0x209C, LATIN),  # superscript letters: "nᵒ", "1ᵉʳ"
    (0x2C60, 0x2C7F, LATIN),
    (0x2DE0, 0x2DFF, CYRILLIC),
    (0x2E80, 0x31FF, CJK),
    (0x3400, 0x4DBF, CJK),
    (0x4E00, 0x9FFF, CJK),
    (0xA640, 0xA69F, CYRILLIC),
    (0xA722, 0xA7FF, LATIN),
    (0xA960, 0xA97F, CJK),
    (0xAC00, 0xD7FF, CJK),
    (0xF900, 0xFAFF, CJK),
    (0xFB00, 0xFB06, LATIN),  # the ligatures of old print: ﬁ, ﬂ, ﬆ
    (0xFB50, 0xFDFF, ARABIC),  # presentation forms A
    (0xFE70, 0xFEFC, ARABIC),  # presentation forms B
    (0xFF21, 0xFF5A, LATIN),
    (0xFF66, 0xFFDC, CJK),
    (0x1EE00, 0x1EEFF, ARABIC),
    (0x20000, 0x3FFFF, CJK),
)
"""First and last code point and script, ascending (Unicode 16, Blocks.txt); letters elsewhere are `other`."""

_STARTS = [start for start, _, _ in _BLOCKS]
_TATWEEL = "\u0640"

_LANGUAGES_OF: Mapping[str, frozenset[str]] = {
    LATIN: frozenset(
        {"fr", "en", "es", "pt", "it", "de", "nl", "ca", "ro", "pl", "cs", "sk", "sl", "hr", "hu", "sv"}
        | {"no", "da", "fi", "et", "lv", "lt", "tr", "sq", "id", "ms", "vi", "sw"}
    ),
    ARABIC: frozenset({"ar", "fa", "ur", "ps"}),
    CYRILLIC: frozenset({"ru", "uk", "bg", "sr", "be", "mk", "kk"}),
    GREEK: frozenset({"el"}),
    CJK: frozenset({"zh", "ja", "ko"}),
    OTHER: frozenset({"he", "yi", "hi", "bn", "ta", "te", "th", "ka", "hy", "am", "km", "my", "lo"}),
}
_SCRIPT_OF_LANGUAGE = {language: script for script, codes in _LANGUAGES_OF.items() for language in codes}
_RIGHT_TO_LEFT = _LANGUAGES_OF[ARABIC] | {"he", "yi"}

VOTE_SHARE = 0.6
"""Share of the letters that must be of one script before a page is said to be in a language: a French page
with an Arabic masthead passes, a page of two parallel columns does not."""

VOTES_WANTED = 3
"""Readable pages that must have voted before a long document's language is called known."""

VOTES_AGREEING = 2 / 3


@lru_cache(maxsize=8192)
def script_of(character: str) -> str | None:
    """The script of one letter; None for digits, marks, punctuation and the Arabic tatweel, which draws
    leaders and rules as often as words."""
    if not character.isalpha() or character == _TATWEEL:
        return None
    if unicodedata.category(character) == "Lm" and ord(character) < 0x0370:
        return None  # modifier letters: primes and apostrophes in disguise
    place = bisect_right(_STARTS, ord(character)) - 1
    if place >= 0:
        _, last, script = _BLOCKS[place]
        if ord(character) <= last:
            return script
    return OTHER


def letters_by_script(text: str) -> dict[str, int]:
    """How many letters of each script; combining marks belong to their letter and are not counted."""
    counts: dict[str, int] = {}
    for character, count in Counter(text).items():
        script = script_of(character)
        if script is not None:
            counts[script] = counts.get(script, 0) + count
    return counts


def scripts(text: str) -> dict[str, float]:
    """Share of each script among the letters, largest first, summing to 1; empty without letters."""
    counts = letters_by_script(text)
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shares = {script: round(count / total, 4) for script, count in ordered}
    shares = {script: share for script, share in shares.items() if share > 0}
    if shares:
        # What rounding took or gave belongs to the largest, so that the shares still sum to one.
        first = next(iter(shares))
        shares[first] = round(1.0 - sum(list(shares.values())[1:]), 4)
    return shares


def expected_scripts(language: str | None) -> frozenset[str]:
    """The scripts a page in this language is written in; empty for a language not known here.

    Latin is expected everywhere: names, units and Roman numerals stand in Arabic gazettes too.
    """
    script = _SCRIPT_OF_LANGUAGE.get((language or "").lower())
    return frozenset() if script is None else frozenset({script, LATIN})


def own_script(language: str | None) -> str | None:
    """The script a language is mainly written in; None for a language not known here."""
    return _SCRIPT_OF_LANGUAGE.get((language or "").lower())


def reading_direction(language: str | None) -> str:
    """`rtl` or `ltr`; an unknown language reads left to right."""
    return "rtl" if (language or "").lower() in _RIGHT_TO_LEFT else "ltr"


def vote(shares: Mapping[str, float], candidates: Sequence[str] = ()) -> str | None:
    """One page's guess: the first candidate written in the script of most of its letters.

    Candidates are in order of likelihood, so of two that share a script the first is meant. Without
    candidates only Arabic script names a language. None: mixed, without letters, or no candidate fits.
    Only pages whose reading was accepted should vote: a Latin engine writes Latin junk for Arabic.
    """
    if not shares:
        return None
    script, share = max(shares.items(), key=lambda item: item[1])
    if share < VOTE_SHARE:
        return None
    for candidate in candidates:
        if own_script(candidate) == script:
            return candidate
    return "ar" if script == ARABIC and not candidates else None


def decide(votes: Iterable[str | None], pages: int | None = None) -> str | None:
    """The document's language once enough pages agree, else None.

    `votes` are those of the first readable pages, in any order; None votes count as undecided pages.
    `pages` is how many the document has: a letter of one page needs no third vote.
    """
    counted = list(votes)
    named = Counter(guess for guess in counted if guess is not None)
    if not named:
        return None
    wanted = VOTES_WANTED if pages is None else max(1, min(VOTES_WANTED, pages))
    if sum(named.values()) < wanted and not (pages is not None and len(counted) >= pages):
        return None
    guess, count = sorted(named.items(), key=lambda item: (-item[1], item[0]))[0]
    return guess if count >= VOTES_AGREEING * sum(named.values()) else None


_SUFFIX = re.compile(r"\.(pdf|png|jpe?g|tiff?|bmp|webp|txt|md|docx?|html?)$", re.IGNORECASE)
_CODE_AT_END = re.compile(
    r"""(?: (?:^|[\W_]|(?<=\d{3})) (ar|ara|fr|fra|fre) | [-_.] (en|eng) )
        (?:[\W_]*\d{1,2})? [\W_]* $""",  # "loi_ar", "BO7188Fr", "loi-fr (1)"
    re.IGNORECASE | re.VERBOSE,
)
_CODE_INSIDE = re.compile(r"(?<=[-_(\[])(ar|fr)(?=[-_)\]])", re.IGNORECASE)
_CODE_AT_START = re.compile(r"^(ar|fr)(?=[-_])")  # lower case only: AR_12 may be an "arrêté royal"
_WORDS = "arabe|arabic|العربية|fran[cç]aise?|french|الفرنسية|anglaise?|english"
_WORD = re.compile(
    rf"""(?:version|texte|[ée]dition|traduction|النسخة|النشرة) [\W_]+ (?:en[\W_]+)? ({_WORDS}) (?![^\W\d_])
       | [(\[] ({_WORDS}) [)\]]
       | ^({_WORDS})$""",  # never "ligue arabe" nor "code civil français": there it is the subject
    re.IGNORECASE | re.VERBOSE,
)
_NAME_LENGTH = 300
_ARABIC_NAME_LETTERS = 3


def language_of_name(name: str) -> str | None:
    """The language a file's name speaks of: `BO_7188_Ar.pdf`, `loi-2004.fr.pdf`, `نظام الإحصاء.pdf`.

    Conservative: two letters count only where separators or the name's end set them apart (`marche.pdf`
    says nothing), and a name that speaks of two languages (`loi_fr_ar.pdf`) says nothing either.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    stem = _SUFFIX.sub("", last)[-_NAME_LENGTH:]
    patterns = (_CODE_AT_END, _CODE_INSIDE, _CODE_AT_START, _WORD)
    found = {
        _language_of_word(word)
        for pattern in patterns
        for match in pattern.finditer(stem)
        for word in match.groups()
        if word
    }
    if found:
        return found.pop() if len(found) == 1 else None
    counts = letters_by_script(stem)
    arabic = counts.get(ARABIC, 0)
    return "ar" if arabic >= _ARABIC_NAME_LETTERS and 2 * arabic >= sum(counts.values()) else None


def _language_of_word(word: str) -> str:
    """Of a code or a language's name, which their first two letters tell apart."""
    if script_of(word[0]) == ARABIC:
        return "fr" if word.startswith("الفر") else "ar"
    return {"an": "en"}.get(word[:2].lower(), word[:2].lower())
