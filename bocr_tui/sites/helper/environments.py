"""Python environments on a site: what is in them, and what is remembered of that."""

import binascii
import json
import os
import re
import shlex
from typing import Any, Dict, List, Optional, Tuple

from . import inspect_python
from .bounded import login_shell, run_bounded
from .folders import damaged_files, write_file
from .refusal import Refused
from .runs import read_file

PROBE_BYTES = 4 << 20
"""Of an environment's answer: a thousand packages take 40 kB."""
TOLD_BYTES = 4000
_BLOCK = re.compile(
    r"^\s*(if|then|elif|else|fi|case|esac|for|while|until|do|done|function)\b"
    r"|(^|\s)[{}](\s|;|$)|<<|\\\s*$|;;|^\s*[\w*|\"'-]+\)"
)
"""Lines that are part of a longer construct: nothing may be put behind them."""


def probe_environment(root: str, order: Dict[str, Any]) -> Dict[str, Any]:
    """Go into an environment as a job does and ask its Python.

    `order`: {"lines": shell lines, "python", "timeout_s", and what inspect_python takes; "worker" and
    "vendor" are below the root}. Answers {"found": its facts or None, "trouble": "", "late", "no_python" or
    "old_python", "failed": numbers of the lines (from 1) that ended with an error, "told": the end of what
    was printed}.
    """
    frame = "bocr-%s:" % binascii.hexlify(os.urandom(8)).decode()
    asked = {name: order.get(name, "") for name in ("model", "engine", "imports")}
    for name in ("worker", "vendor"):
        asked[name] = os.path.join(root, order[name]) if order.get(name) else ""
    script = _script(frame, order["lines"], order["python"], json.dumps(asked))
    try:
        done = run_bounded(login_shell(*script), float(order["timeout_s"]), PROBE_BYTES)
    except OSError as error:
        raise Refused("bash cannot be started: %s" % error, "The site's setup lines need bash.") from None
    framed = _framed(done["out"], frame)
    answer = framed.pop("", None)
    return {
        "found": answer if isinstance(answer, dict) else None,
        "trouble": "late" if done["late"] else framed.get("trouble", ""),
        "failed": [int(number) for number in framed.get("failed", "").split() if number.isdigit()],
        "told": done["err"][-TOLD_BYTES:].decode("utf-8", "replace"),
    }


def _script(frame: str, lines: List[str], python: str, asked: str) -> Tuple[List[str], bytes]:
    """The lines, each followed by a note of its status, and what starts the Python."""
    quoted, program = shlex.quote(python), shlex.quote(os.path.abspath(inspect_python.__file__))
    parts = ["BOCR_FAILED="]
    simple = not any(_BLOCK.search(line) for line in lines)
    for number, line in enumerate(lines, 1):
        parts.append(line)
        if simple:
            parts.append('[ $? -eq 0 ] || BOCR_FAILED="$BOCR_FAILED %d"' % number)
    ours = [
        "printf '\\n%%sfailed %%s\\n' %s \"$BOCR_FAILED\"" % frame,
        "command -v %s >/dev/null || { printf '\\n%%strouble no_python\\n' %s; exit 0; }" % (quoted, frame),
        "%s -c 'import sys; sys.exit(sys.version_info < (3, 6))'"
        " || { printf '\\n%%strouble old_python\\n' %s; %s -V >&2; exit 0; }" % (quoted, frame, quoted),
        "exec %s %s %s %s" % (quoted, program, frame, shlex.quote(asked)),
    ]
    return parts, os.fsencode("\n".join(ours))


def _framed(output: bytes, frame: str) -> Dict[str, Any]:
    """Our own lines out of whatever else was printed: words by name, the answer under the empty name."""
    found = {}  # type: Dict[str, Any]
    for line in output.decode("utf-8", "replace").splitlines():
        if not line.startswith(frame):
            continue
        said = line[len(frame) :]
        if said.startswith("{"):
            try:
                found[""] = json.loads(said)
            except ValueError:
                continue
        else:
            name, _, words = said.partition(" ")
            found[name] = words
    return found


def look_prepared(root: str, worker: str, sizes: Dict[str, int], key: str) -> Dict[str, Any]:
    """{"worker": its files that are missing or of another size, "environment": what is remembered under
    `key` ("" for none), as long as it still holds}."""
    return {
        "worker": damaged_files(os.path.join(root, worker), sizes),
        "environment": _remembered(root, key) if key else None,
    }


def remember_environment(root: str, key: str, record: Dict[str, Any]) -> None:
    """Keep what was found, for the next one who asks. `record` has "stamps" and "vendor"."""
    write_file(_memory(root, key), json.dumps(record).encode())


def _memory(root: str, key: str) -> str:
    if not re.match(r"[0-9a-f]{16}\Z", key):
        raise Refused("%r is no environment's key" % key)
    return os.path.join(root, "environments", "%s.json" % key)


def _remembered(root: str, key: str) -> Optional[Dict[str, Any]]:
    """Nothing when a package folder has changed since, or what was brought is no longer whole."""
    data = read_file(_memory(root, key), 0, PROBE_BYTES)
    try:
        record = json.loads((data or b"").decode("utf-8"))
        changed = any(os.stat(path).st_mtime_ns != then for path, then in record["stamps"].items())
        vendor = record["vendor"]
        if changed or (vendor and damaged_files(os.path.join(root, vendor), None)):
            return None
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return record if isinstance(record, dict) else None
