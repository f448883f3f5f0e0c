"""What a file is that pdfium cannot open, by its first bytes."""

from __future__ import annotations

IMAGE_MAGIC = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM")
_WEBP = (b"RIFF", b"WEBP")

_MAGIC = (
    (b"PK\x03\x04", "is a ZIP archive or an Office document"),
    (b"\xd0\xcf\x11\xe0", "is an old Office document"),
    (b"{\\rtf", "is an RTF document"),
    (b"%!PS", "is a PostScript file"),
    (b"AT&TFORM", "is a DjVu document"),
    (b"GIF8", "is a GIF image, which is not read here"),
    (b"\0\0\0\x0cjP", "is a JPEG 2000 image, which is not read here"),
    (b"\x1f\x8b", "is a gzip archive"),
    (b"7z\xbc\xaf", "is a 7z archive"),
    (b"Rar!", "is a RAR archive"),
    (b"BZh", "is a bzip2 archive"),
    (b"\xfd7zXZ", "is an xz archive"),
    (b"\x7fELF", "is a program"),
    (b"version https://git-lfs", "is a Git LFS pointer: the file itself was not fetched"),
)

_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<title", b"<meta")
_LEAST_TEXT_BYTES = 64
"""Fewer readable characters than this may be the beginning of anything."""


def looks_like_image(head: bytes) -> bool:
    """Worth asking Pillow?"""
    return head.startswith(IMAGE_MAGIC) or (head[:4] == _WEBP[0] and head[8:12] == _WEBP[1])


def foreign(head: bytes) -> str | None:
    """A predicate that says what else this file is ("is an HTML page, …"); None where nothing is recognised.
    `head` is its beginning, a few kilobytes."""
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1024].lower()
    if start.startswith(_HTML) or (start.startswith((b"<!--", b"<?xml")) and b"<html" in start):
        return "is an HTML page, probably a failed download"
    for magic, predicate in _MAGIC:
        if head.startswith(magic):
            return predicate
    if b"%PDF-" in head:
        return None
    if start.startswith(b"<?xml"):
        return "is an XML file"
    if start.startswith((b'{"', b'[{"')):
        return "is a JSON answer, probably a failed download"
    if len(head) >= _LEAST_TEXT_BYTES and _is_text(head):
        return "is a text file"
    return None


def _is_text(head: bytes) -> bool:
    try:
        # The last character may be cut in two.
        text = head.decode("utf-8") if len(head) < 1024 else head[:-3].decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return False
    if len(text.encode()) < len(head) - 6:
        return False
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)
