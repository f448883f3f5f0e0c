"""What the command line's tests share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.cli.main import main
from tests.cli.shelf import Shelf

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Bocr = Callable[..., Said]


@pytest.fixture
def bocr(capsys: pytest.CaptureFixture[str]) -> Bocr:
    """Runs a command in this process."""

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'worker'}"}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "bocr_tui.cli.main", *map(str, arguments)]


@pytest.fixture
def bocr_process(tmp_path: Path) -> Bocr:
    """Runs a command in a process of its own, in a folder of its own, without a terminal."""

    def run(*arguments: object, timeout: float = 120) -> Said:
        done = subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path / "workspace")
    yield made
    made.catalog.close()
