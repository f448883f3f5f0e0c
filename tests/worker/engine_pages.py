"""Images for the engines' tests, and how far a reading is from the truth."""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path

from PIL import Image
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from bocr_worker.engines.base import PageImage

DATA = Path(__file__).parent / "data" / "engines"

PANGRAM_FR = (
    "Dès Noël où un zéphyr haï me vêt de glaçons würmiens, je dîne d'exquis rôtis "
    "de bœuf au kir, à l'aÿ d'âge mûr, et cætera."
)
PANGRAM_AR = "نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر ومغلف بجلد أزرق"
COLUMNS_FR = (
    "BULLETIN OFFICIEL — DÉCRETS ET ARRÊTÉS DU ROYAUME "
    "Article premier. Le présent décret fixe les règles applicables à la pêche côtière dans les ports du "
    "royaume, sans préjudice des lois en vigueur relatives au domaine. "
    "Article 2. Les permis délivrés avant la publication restent valables jusqu'à leur échéance, après quoi "
    "ils sont renouvelés pour un an par le ministre chargé de la marine."
)
WHISKY_FR = (
    "Portez ce vieux whisky au juge blond qui fume sur son île intérieure, à côté de l'alcôve ovoïde, où les "
    "bûches se consument dans l'âtre, ce qui lui permet de penser à la cænogénèse de l'être dont il est "
    "question dans la cause ambiguë entendue à Moÿ, dans un capharnaüm qui, pense-t-il, diminue çà et là la "
    "qualité de son œuvre."
)


def image_of(picture: Image.Image, dpi: float = 200) -> PageImage:
    """As the renderer would hand it on: grey, PNG level 1."""
    target = io.BytesIO()
    picture.convert("L").save(target, "PNG", compress_level=1)
    return PageImage(target.getvalue(), "png", picture.width, picture.height, dpi)


def drawn(name: str) -> Image.Image:
    """One of the small pictures that lie beside the tests."""
    return Image.open(DATA / f"{name}.png").convert("L")


def photograph(path: Path, long_px: int) -> Image.Image:
    """A scan, no larger than `long_px` on its long side."""
    picture = Image.open(path).convert("L")
    picture.thumbnail((long_px, long_px), Image.Resampling.BICUBIC)
    return picture


def pdf_page(path: Path, dpi: float) -> Image.Image:
    import pypdfium2

    with pypdfium2.PdfDocument(path) as pdf:
        return pdf[0].render(scale=dpi / 72, grayscale=True).to_pil()


def error_rate(truth: str, text: str) -> float:
    """Character error rate in reading order, white space and kinds of apostrophes aside."""
    truth, text = _plain(truth), _plain(text)
    return Levenshtein.distance(truth, text) / len(truth)


def error_rate_by_line(truth: str, text: str) -> float:
    """The same with each line of the truth looked for anywhere: blind to the order of blocks."""
    whole = _plain(text)
    wrong = total = 0
    for line in filter(None, map(_plain, truth.splitlines())):
        place = fuzz.partial_ratio_alignment(line, whole) if len(line) < len(whole) else None
        found = whole[place.dest_start : place.dest_end] if place else whole
        wrong += min(len(line), Levenshtein.distance(line, found))
        total += len(line)
    return wrong / total


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFC", text).replace("’", "'").replace("œ", "oe")
    return re.sub(r"\s+", " ", text).strip()
