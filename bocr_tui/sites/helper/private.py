"""Folders that only their owner looks into. Python 3.6, like everything here."""

import os


def make_folders(path: str) -> None:
    """Make a folder and those above it that are missing, each of them private: `os.makedirs` makes only the
    last one so, and where no umask helps, as in a panel's own process, those above it are open to all."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    if above and above != path:
        make_folders(above)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
