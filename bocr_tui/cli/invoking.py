"""Running a command: what went wrong becomes a sentence and an exit code."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import traceback

from bocr_tui.cli.call import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, ReaderLeft
from bocr_tui.cli.output import note, safe, write_json
from bocr_tui.config.errors import BocrError


def invoke(given: list[str]) -> int:
    """Run `bocr` with these arguments. Returns the exit code."""
    try:
        code = _run(given)
        sys.stdout.flush()
    except (BrokenPipeError, ReaderLeft):
        code = _reader_left()
    return code


def explain(error: Exception) -> int:
    """Tell a person what ended the panel. Returns the exit code."""
    if isinstance(error, BocrError):
        return _tell(False, error.cause, error.next_step, error.exit_code)
    return _explain(error, False)


def _run(given: list[str]) -> int:
    from bocr_tui.cli.app import app

    as_json = "--json" in given
    try:
        answer = app(given, prog_name="bocr", standalone_mode=False)
    except ReaderLeft:
        raise
    except BocrError as error:
        return _tell(as_json, error.cause, error.next_step, error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last one: told to the person
        return _explain(error, as_json)
    return answer if isinstance(answer, int) else EXIT_OK


def _explain(error: Exception, as_json: bool) -> int:
    usage = getattr(error, "format_message", None)
    if usage is not None:  # what the command line's parser raises
        where = getattr(getattr(error, "ctx", None), "command_path", "bocr")
        cause = _plainly(usage())
        return _tell(as_json, cause, f"See `{where} --help`.", EXIT_USAGE)
    if type(error).__name__ == "Abort":  # Ctrl-C or end of input at a question
        return _tell(as_json, "Interrupted.", "", EXIT_INTERRUPTED)
    if isinstance(error, UnicodeEncodeError):
        return _tell(as_json, "An argument holds bytes that are no text.", "", EXIT_USAGE)
    original = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.Error):
        from bocr_tui.catalog.trouble import next_step_of

        return _tell(as_json, f"The catalog refused: {original}.", next_step_of(original), EXIT_ERROR)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return _tell(as_json, f"{place}{error.strerror or error}.", "", EXIT_ERROR)
    traceback.print_exc()
    cause = f"{type(error).__name__}: {error}"
    return _tell(as_json, cause, "This is a fault of bocr; please report the lines above.", EXIT_ERROR)


_PARSER_WORDS = (
    ("Input should be a valid integer, unable to parse string as an integer", "it must be a whole number"),
    ("Input should be greater than or equal to", "it must be at least"),
)


def _plainly(said: str) -> str:
    """The parser's sentence, in our words and with one mark at its end."""
    for theirs, ours in _PARSER_WORDS:
        said = said.replace(theirs, ours)
    said = said.rstrip(".")
    return said if said.endswith("?") else f"{said}."


def _tell(as_json: bool, cause: str, next_step: str, code: int) -> int:
    if as_json:
        write_json({"error": {"cause": cause, "next_step": next_step, "exit_code": code}})
    else:
        note(safe(f"{cause} {next_step}".strip()))
    return code


def _reader_left() -> int:
    """Whoever read our output has enough, as `head` does: no error, and nothing more to be written."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_OK
