"""A text in the person's own editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from bocr_tui.config.errors import UsageError

_EDITORS = ("nano", "vim", "vi")
"""Where neither $VISUAL nor $EDITOR says which, the gentlest first."""


def editor() -> list[str]:
    """The command, with its options. Raises UsageError when there is none."""
    said = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        words = shlex.split(said)
    except ValueError:
        words = []
    if words and shutil.which(words[0]):
        return words
    if said:
        raise UsageError(f"The editor {said!r} is not here.", "Set EDITOR to one that is.")
    for name in _EDITORS:
        if shutil.which(name):
            return [name]
    raise UsageError("There is no editor here.", "Set EDITOR, or name a file with `bocr edit --file`.")


def edit_text(before: str, ending: str = ".txt") -> str | None:
    """Open the text in the editor, on the terminal, and wait. None when it was left as it was. Raises
    UsageError: no editor, one that failed or was ended (what it wrote is not kept then), or a file that is no
    UTF-8 afterwards."""
    with tempfile.TemporaryDirectory(prefix="bocr-edit-") as folder:
        file = Path(folder) / f"page{ending}"
        started = before if before.endswith("\n") or not before else before + "\n"
        file.write_bytes(started.encode("utf-8", "replace"))
        edit_file(file, "Nothing was kept.")
        try:
            after = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise UsageError("The edited text is no UTF-8.", "Save it as UTF-8.") from None
        except OSError as error:
            raise UsageError(f"The edited text cannot be read: {error}.", "Nothing was kept.") from None
    return None if after == started else after


def edit_file(file: Path, otherwise: str = "What it wrote stands.") -> None:
    """Open the file in the editor, on the terminal, and wait. Raises UsageError: no editor, or one that
    failed or was ended; `otherwise` then says what became of the file."""
    try:
        ended = subprocess.run([*editor(), str(file)], check=False).returncode
    except OSError as error:
        raise UsageError(f"The editor cannot be used: {error}.", "Set EDITOR to another.") from None
    if ended:
        how = f"was ended by signal {-ended}" if ended < 0 else f"ended with status {ended}"
        raise UsageError(f"The editor {how}.", otherwise)
