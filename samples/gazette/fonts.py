"""Finding a font that has the letters of a language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path.home() / ".fonts",
    Path.home() / "Library/Fonts",
    Path("/Library/Fonts"),
    Path("/System/Library/Fonts/Supplemental"),
)
_WANTED: dict[str, tuple[tuple[str, str], ...]] = {
    "fr": (("DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf"), ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")),
    "ar": (
        ("NotoNaskhArabic-Regular.ttf", "NotoNaskhArabic-Bold.ttf"),
        ("Amiri-Regular.ttf", "Amiri-Bold.ttf"),
        ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ),
}
_PACKAGE = {"fr": "fonts-dejavu-core", "ar": "fonts-hosny-amiri (or fonts-noto-core)"}
_LETTERS = {"fr": "aéèçÀœN°—;", "ar": "ءآأإؤئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي،؛0123456789.:"}


class FontMissing(Exception):
    """No font for a language. The message names the package that brings one."""

    def __init__(self, language: str, cause: str = "") -> None:
        super().__init__(
            f"{cause or 'no font found'} for language {language}: install one with "
            f"`apt install {_PACKAGE[language]}`, or name a file with --font PATH"
        )
        self.language = language


@dataclass(frozen=True)
class FontPair:
    """Files of the regular and the bold face; the same file twice where there is no bold."""

    regular: Path
    bold: Path


def font_for(language: str, named: tuple[Path, ...] = ()) -> FontPair:
    """The first of `named` that has the language's letters, else one of the system's. Raises FontMissing."""
    for path in named:
        if not path.is_file():
            raise FontMissing(language, f"there is no font file {path}")
        if _covers(path, language):
            return FontPair(path, path)
    for regular, bold in _WANTED[language]:
        found = _on_system(regular)
        if found is not None:
            return FontPair(found, _on_system(bold) or found)
    raise FontMissing(language, "none of the named fonts has the letters" if named else "")


def _covers(path: Path, language: str) -> bool:
    from fontTools.ttLib import TTFont, TTLibError

    try:
        glyphs = TTFont(path, fontNumber=0).getBestCmap() or {}
    except TTLibError:
        return False
    return all(ord(letter) in glyphs for letter in _LETTERS[language])


@cache
def _on_system(name: str) -> Path | None:
    for folder in _FOLDERS:
        if folder.is_dir():
            found = sorted(folder.rglob(name))
            if found:
                return found[0]
    return None
