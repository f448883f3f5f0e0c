"""Which files the paths that were named stand for, one after another, in a stable order."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bocr_tui.config.workspace import Workspace
from bocr_tui.intake.manifests import UnreadableLine, is_manifest, manifest_paths

IMAGES = frozenset({b".png", b".jpg", b".jpeg", b".tif", b".tiff", b".bmp", b".webp"})
CANDIDATES = IMAGES | {b".pdf"}
"""Extensions of the files that are taken from folders; a file named by itself may have any."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An absolute path, and the folder it was found through."""

    path: bytes
    root: bytes

    @property
    def label(self) -> bytes:
        """The path below the root: tells files of one name apart."""
        return self.path.removeprefix(self.root.rstrip(b"/") + b"/")


@dataclass(frozen=True, slots=True)
class Found(_Entry):
    """A regular file to look at. `site`: where it lies, empty for this machine."""

    size_bytes: int
    mtime_ns: int
    site: str = ""


@dataclass(frozen=True, slots=True)
class Trouble(_Entry):
    """A path that was named, or a file in a folder, that cannot be looked at; `gone` when there is nothing
    under that path."""

    sentence: str
    gone: bool = False


def resolve(path: Path) -> bytes:
    """The absolute path of what somebody named, its folder free of links, so that one file has one path.

    The last name is kept where it is a link to a file: in archives of links only the link has a name.
    """
    encoded = os.path.abspath(os.fsencode(path))
    if os.path.isdir(encoded):
        return os.path.realpath(encoded)
    return os.path.join(os.path.realpath(os.path.dirname(encoded)), os.path.basename(encoded))


class Walk:
    """The files that some paths stand for. Links in folders are followed, each folder is entered once;
    hidden names and the workspace's own folders are passed over.

    `folders` and `gone` grow while the files are taken: the folders that were walked, the paths that were
    named and are no more.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.folders: list[bytes] = []
        self.gone: list[bytes] = []
        self._entered: set[tuple[int, int]] = set()
        self._own = _identities([workspace.root])
        inside = [
            workspace.results,
            *(workspace.root / site.root for site in workspace.config.sites.values()),
        ]
        self._inside = _identities(inside) - self._own

    def files(self, paths: Sequence[bytes]) -> Iterator[Found | Trouble]:
        """Everything that the resolved paths stand for, in a stable order."""
        for path in paths:
            root = os.path.dirname(path)
            if not is_manifest(path):
                yield from self._named(path, root)
                continue
            for entry in manifest_paths(path):
                if isinstance(entry, UnreadableLine):
                    yield Trouble(path, root, str(entry))
                else:
                    yield from self._named(resolve(Path(os.fsdecode(entry))), root)

    def _named(self, path: bytes, root: bytes) -> Iterator[Found | Trouble]:
        """A path that somebody wrote: taken whatever its extension is."""
        try:
            info = os.stat(path)
        except (OSError, ValueError) as error:
            trouble = _trouble(path, root, error)
            if trouble.gone:
                self.gone.append(path)
            yield trouble
            return
        if stat.S_ISDIR(info.st_mode):
            self.folders.append(path)
            yield from self._folder(path, path, named=True)
        elif stat.S_ISREG(info.st_mode):
            yield Found(path, root, info.st_size, info.st_mtime_ns)
        else:
            yield Trouble(path, root, "This is no regular file.")

    def _folder(self, folder: bytes, root: bytes, *, named: bool = False) -> Iterator[Found | Trouble]:
        """Depth first, by name. A folder that was named is entered even if it is the workspace's own."""
        stack = [iter([folder])]
        while stack:
            path = next(stack[-1], None)
            if path is None:
                stack.pop()
                continue
            try:
                info = os.stat(path)
            except OSError as error:
                if _is_candidate(path):
                    yield _trouble(path, root, error)
                continue
            if stat.S_ISDIR(info.st_mode):
                if not self._may_enter(info, named=named and path == folder):
                    continue
                try:
                    names = sorted(name for name in os.listdir(path) if not name.startswith(b"."))
                except OSError as error:
                    yield _trouble(path, root, error)
                    continue
                stack.append(iter([os.path.join(path, name) for name in names]))
            elif _is_candidate(path):
                if stat.S_ISREG(info.st_mode):
                    yield Found(path, root, info.st_size, info.st_mtime_ns)
                else:
                    yield Trouble(path, root, "This is no regular file.")

    def _may_enter(self, info: os.stat_result, *, named: bool) -> bool:
        identity = (info.st_dev, info.st_ino)
        if identity in self._entered or identity in self._inside or (identity in self._own and not named):
            return False
        self._entered.add(identity)
        return True


def _is_candidate(path: bytes) -> bool:
    return os.path.splitext(path)[1].lower() in CANDIDATES


def _identities(folders: Sequence[Path]) -> set[tuple[int, int]]:
    found = set()
    for folder in folders:
        try:
            info = folder.stat()
        except OSError:
            continue
        found.add((info.st_dev, info.st_ino))
    return found


def _trouble(path: bytes, root: bytes, error: OSError | ValueError) -> Trouble:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        if os.path.islink(path):
            return Trouble(path, root, "This is a link to a file that does not exist.", gone=True)
        return Trouble(path, root, "This file does not exist.", gone=True)
    if isinstance(error, PermissionError):
        return Trouble(path, root, "There is no permission to read this.")
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Trouble(path, root, f"This cannot be read: {why}.")
