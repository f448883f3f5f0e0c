"""Files as archives also hold them: a password, a page that will not load, a web page named .pdf."""

from __future__ import annotations

import re
from typing import Any

from .fonts import font_for
from .setting import CREATED, HEIGHT_PT, WIDTH_PT

PASSWORD = "specimen"
"""Printed in ATTRIBUTION.md: it protects an invented page."""

DOWNLOAD_ERROR = b"""<!DOCTYPE html>
<html lang="fr"><head><title>404 - Page introuvable</title></head>
<body><h1>Page introuvable</h1>
<p>Le document a peut-\xc3\xaatre \xc3\xa9t\xc3\xa9 d\xc3\xa9plac\xc3\xa9.</p></body></html>
"""
"""What a failed download leaves behind."""


def protected_pdf() -> bytes:
    """One page that opens only with PASSWORD."""
    from fpdf import FPDF
    from fpdf.enums import EncryptionMethod

    pdf: Any = FPDF(unit="pt", format=(WIDTH_PT, HEIGHT_PT))
    pdf.set_creation_date(CREATED)
    pdf.set_encryption(
        owner_password=f"{PASSWORD}-owner", user_password=PASSWORD, encryption_method=EncryptionMethod.RC4
    )
    pdf.add_font("body", "", font_for("fr").regular)
    pdf.set_font("body", size=14)
    pdf.add_page()
    pdf.text(60, 100, "Page réservée : texte inventé.")
    return bytes(pdf.output())


def without_last_page(pdf: bytes) -> bytes:
    """The document with its last page's object spoilt: the page count stays, that page does not load."""
    pages = list(re.finditer(rb"/Type /Page\b(?!s)", pdf))
    if not pages:
        raise ValueError("this PDF's page objects are not in plain sight")
    last = pages[-1]
    return pdf[: last.start()] + b"/Type /Pale" + pdf[last.end() :]
