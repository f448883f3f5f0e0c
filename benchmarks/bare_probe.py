"""The work an import cannot do without. Imports nothing that its processes would have to wait for."""

from __future__ import annotations

import hashlib


def bare_probe(path: str) -> int:
    """Hash the file, open it, ask every page for its size; returns the number of pages."""
    import pypdfium2

    with open(path, "rb") as file:  # noqa: PTH123 - no pathlib in the baseline
        hashlib.file_digest(file, "sha256")
    document = pypdfium2.PdfDocument(path)
    try:
        return sum(1 for number in range(len(document)) if document.get_page_size(number)[0] > 0)
    finally:
        document.close()
