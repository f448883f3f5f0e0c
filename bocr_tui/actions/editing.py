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
    """Open the text in the editor, on the terminal, and wait. None when it was left as it was, or the editor
    said that it failed. Raises UsageError: no editor, or a file that is no UTF-8 afterwards."""
    command = editor()
    with tempfile.TemporaryDirectory(prefix="bocr-edit-") as folder:
        file = Path(folder) / f"page{ending}"
        started = before if before.endswith("\n") or not before else before + "\n"
        file.write_bytes(started.encode("utf-8", "replace"))
        try:
            ended = subprocess.run([*command, str(file)], check=False).returncode
            after = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise UsageError("The edited text is no UTF-8.", "Save it as UTF-8.") from None
        except OSError as error:
            raise UsageError(f"The editor cannot be used: {error}.", "Set EDITOR to another.") from None
    return None if ended != 0 or after == started else after
