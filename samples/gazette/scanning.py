"""What a scanner does to a page: laid in a little askew, unevenly lit, the back showing through, noisy.

Images are float arrays (height, width) of gray, 0 black to 255 white.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

SCAN_DPI = 150
"""Low enough to keep samples small, the resolution of many real gazette scans."""


@dataclass(frozen=True)
class Scanner:
    """How badly. `skew_degrees` is the most the page lies askew; `noise` the standard deviation of the
    sensor's noise, `shade` how much darker the dark edge is, `bleed` how much of the back shows through,
    `paper` and `ink` the grays of both (0..255), `quality` the JPEG's."""

    skew_degrees: float = 0.7
    noise: float = 5.0
    shade: float = 22.0
    bleed: float = 0.06
    paper: float = 238.0
    ink: float = 28.0
    quality: int = 42


FADED = Scanner(noise=3.0, shade=10.0, bleed=0.02, paper=206.0, ink=158.0)
"""Low contrast: a carbon copy, or a page left in the sun."""


def draw(pdf: bytes) -> list[Any]:
    """Every page of a PDF as a gray image at SCAN_DPI."""
    import numpy as np
    import pypdfium2 as pdfium

    document = pdfium.PdfDocument(pdf)
    try:
        return [
            np.asarray(
                page.render(scale=SCAN_DPI / 72, grayscale=True).to_pil().convert("L"), dtype=np.float64
            )
            for page in document
        ]
    finally:
        document.close()


def spoil(page: Any, back: Any | None, seed: int, scanner: Scanner) -> Any:
    """The page as scanned, an 8-bit Pillow image of the same size. `back` is the other side of the sheet."""
    import numpy as np
    from PIL import Image, ImageFilter

    rng = np.random.default_rng(seed)
    darkness = 1.0 - page / 255.0
    if back is not None and scanner.bleed:
        mirrored = Image.fromarray(np.uint8(255 - back[:, ::-1]))
        seen = np.asarray(mirrored.filter(ImageFilter.GaussianBlur(2.2)), dtype=np.float64) / 255.0
        darkness = np.maximum(darkness, seen * scanner.bleed)
    gray = scanner.paper - darkness * (scanner.paper - scanner.ink)
    angle = float(rng.uniform(0.35, 1.0) * scanner.skew_degrees * rng.choice([-1.0, 1.0]))
    laid = Image.fromarray(np.uint8(np.clip(gray, 0, 255))).rotate(
        angle, Image.Resampling.BICUBIC, fillcolor=int(scanner.paper)
    )
    lit = np.asarray(laid.filter(ImageFilter.GaussianBlur(0.45)), dtype=np.float64)
    lit = lit - _shadow(lit.shape, rng) * scanner.shade + rng.normal(0.0, scanner.noise, lit.shape)
    return Image.fromarray(np.uint8(np.clip(lit, 0, 255)))


def _shadow(shape: tuple[int, ...], rng: Any) -> Any:
    """0..1, darkest at one edge of the sheet and in the fold."""
    import numpy as np

    height, width = shape
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    edge = across if rng.random() < 0.5 else 1 - across
    return np.clip(0.7 * edge**3 + 0.3 * down**2, 0, 1)


def jpeg(image: Any, quality: int) -> bytes:
    """The image as JPEG."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality, optimize=True, dpi=(SCAN_DPI, SCAN_DPI))
    return stream.getvalue()
