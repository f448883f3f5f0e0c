"""One page of a document that lies on the site, drawn there: nice'd, under a deadline, bounded."""

import binascii
import json
import os
from typing import Any, Dict, List

from .bounded import login_shell, run_bounded
from .documents import is_document_name
from .private import make_folders
from .refusal import Refused
from .run_files import remove_file
from .runs import read_file

TOLD_BYTES = 65536
"""Of what is printed: the worker's answer is one line, a login shell may say more before it."""


def draw_page(root: str, order: Dict[str, Any]) -> Dict[str, Any]:
    """`order`: {"lines", "python", "worker", "vendor" (below the root, or ""), "path" (bytes; absolute, or a
    document's name below the root), "page", "dpi", "size_bytes" and "mtime_ns" of the file (0: unknown),
    "timeout_s", "max_bytes"}. Answers {"image" (bytes), "format", "width_px", "height_px", "dpi"}."""
    path = _path(root, order)
    folder = os.path.join(root, "tmp")
    make_folders(folder)
    out = os.path.join(folder, "page-%s" % binascii.hexlify(os.urandom(8)).decode())
    try:
        done = run_bounded(_command(root, order, path, out), float(order["timeout_s"]), TOLD_BYTES)
        if done["late"]:
            raise Refused("Drawing the page took longer than %d s." % order["timeout_s"])
        facts = _last_record(done["out"])
        if "error" in facts:
            raise Refused("The page cannot be drawn: %s." % str(facts["error"])[:500].rstrip("."))
        image = read_file(out, 0, int(order["max_bytes"]) + 1)
        if not facts or not image:
            raise Refused("The page cannot be drawn there: %s." % _last_line(done["err"]))
        if len(image) > int(order["max_bytes"]):
            raise Refused("The page's image is too large to be sent.")
        return dict(facts, image=image)
    except OSError as error:
        raise Refused("The page cannot be drawn there: %s." % (error.strerror or error)) from error
    finally:
        remove_file(out)


def _path(root: str, order: Dict[str, Any]) -> bytes:
    """Where the document lies; it must be the one that was imported."""
    path = order["path"]  # type: bytes
    if not path.startswith(b"/"):
        if not is_document_name(path.decode("ascii", "replace")):
            raise Refused("That is no place of a document.")
        path = os.path.join(os.fsencode(os.path.abspath(root)), path)
    try:
        info = os.stat(path)
    except OSError as error:
        raise Refused("The file cannot be read there: %s." % error.strerror, "Import it again.") from error
    known = order["size_bytes"], order["mtime_ns"]
    if order["mtime_ns"] and (info.st_size, info.st_mtime_ns) != known:
        raise Refused("The file there is not the one that was imported.", "Import it again.")
    return path


def _command(root: str, order: Dict[str, Any], path: bytes, out: str) -> List[Any]:
    words = ["nice", "-n", "10", order["python"], os.path.join(root, order["worker"])]
    words += ["--vendor", os.path.join(root, order["vendor"])] if order["vendor"] else []
    words += ["--dpi", str(int(order["dpi"])), "--draw"]
    quoted = [_quoted(os.fsencode(word)) for word in words]
    quoted += [_quoted(path), b"%d" % order["page"], _quoted(os.fsencode(out))]
    line = b"exec " + b" ".join(quoted)
    if not order["lines"]:
        return ["/bin/sh", "-c", line]
    return login_shell(order["lines"], line)


def _quoted(word: bytes) -> bytes:
    return b"'" + word.replace(b"'", b"'\\''") + b"'"


def _last_record(output: bytes) -> Dict[str, Any]:
    """The last line that is a JSON object: what was printed before it is not ours."""
    for line in reversed(output.decode("utf-8", "replace").splitlines()):
        if line.startswith("{"):
            try:
                record = json.loads(line)
            except ValueError:
                return {}
            return record if isinstance(record, dict) else {}
    return {}


def _last_line(told: bytes) -> str:
    lines = [line.strip() for line in told.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:300].rstrip(".") if lines else "it gave no answer"
