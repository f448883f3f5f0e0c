"""`--check ENGINE`: whether an engine can run in this environment, in one line of JSON.

The line: `engine`, `ok`, `cause` and `needs` (empty when all is well), `title`, `languages` (null: all),
`renderer` (its version, empty where pages cannot be drawn), `python`, `executable`, `worker`, and `versions`
of the libraries that are installed. The engine is not loaded, and nothing heavy is imported but the renderer.
"""

from __future__ import annotations

import contextlib
import json
import platform
import sys
from importlib import metadata
from typing import Any

from bocr_worker import __version__
from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.engines.registry import engine_named, readable_languages
from bocr_worker.splitting import SPLIT

_LIBRARIES = (
    "numpy", "pillow", "pypdfium2", "rapidocr", "onnxruntime", "opencv-python", "opencv-python-headless",
    "torch", "transformers", "vllm", "mlx", "mlx-vlm", "openai",
)  # fmt: skip


def run_check(name: str) -> int:
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
        return {"ok": False, "cause": missing.cause, "needs": missing.needs, "title": spec.title}
    reads = readable_languages(spec)
    return {"title": spec.title, "languages": None if reads is None else sorted(reads)}


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
