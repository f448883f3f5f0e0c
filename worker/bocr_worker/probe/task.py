"""The function that runs inside a child: one file in, what it is out.

Standard library at the top; pdfium and Pillow are loaded when the first file is looked at.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from bocr_worker.probe import sniff
from bocr_worker.probe.report import (
    DAMAGED,
    EMPTY,
    NOT_A_PDF,
    FileChanged,
    FileForbidden,
    FileMissing,
    FileUnreadable,
    NotAFile,
    ProbeFailed,
    ProbeOrder,
    ProbeReport,
)
from bocr_worker.render.opening import DAMAGED as NOT_OPENED
from bocr_worker.render.opening import OpenFailed

_CHUNK_BYTES = 256 * 1024
_HEAD_BYTES = 8192


def set_up(_: object = None) -> None:
    """Load what probing needs, once a process. Raises ImportError."""
    from PIL import Image

    from bocr_worker.probe import pages  # noqa: F401
    from bocr_worker.render import images, pdf  # noqa: F401

    Image.preinit()


def probe_documents(orders: tuple[ProbeOrder, ...]) -> tuple[ProbeReport | ProbeFailed, ...]:
    """Look at many files for one message; what one file raises stands in its place."""
    return tuple(_answer(order) for order in orders)


def _answer(order: ProbeOrder) -> ProbeReport | ProbeFailed:
    try:
        return probe_document(order)
    except ProbeFailed as failed:
        return failed


def probe_document(order: ProbeOrder) -> ProbeReport:
    """Look at one file. Raises a ProbeFailed where there is no file to look at or it is being written to."""
    if "\0" in order.path:
        raise FileMissing(order.path.replace("\0", "\\0"), "is no path: it holds a zero byte")
    try:
        before = Path(order.path).stat()
        if not stat.S_ISREG(before.st_mode):
            what = "a directory" if stat.S_ISDIR(before.st_mode) else "no regular file"
            raise NotAFile(order.path, f"is {what}: name a PDF or an image")
        sha256, head = _read(order.path)
        report = _look(order.path, sha256, head, before)
        after = Path(order.path).stat()
    except FileNotFoundError:
        raise FileMissing(order.path, "is not there: check the path, or import it again") from None
    except PermissionError:
        raise FileForbidden(order.path, "may not be read: check its permissions") from None
    except NotADirectoryError:
        raise FileMissing(order.path, "is not there: part of its path is no directory") from None
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise FileUnreadable(order.path, f"cannot be read ({cause}): check the disk or the mount") from None
    if _identity(before) != _identity(after):
        raise FileChanged(order.path, "changed while it was read: import it again when it is complete")
    return report


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _read(path: str) -> tuple[str, bytes]:
    """The file's SHA-256 and its first bytes."""
    digest = hashlib.sha256()
    head = b""
    # One buffer for all: memory that is new for each part costs a third of the hashing.
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    with Path(path).open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            if len(head) < _HEAD_BYTES:
                head += bytes(buffer[: min(count, _HEAD_BYTES)])
    return digest.hexdigest(), head


def _look(path: str, sha256: str, head: bytes, status: os.stat_result) -> ProbeReport:
    suffix = Path(path).suffix[1:].lower()

    def report(kind: str, extension: str, state: str, reason: str) -> ProbeReport:
        return ProbeReport(sha256, status.st_size, status.st_mtime_ns, kind, extension, state, reason)

    if not head:
        return report("pdf", suffix, EMPTY, "is an empty file of 0 bytes")
    if sniff.looks_like_image(head):
        image = _look_at_image(path, sha256, head, status)
        if image is not None:
            return image
    from bocr_worker.probe.pages import pdf_pages

    try:
        pages = pdf_pages(path)
    except OpenFailed as failed:
        other = sniff.foreign(head) if failed.state == NOT_OPENED else None
        if other is not None:
            return report("pdf", suffix, NOT_A_PDF, other)
        return report("pdf", "pdf" if b"%PDF-" in head else suffix, failed.state, failed.reason)
    except MemoryError:
        return report("pdf", "pdf", DAMAGED, "needs more memory to open than it may use")
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the bindings raise, it is this file's fault
        return report("pdf", "pdf", DAMAGED, f"is damaged: it cannot be opened ({type(error).__name__})")
    return ProbeReport(
        sha256,
        status.st_size,
        status.st_mtime_ns,
        "pdf",
        "pdf",
        pages.state,
        pages.reason,
        pages.sizes_pt,
        tuple(pages.unloadable),
    )


def _look_at_image(path: str, sha256: str, head: bytes, status: os.stat_result) -> ProbeReport | None:
    """None where two letters that begin a bitmap begin something else."""
    from bocr_worker.probe.pages import image_pages

    known = (sha256, status.st_size, status.st_mtime_ns, "image")
    try:
        extension, pages = image_pages(path)
    except OSError as error:
        if error.errno is not None:
            raise
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - decoders raise struct.error, SyntaxError and more
        problem = type(error).__name__
    else:
        return ProbeReport(*known, extension, pages.state, pages.reason, pages.sizes_pt)
    if head.startswith(b"BM"):
        return None
    reason = "is a damaged image" + ("" if "cannot identify" in problem else f" ({problem[:80]})")
    return ProbeReport(*known, Path(path).suffix[1:].lower(), DAMAGED, reason)
