"""Characters the page cannot have shown: replacement and private-use characters, foreign scripts.

PP-OCR writes Chinese for what it cannot read, so a few Chinese letters in a French gazette say more about
the page than their number suggests; Greek and Cyrillic letters also come singly, as lookalikes of Latin.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from bocr_worker.language import ARABIC, CJK, expected_scripts, letters_by_script, own_script, script_of
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.quality.quote import quote
from bocr_worker.quality.verdict import Case, Finding, PageContext

BROKEN_SHARE = 0.05
BROKEN_DOUBT_SHARE = 0.01
FOREIGN_SHARE = {CJK: 0.02, ARABIC: 0.5}
"""A foreign script's share of the letters from which the page is not believed. Arabic is legible or it is
not there: engines do not write it by accident, and mastheads are bilingual."""
FOREIGN_SHARE_OTHERWISE = 0.05
FOREIGN_LETTERS = 3
OWN_SHARE = 0.1
OWN_LETTERS = 60
"""Letters a page must have before the want of its language's own script counts: fewer may be a table."""
DOUBT = 0.4

_WHITE = " \t\n\r\f\v\u00a0"
_LISTED_LANGUAGES = 20


def screen(context: PageContext) -> Finding | None:
    """Asked before the engine: a language that is bound to the page and that the engine cannot read."""
    if not context.binding or not context.languages or context.engine_languages is None:
        return None
    language = context.languages[0]
    if language in context.engine_languages:
        return None
    reads = sorted(context.engine_languages)[:_LISTED_LANGUAGES]
    return Finding(FailureClass.CHARSET, {"language": language, "engine_reads": reads})


def charset(case: Case) -> Finding | None:
    """Broken characters, then foreign scripts, then the absence of the language's own."""
    counts = Counter(case.recognition.text)
    broken = _broken(counts)
    if broken is not None and broken.severity == 1.0:
        return broken
    languages = case.context.languages
    if not languages:
        return broken
    letters = letters_by_script(case.recognition.text)
    total = sum(letters.values())
    return _foreign(letters, total, case) or _own_missing(letters, total, case.context) or broken


def _broken(counts: Counter[str]) -> Finding | None:
    kinds = {"replacement": 0, "private": 0, "control": 0}
    written = 0
    for character, count in counts.items():
        if character not in _WHITE:
            written += count
            if kind := _kind_of_broken(ord(character)):
                kinds[kind] += count
    wrong = sum(kinds.values())
    if wrong <= BROKEN_DOUBT_SHARE * written:
        return None
    evidence: dict[str, Any] = {name: count for name, count in kinds.items() if count}
    evidence |= {"share": round(wrong / written, 4), "characters": written}
    return Finding(FailureClass.CHARSET, evidence, 1.0 if wrong > BROKEN_SHARE * written else DOUBT)


def _kind_of_broken(point: int) -> str | None:
    """Direction marks and joiners (Cf) are part of Arabic text and are not broken."""
    if point == 0xFFFD or 0xD800 <= point <= 0xDFFF:
        return "replacement"
    if 0xE000 <= point <= 0xF8FF or point >= 0xF0000:
        return "private"
    if point < 0x20 or 0x7F <= point < 0xA0:
        return "control"
    return None


def _foreign(letters: dict[str, int], total: int, case: Case) -> Finding | None:
    known = [expected_scripts(language) for language in case.context.languages]
    if not all(known):
        return None  # a language whose script is not known here may be written in any
    expected = frozenset().union(*known)
    worst: Finding | None = None
    for script, count in letters.items():
        share = count / total
        limit = FOREIGN_SHARE.get(script, FOREIGN_SHARE_OTHERWISE)
        if script in expected or count < FOREIGN_LETTERS or share < limit:
            continue
        # A guessed language may be wrong about Arabic; no guess makes Chinese out of French.
        fails = script != ARABIC or case.context.binding
        finding = Finding(
            FailureClass.CHARSET,
            {
                "script": script,
                "share": round(share, 4),
                "letters": count,
                "languages": list(case.context.languages[:8]),
                "text": quote(_letters_of(script, case.recognition.text)),
            },
            1.0 if fails else DOUBT,
        )
        if worst is None or finding.severity > worst.severity:
            worst = finding
    return worst


def _letters_of(script: str, text: str) -> str:
    return "".join(character for character in text[:20_000] if script_of(character) == script)[:60]


def _own_missing(letters: dict[str, int], total: int, context: PageContext) -> Finding | None:
    """A page in Latin letters where Arabic was to be read: an engine that answers in what it knows."""
    wanted = own_script(context.languages[0])
    others = {own_script(language) for language in context.languages[1:]}
    if wanted is None or total < OWN_LETTERS:
        return None
    share = letters.get(wanted, 0) / total
    main = max(letters, key=lambda script: letters[script])
    if share >= OWN_SHARE or main == wanted or (main in others and not context.binding):
        return None
    return Finding(
        FailureClass.CHARSET,
        {"language": context.languages[0], "wanted": wanted, "share": round(share, 4), "instead": main},
        1.0 if context.binding else DOUBT,
    )
