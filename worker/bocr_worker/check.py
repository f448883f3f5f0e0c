"""`--check ENGINE`: whether an engine can run in this environment, in one line of JSON.

The line: `engine`, `ok`, `cause` and `needs` (empty when all is well), `title`, `languages` (null: all),
`renderer` (its version, empty where pages cannot be drawn), `python`, `executable`, `worker`, and `versions`
of the libraries that are installed. `runtime_alone` says that nothing is missing but what runs its model. The
engine is not loaded, and nothing heavy is imported but the renderer.

With `--imports` what runs models (vLLM; torch and transformers) is imported too, each in a process of its
own: `imports` says why it cannot be, by the package's name, and an empty text where it can.
"""

from __future__ import annotations

import contextlib
import json
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata, util
from typing import Any

from bocr_worker import __version__
from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.engines.registry import engine_named, readable_languages
from bocr_worker.engines.vision.spec import missing_for
from bocr_worker.splitting import SPLIT

_LIBRARIES = (
    "numpy", "pillow", "pypdfium2", "rapidocr", "onnxruntime", "opencv-python", "opencv-python-headless",
    "torch", "transformers", "vllm", "mlx", "mlx-vlm", "openai",
)  # fmt: skip

_RUN_MODELS = ("vllm", "torch", "transformers")
_IMPORTED_WITHIN_S = 60.0
"""A library of gigabytes on a network file system that nobody read from today."""


def run_check(name: str, *, imports: bool = False) -> int:
    """Returns the exit status: 0 it can run, 1 it cannot."""
    renderer, broken = _renderer()
    answer: dict[str, Any] = {"engine": name, "ok": not broken, "cause": broken, "needs": ""}
    if broken:
        answer["needs"] = "Let bocr bring what is missing, or install pypdfium2, pillow and numpy there."
    answer.update(title="Drawing pages ahead", languages=None)
    if name != SPLIT:
        answer.update(_engine(name))
    answer.update(
        renderer=renderer,
        python=platform.python_version(),
        executable=sys.executable,
        worker=__version__,
        versions=_versions(),
        **({"imports": _imports()} if imports and name != SPLIT else {}),
    )
    print(json.dumps(answer), flush=True)  # noqa: T201
    return 0 if answer["ok"] else 1


def _engine(name: str) -> dict[str, Any]:
    """What it says of itself; what it lacks comes before what the renderer lacks."""
    try:
        spec = engine_named(name)
        missing = spec.check()
    except EngineUnavailable as unavailable:
        return {"ok": False, "cause": unavailable.cause, "needs": unavailable.needs, "title": ""}
    if missing is not None:
        runs = missing_for(name, spec.vision) if spec.vision is not None else None
        alone = runs is not None and runs.cause == missing.cause
        said = {"ok": False, "cause": missing.cause, "needs": missing.needs, "title": spec.title}
        return {**said, "runtime_alone": alone}
    reads = readable_languages(spec)
    return {"title": spec.title, "languages": None if reads is None else sorted(reads)}


def _imports() -> dict[str, str]:
    """Of those that are installed. Side by side: each takes long for want of disk, not of processors."""
    there = [name for name in _RUN_MODELS if _is_there(name)]
    with ThreadPoolExecutor(max(1, len(there))) as threads:
        return dict(zip(there, threads.map(_import_trouble, there)))  # noqa: B905 - Python 3.10


def _is_there(name: str) -> bool:
    try:
        return util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _import_trouble(name: str) -> str:
    try:
        done = subprocess.run(
            [sys.executable, "-c", f"import {name}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_IMPORTED_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it was not imported within {_IMPORTED_WITHIN_S:.0f} s"
    except OSError as error:
        return str(error)
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    last = lines[-1].strip()[:500] if lines else f"its import ended with status {done.returncode}"
    return last if done.returncode else ""


def _renderer() -> tuple[str, str]:
    """Its version, or what keeps it from drawing."""
    try:
        from bocr_worker.render.task import set_up

        return set_up(), ""
    except Exception as error:  # noqa: BLE001 - a broken library may raise anything when it is imported
        return "", f"pages cannot be drawn here: {type(error).__name__}: {error}"[:500]


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
