"""A program of its own: `python inspect_python.py FRAME ORDER` prints one line, FRAME and what this Python
is and has, as JSON.

It runs under an environment's Python (3.6 or later), after that environment's lines, so variables mean what
they mean to a job. It imports none of its neighbours, since it is started by its path.
"""

import glob
import json
import os
import platform
import subprocess
import sys
import sysconfig
from typing import Any, Dict, List, Optional

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".onnx")
POINTER_BYTES = 1000
"""A file of weights below this is the pointer that git-lfs leaves when it has not fetched the file."""
DRAWING = "split"
"""The stage that only draws pages, to the worker."""
MAX_DISTRIBUTIONS = 5000
WORKER_TIMEOUT_S = 90
INDEX = "model.safetensors.index.json"
"""Which file each tensor lies in, where there are several."""
MAX_JSON_BYTES = 64 << 20


def inspect(order: Dict[str, Any]) -> Dict[str, Any]:
    """`order`: {"model": folder or "", "worker": its folder or "", "engine", "vendor": folder or "",
    "imports": whether the worker shall import what runs models}."""
    found = python_facts()
    if order.get("model"):
        found["model"] = model_facts(order["model"])
    if order.get("worker") and sys.version_info >= (3, 10):
        found["fitness"] = fitness(
            order["worker"], order["engine"], order.get("vendor", ""), bool(order.get("imports"))
        )
    return found


def python_facts() -> Dict[str, Any]:
    return {
        "version": list(sys.version_info[:3]),
        "implementation": sys.implementation.name,
        "executable": sys.executable or "",
        "platform": sysconfig.get_platform(),
        "libc": libc(),
        "distributions": distributions(),
        "stamps": stamps(),
    }


def libc() -> List[str]:
    """Its name and version, such as ["glibc", "2.17"]: decides which wheels can be loaded."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").split()[:2]
    except (AttributeError, ValueError, OSError):
        return list(platform.libc_ver())


def distributions() -> Dict[str, str]:
    """Every installed package by its name, the one that is imported first where there are two."""
    try:
        from importlib import metadata
    except ImportError:
        return {}
    found = {}  # type: Dict[str, str]
    for distribution in metadata.distributions():
        try:
            name, version = distribution.metadata["Name"], distribution.version
        except Exception:  # noqa: S112 - a broken package is none
            continue
        if name and version and len(found) < MAX_DISTRIBUTIONS:
            found.setdefault(str(name)[:200], str(version)[:100])
    return found


def stamps() -> Dict[str, int]:
    """The folders that packages are installed in, with their times in nanoseconds: they change when a
    package does."""
    folders = [path for path in sys.path if path.endswith("-packages")]
    return {
        path: os.stat(path).st_mtime_ns for path in [sys.executable, *folders] if os.path.exists(path or "")
    }


def model_facts(said: str) -> Dict[str, Any]:
    folder = os.path.expandvars(os.path.expanduser(said))
    weights = [
        path for ending in WEIGHTS for path in glob.glob(os.path.join(glob.escape(folder), "*" + ending))
    ]
    sizes = [_size(path) for path in weights]
    return {
        "path": folder,
        "exists": os.path.isdir(folder),
        "config": os.path.isfile(os.path.join(folder, "config.json")),
        "model_type": str(_json(os.path.join(folder, "config.json")).get("model_type", ""))[:80],
        "missing": _missing(folder),
        "weights": len(weights),
        "weights_bytes": sum(sizes),
        "pointers": sum(1 for size in sizes if size < POINTER_BYTES),
    }


def _missing(folder: str) -> int:
    """How many files of weights the index names that are not there."""
    said = _json(os.path.join(folder, INDEX)).get("weight_map")
    names = {str(name) for name in said.values()} if isinstance(said, dict) else set()
    return sum(1 for name in names if not os.path.isfile(os.path.join(folder, name)))


def _json(path: str) -> Dict[str, Any]:
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(MAX_JSON_BYTES).decode("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def fitness(worker: str, engine: str, vendor: str, imports: bool = False) -> Dict[str, Any]:
    """What the worker says of this Python and the engine, and in "broken" why it cannot draw pages; or in
    "error" how it failed to say anything."""
    said = _check(worker, engine, vendor, imports)
    if not said["error"] and not said.get("renderer"):
        # Of two causes the worker tells the engine's; the drawing stage has the other alone.
        said["broken"] = str(_check(worker, DRAWING, vendor).get("cause") or "it does not say why")
    return said


def _check(worker: str, engine: str, vendor: str, imports: bool = False) -> Dict[str, Any]:
    command = [sys.executable, worker, "--check", engine]
    if imports:
        command.append("--imports")
    if vendor:
        command += ["--vendor", vendor]
    try:
        done = subprocess.run(  # noqa: PLW1510 - its words are looked at whatever its status
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=WORKER_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return {"error": "it did not answer within %d s" % WORKER_TIMEOUT_S}
    except OSError as error:
        return {"error": str(error)}
    said = _last_object(done.stdout)
    if said is None:
        return {"error": done.stderr[-2000:].decode("utf-8", "replace") or "it said nothing"}
    return dict(said, error="")


def _last_object(output: bytes) -> Optional[Dict[str, Any]]:
    for line in reversed(output.splitlines()):
        try:
            found = json.loads(line.decode("utf-8"))
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return None


if __name__ == "__main__":
    sys.stdout.write("\n%s%s\n" % (sys.argv[1], json.dumps(inspect(json.loads(sys.argv[2])))))
