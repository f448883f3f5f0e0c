"""Other people's clients, as they come: chandra-ocr's and olmocr's, where they are installed.

BOCR_RIVALS names a virtual environment that has them (`pip install chandra-ocr==0.2.0 olmocr==0.4.27`);
without it, this Python is looked at. olmocr needs poppler's programs on the PATH.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.feeding.papers import Paper


@dataclass(frozen=True)
class Rival:
    """`markup` is how its model answers; `command(folder, url, papers)` reads these papers, with defaults for
    everything that it has a default for."""

    name: str
    markup: str
    command: Callable[[Path, str, Sequence[Paper]], list[str]]
    variables: Callable[[str], dict[str, str]] = lambda url: {}

    def environment(self, url: str) -> dict[str, str]:
        """Without our own path, so that it gets its own libraries."""
        passed = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return {**passed, "PYTHONUNBUFFERED": "1", **self.variables(url)}


def installed() -> list[Rival]:
    """Those that can be run here."""
    return [rival for rival in (_chandra(), _olmocr()) if rival is not None]


def _programs() -> Path:
    folder = os.environ.get("BOCR_RIVALS")
    return Path(folder).absolute() / "bin" if folder else Path(sys.executable).parent


def _chandra() -> Rival | None:
    program = _programs() / "chandra"
    if not program.is_file():
        return None

    def command(folder: Path, url: str, papers: Sequence[Paper]) -> list[str]:
        return [str(program), str(papers[0].path.parent), str(folder / "chandra")]

    def variables(url: str) -> dict[str, str]:
        return {"VLLM_API_BASE": f"{url}/v1", "VLLM_MODEL_NAME": "stand-in"}

    return Rival("chandra", "chandra", command, variables)


def _olmocr() -> Rival | None:
    program = _programs() / "olmocr"
    if not program.is_file() or not shutil.which("pdftoppm") or not shutil.which("pdfinfo"):
        return None

    def command(folder: Path, url: str, papers: Sequence[Paper]) -> list[str]:
        files = [str(paper.path) for paper in papers]
        words = ["--server", f"{url}/v1", "--model", "stand-in", "--markdown", "--pdfs", *files]
        return [str(program), str(folder / "olmocr"), *words]

    return Rival("olmocr", "olmocr", command)
