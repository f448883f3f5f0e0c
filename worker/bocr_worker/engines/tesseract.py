"""Tesseract, through its binary: Arabic, French and whatever packs are installed.

The binary and not the binding: tesserocr brings a second libtesseract but no language data, and would save
0.05 of 2 seconds a page; a process a page cannot leak, and its crash costs one page.

170 dpi: on two-column gazette pages (Amiri and serif, clean and scan-like) 0.6 to 1.0% of Arabic and 0.2 to
0.3% of French characters come out wrong; at 200 dpi whole Arabic lines get lost (1.6 to 5%).

Options: `psm` (default 3; not 0 and 2, which read nothing), `thresholding` (Tesseract 5: 0 Otsu, 1 adaptive
Otsu, 2 Sauvola), `timeout_s`.

One language a page: `fra+ara` reads Arabic with three times the errors of `ara` alone. The likeliest language
reads first; only when it reads badly (mean confidence: right language 67 to 98, wrong one 17 to 65, measured
on the gazettes) are script and orientation looked at, which costs as much as reading.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from bocr_worker.engines import library_options as accepts
from bocr_worker.engines.base import Ask, EngineSpec, EngineUnavailable, PageImage
from bocr_worker.engines.lines import Sheet, recognition_of
from bocr_worker.engines.tesseract_tsv import parse_tsv
from bocr_worker.language import expected_scripts, own_script, reading_direction, scripts
from bocr_worker.protocol.recognition import Recognition

CODES: Mapping[str, str] = {
    "ar": "ara", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa",
    "fa": "fas", "fi": "fin", "fr": "fra", "he": "heb", "hu": "hun", "it": "ita", "la": "lat", "nl": "nld",
    "no": "nor", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus", "sv": "swe", "tr": "tur", "uk": "ukr",
    "ur": "urd",
}  # fmt: skip
"""ISO 639-1 codes to the names of Tesseract's packs."""

_NEEDS = (
    "Debian, Ubuntu: apt-get install tesseract-ocr tesseract-ocr-fra tesseract-ocr-ara tesseract-ocr-osd; "
    "macOS: brew install tesseract tesseract-lang; conda: conda install -c conda-forge tesseract"
)
_TIMEOUT_S = 280.0
"""Just below the deadline that the runtime sets by default, so that the error names Tesseract."""

_SURE = 0.75
"""Mean confidence from which a reading in the right script is taken at its word."""

_OSD_ORIENTATION = 5.0
"""Orientation confidence from which OSD is believed. Upright pages of the corpus: 1.4 to 32."""

_OSD_SCRIPT = 2.0
_OSD_SCRIPTS = {
    "latin": "latin",
    "fraktur": "latin",
    "arabic": "arabic",
    "cyrillic": "cyrillic",
    "greek": "greek",
}


class TesseractFailed(RuntimeError):
    """Tesseract ended badly on this image; the message is its last word."""


@dataclass(frozen=True)
class _Osd:
    """What `--psm 0` says: script (as in bocr_worker.language, None unknown) and the clockwise turn."""

    script: str | None = None
    turn: int = 0


class TesseractReader:
    """Asks the binary for each page, in the best of the candidates' languages."""

    def __init__(self, options: Mapping[str, Any], threads: int = 1) -> None:
        unavailable = check()
        if unavailable is not None:
            raise unavailable
        self._options = dict(options)
        self._installed = installed_packs()

    @property
    def version(self) -> str:
        return _version()

    @cached_property
    def weights(self) -> str:
        """The packs by name; their files' versions are not told by the binary."""
        return "traineddata " + " ".join(sorted(self._installed))

    def read(self, ask: Ask) -> Recognition:
        options = {**self._options, **ask.options}
        languages = self._candidates(ask.languages)
        if ask.binding:
            languages = languages[:1]
        first = self._read_as(ask.image, languages[0], options)
        if _is_sure(first):
            return first
        osd = self._look(ask.image)
        best = first
        for language in _worth_trying(languages, osd.script):
            best = max(best, self._read_as(ask.image, language, options), key=_merit)
            if _is_sure(best):
                break
        if osd.turn:
            best.extra["rotated"] = osd.turn
        return best

    def _candidates(self, languages: Sequence[str]) -> list[str]:
        """Those that are installed, likeliest first. Raises EngineUnavailable where none is."""
        known = [code for code in languages if CODES.get(code) in self._installed]
        if known:
            return known
        if languages:
            packs = " and ".join(CODES.get(code, code) for code in languages)
            raise EngineUnavailable("tesseract", f"no language pack for {packs} is installed", _NEEDS)
        return [code for code in ("fr", "ar", "en", *CODES) if CODES[code] in self._installed]

    def _read_as(self, image: PageImage, language: str, options: Mapping[str, Any]) -> Recognition:
        pack = CODES[language]
        psm = str(options.get("psm", 3))
        arguments = ["-l", pack, "--psm", psm]
        if "thresholding" in options:
            arguments += ["-c", f"thresholding_method={options['thresholding']}"]
        tsv = self._run(image, [*arguments, "tsv"], options)
        lines, on_its_side = parse_tsv(tsv)
        right_to_left = reading_direction(language) == "rtl"
        sheet = Sheet(image.width_px, image.height_px, right_to_left, keep_order=on_its_side)
        return recognition_of(lines, sheet, language, {})

    def _look(self, image: PageImage) -> _Osd:
        """Script and orientation; nothing where the pack is missing or the page holds too little text."""
        if "osd" not in self._installed:
            return _Osd()
        try:
            return _parse_osd(self._run(image, ["-l", "osd", "--psm", "0"], {}))
        except TesseractFailed:
            return _Osd()

    def _run(self, image: PageImage, arguments: list[str], options: Mapping[str, Any]) -> str:
        binary = _binary()
        assert binary is not None
        command = [binary, "-", "-", "--dpi", str(max(70, min(2400, round(image.dpi)))), *arguments]
        try:
            done = subprocess.run(
                command,
                input=image.encoded,
                capture_output=True,
                timeout=float(options.get("timeout_s", _TIMEOUT_S)),
                env={**os.environ, "OMP_THREAD_LIMIT": "1"},
                preexec_fn=_die_with_parent(),  # safe: children have one thread
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TesseractFailed(f"no answer within {error.timeout:g} s") from None
        if done.returncode != 0:
            raise TesseractFailed(_last_word(done))
        return done.stdout.decode("utf-8", "replace")


def _is_sure(recognition: Recognition) -> bool:
    mean = recognition.confidence.mean
    return mean is not None and mean >= _SURE and _right_script(recognition) > 0.5


def _right_script(recognition: Recognition) -> float:
    """Share of the letters that are of the language's own script (of any it uses, for unknown ones)."""
    shares = scripts(recognition.text)
    script = own_script(recognition.language)
    if script is None:
        return sum(shares.get(name, 0.0) for name in expected_scripts(recognition.language)) or 1.0
    return shares.get(script, 0.0)


def _merit(recognition: Recognition) -> float:
    """Confident letters of the right script."""
    letters = sum(character.isalpha() for character in recognition.text)
    return (recognition.confidence.mean or 0.0) * letters * _right_script(recognition)


def _worth_trying(languages: Sequence[str], script: str | None) -> list[str]:
    """The further candidates, at most one a script: a second Latin language reads junk no better. Where
    the script is known only its languages; the first has been read already."""
    seen = {own_script(languages[0])}
    wanted: list[str] = []
    for language in languages[1:]:
        own = own_script(language)
        if own not in seen and script in (None, own):
            seen.add(own)
            wanted.append(language)
    return wanted


def _parse_osd(text: str) -> _Osd:
    fields = dict(re.findall(r"^([A-Z][A-Za-z ]+): (.+)$", text, re.MULTILINE))
    try:
        sure = float(fields["Script confidence"]) >= _OSD_SCRIPT
        script = _OSD_SCRIPTS.get(fields["Script"].lower(), "other") if sure else None
        turn = int(fields["Rotate"]) if float(fields["Orientation confidence"]) >= _OSD_ORIENTATION else 0
    except (KeyError, ValueError):
        return _Osd()
    return _Osd(script, turn)


def _last_word(done: subprocess.CompletedProcess[bytes]) -> str:
    words = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    how = f"ended by signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
    return f"{how}: {words[-1][:300]}" if words else how


@cache
def _die_with_parent() -> Callable[[], None] | None:
    """On Linux the binary dies with the process that asked. Elsewhere it ends with its page at the latest,
    when nobody reads its answer."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes
    import signal

    prctl = ctypes.CDLL(None).prctl
    pr_set_pdeathsig = 1
    return lambda: prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


# -- what is installed ---------------------------------------------------------------------------------


def _binary() -> str | None:
    return shutil.which("tesseract")


def _ask_binary(argument: str) -> str:
    """What the binary says; empty where it cannot."""
    binary = _binary()
    if binary is None:
        return ""
    try:
        done = subprocess.run([binary, argument], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def installed_packs() -> frozenset[str]:
    """Names of the language packs, `osd` among them; empty without the binary."""
    lines = _ask_binary("--list-langs").splitlines()
    return frozenset(line.strip() for line in lines if re.fullmatch(r"[A-Za-z_]{3,}", line.strip()))


def available_languages() -> frozenset[str]:
    """ISO 639-1 codes that can be read here."""
    installed = installed_packs()
    return frozenset(code for code, pack in CODES.items() if pack in installed)


def _version() -> str:
    found = re.search(r"tesseract v?(\S+)", _ask_binary("--version"))
    return found.group(1) if found else "unknown"


def check() -> EngineUnavailable | None:
    if _binary() is None:
        return EngineUnavailable("tesseract", "there is no tesseract on the PATH", _NEEDS)
    if not available_languages():
        return EngineUnavailable("tesseract", "it has no language packs", _NEEDS)
    return None


SPEC = EngineSpec(
    name="tesseract",
    title="Tesseract (Arabic, French and every installed pack)",
    languages=frozenset(CODES),
    dpi=170,
    load=TesseractReader,
    check=check,
    available_languages=available_languages,
    options={
        "psm": accepts.whole(1, 13, but=(2,)),
        "thresholding": accepts.whole(0, 2),
        "timeout_s": accepts.number(0.1, 86_400.0),
    },
)
