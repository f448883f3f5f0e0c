"""Reading a page's result from the workspace: by offset, verified by hash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bocr_tui.config.errors import CatalogError
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.events import ResultPlace
from bocr_worker.protocol.results import PageResult, decode_result

MAX_RESULT_BYTES = 64 * 1024 * 1024
"""No page reads as so much; a journal may claim any length."""


@dataclass(frozen=True)
class ResultLocator:
    """Where an attempt's result lies: `file` is `<token>/<results file>` below the results folder."""

    file: str
    offset: int
    length: int
    sha256: str


class ResultUnreadable(CatalogError):
    """A result that is not in the workspace, or not what the journal said it is."""


def read_result(results: Path, locator: ResultLocator) -> PageResult:
    """Raises ResultUnreadable: bytes that do not verify are never shown as a page's text."""
    where = f"results/{locator.file} at {locator.offset}"
    if locator.length > MAX_RESULT_BYTES:
        raise ResultUnreadable(f"{where}: {locator.length} bytes long.", "Resubmit the page.")
    path = results / locator.file
    if not path.resolve().is_relative_to(results.resolve()):
        raise ResultUnreadable(f"{where}: lies outside the workspace.", "The catalog has been tampered with.")
    try:
        with path.open("rb") as stream:
            stream.seek(locator.offset)
            line = stream.read(locator.length)
    except OSError as error:
        raise ResultUnreadable(
            f"{where}: {error.strerror or error}.",
            "Run `bocr watch` to fetch it from the site, or resubmit the page.",
        ) from None
    name = locator.file.rsplit("/", 1)[-1]
    try:
        return decode_result(line, where, ResultPlace(name, locator.offset, locator.length, locator.sha256))
    except ProtocolError as error:
        raise ResultUnreadable(f"{error}.", "Resubmit the page; the damaged result is kept.") from None
