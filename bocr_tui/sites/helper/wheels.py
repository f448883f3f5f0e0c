"""Wheels on a site: fetched where a registry can be reached, and unpacked into a folder of their own."""

import binascii
import contextlib
import json
import os
import re
import shlex
import shutil
import zipfile
from typing import Any, Dict, Iterator, List, Tuple

from .bounded import login_shell, run_bounded
from .folders import LISTING, damaged_files, write_file
from .private import make_folders
from .refusal import Refused
from .runs import remove_tree, sha256_of

MAX_FILES = 100000
MAX_UNPACKED_BYTES = 8 << 30
TOLD_BYTES = 4000
_VENDOR = re.compile(r"vendor/[0-9a-f]{16}\Z")
_WHEELS = re.compile(r"wheels/[0-9a-z-]{1,80}\Z")


def unpack_wheels(root: str, folder: str, wheels: List[Tuple[str, str]]) -> int:
    """Make `folder` (vendor/<hash>) from wheels [(path below the root, sha256)], whole or not at all; mend
    it where it is there and lacks files. Returns the bytes it holds. The wheels are removed afterwards."""
    if not _VENDOR.match(folder):
        raise Refused("%s is no folder for packages" % folder)
    target = os.path.join(root, folder)
    if damaged_files(target, None):
        _check(root, wheels)
        existing = os.path.isdir(target)
        place = target if existing else "%s.%s.part" % (target, binascii.hexlify(os.urandom(4)).decode())
        sizes = {}  # type: Dict[str, int]
        try:
            for path, _ in wheels:
                _unpack(os.path.join(root, path), place, sizes)
            write_file(os.path.join(place, LISTING), json.dumps(sizes).encode())
            if not existing:
                _settle(place, target)
        finally:
            if not existing:
                shutil.rmtree(place, ignore_errors=True)
    for path, _ in wheels:
        discard_wheels(root, os.path.dirname(path))
    with open(os.path.join(target, LISTING), "rb") as stream:
        return sum(json.loads(stream.read().decode("utf-8")).values())


def discard_wheels(root: str, folder: str) -> None:
    """Remove a folder of wheels (wheels/<name>) that have been unpacked."""
    if _WHEELS.match(folder):
        with contextlib.suppress(OSError):
            remove_tree(os.path.join(root, folder))


def _settle(place: str, target: str) -> None:
    try:
        os.rename(place, target)
    except OSError:
        if damaged_files(target, None):
            raise  # nobody else has made it meanwhile


def _check(root: str, wheels: List[Tuple[str, str]]) -> None:
    for path, sha256 in wheels:
        if not _WHEELS.match(os.path.dirname(path)):
            raise Refused("%s is no wheel of ours" % path)
        try:
            right = sha256_of(os.path.join(root, path)) == sha256
        except OSError as error:
            raise Refused("%s cannot be read: %s" % (path, error), "Try again.") from None
        if not right:
            raise Refused("%s has arrived damaged" % path, "Try again.")


def _unpack(wheel: str, place: str, sizes: Dict[str, int]) -> None:
    """Only what is imported: scripts, headers and data stay inside."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry, name in _members(archive):
                sizes[name] = entry.file_size
                if len(sizes) > MAX_FILES or sum(sizes.values()) > MAX_UNPACKED_BYTES:
                    raise Refused("%s holds too much" % os.path.basename(wheel))
                _put(archive, entry, os.path.join(place, name))
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise Refused("%s is no wheel: %s" % (os.path.basename(wheel), error), "Try again.") from None


def _members(archive: zipfile.ZipFile) -> Iterator[Tuple[zipfile.ZipInfo, str]]:
    for entry in archive.infolist():
        parts = entry.filename.split("/")
        if parts[0].endswith(".data"):
            if len(parts) < 3 or parts[1] not in ("purelib", "platlib"):
                continue
            parts = parts[2:]
        if entry.filename.endswith("/"):
            continue
        if any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts):
            raise Refused("a wheel holds the name %r" % entry.filename[:200])
        yield entry, "/".join(parts)


def _put(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: str) -> None:
    try:
        if os.lstat(path).st_size == entry.file_size:
            return
    except OSError:
        pass
    make_folders(os.path.dirname(path))
    part = "%s.%s.part" % (path, binascii.hexlify(os.urandom(4)).decode())
    with archive.open(entry) as source, open(part, "wb") as stream:
        os.fchmod(stream.fileno(), 0o700 if (entry.external_attr >> 16) & 0o100 else 0o600)
        shutil.copyfileobj(source, stream, 1 << 20)
    os.rename(part, path)


def download_wheels(root: str, order: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Have an environment's own pip fetch wheels into `wheels/<name>`, installing nothing.

    `order`: {"lines", "python", "arguments": of `pip download`, "stubs": a folder below the root that
    stands for what is there, "folder": "wheels/<name>", "timeout_s"}. Answers [{"name", "sha256", "size"}].
    """
    if not _WHEELS.match(order["folder"]):
        raise Refused("%s is no folder for wheels" % order["folder"])
    target = os.path.join(root, order["folder"])
    stubs = os.path.join(root, order["stubs"])
    make_folders(target)
    command = [order["python"], "-m", "pip", "download", "--dest", target, "--find-links", stubs]
    command += ["--constraint", os.path.join(stubs, "constraints.txt"), *order["arguments"]]
    line = os.fsencode("exec " + " ".join(shlex.quote(word) for word in command))
    done = run_bounded(login_shell(order["lines"], line), float(order["timeout_s"]), TOLD_BYTES)
    if done["status"] != 0:
        discard_wheels(root, order["folder"])
        told = "it took too long" if done["late"] else done["err"].decode("utf-8", "replace").strip()
        raise Refused(told or "pip ended with %s" % done["status"])
    return [
        {"name": name, "sha256": sha256_of(path), "size": os.path.getsize(path)}
        for name, path in ((name, os.path.join(target, name)) for name in sorted(os.listdir(target)))
    ]
