"""Folders that bocr brings to a site, whole or mended: scratch file systems purge single files by age."""

import binascii
import contextlib
import json
import os
from typing import Dict, List, Optional

from .private import make_folders
from .refusal import Refused
from .runs import read_file

LISTING = ".bocr-files.json"
"""In a folder that was unpacked: {relative name: bytes} of everything it should hold."""
MAX_LISTING_BYTES = 16 << 20


def damaged_files(folder: str, sizes: Optional[Dict[str, int]]) -> List[str]:
    """Files that are missing or of another size than they should be; by the folder's own listing where
    `sizes` is None. [""] when there is no such folder or no listing."""
    if sizes is None:
        sizes = _listing(folder)
    if sizes is None or not os.path.isdir(folder):
        return [""]
    return sorted(name for name, size in sizes.items() if _size(os.path.join(folder, name)) != size)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return -1


def _listing(folder: str) -> Optional[Dict[str, int]]:
    data = read_file(os.path.join(folder, LISTING), 0, MAX_LISTING_BYTES)
    try:
        found = json.loads((data or b"").decode("utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def mend_folder(root: str, folder: str, files: Dict[str, bytes]) -> None:
    """Put files back that are missing from a worker's folder. Each appears whole."""
    if not folder.startswith("workers/") or ".." in folder:
        raise Refused("%s is no worker's folder" % folder)
    for name, data in files.items():
        write_file(os.path.join(root, folder, name), data)


def write_file(path: str, data: bytes) -> None:
    """Private to the user, on the disk before it has its name."""
    make_folders(os.path.dirname(path))
    part = "%s.%s.part" % (path, binascii.hexlify(os.urandom(4)).decode())
    try:
        with open(part, "wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
