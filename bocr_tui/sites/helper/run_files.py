"""Small files of a run folder, written so that a reader sees all of them or none."""

import binascii
import contextlib
import json
import os
from typing import Any, Dict

from .runs import read_file

MAX_RECORD_BYTES = 65536


def read_record(path: str) -> Dict[str, Any]:
    """A small JSON object; empty when there is none that reads well."""
    data = read_file(path, 0, MAX_RECORD_BYTES)
    try:
        record = json.loads(data.decode("utf-8")) if data else {}
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def write_whole(path: str, data: bytes) -> None:
    """All of it or what was there before."""
    os.rename(_write_aside(path, data), path)


def write_first(path: str, data: bytes) -> bool:
    """Write it unless there is one already. Returns whether this was the first."""
    part = _write_aside(path, data)
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError:  # a filesystem without links
        if os.path.exists(path):
            return False
        os.rename(part, path)
        return True
    finally:
        remove_file(part)
    return True


def remove_file(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def age_s(path: str) -> float:
    """Since it was last written, by the filesystem's own clock: those of machines differ. 0 when it is not
    there."""
    probe = _aside(path)
    try:
        with open(probe, "wb") as stream:
            here = os.fstat(stream.fileno()).st_mtime
        os.unlink(probe)
        return here - os.stat(path).st_mtime
    except OSError:
        return 0.0


def _aside(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, ".%s.%s.part" % (name, binascii.hexlify(os.urandom(6)).decode()))


def _write_aside(path: str, data: bytes) -> str:
    part = _aside(path)
    try:
        with open(part, "xb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.write(data)
    except OSError:
        remove_file(part)
        raise
    return part
