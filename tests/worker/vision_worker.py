"""The worker as a job script starts it, with the tests' vision engine among its engines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bocr_worker.protocol.manifest import DocumentOrder, EngineOrder, Limits, Manifest
from tests.worker.runs import TOKEN
from tests.worker.stand_in.child import SCRIPT

ROOT = Path(__file__).resolve().parents[2]

COMMAND = (
    *("{python}", str(SCRIPT), "serve", "{model}", "--host", "{host}", "--port", "{port}"),
    *("--served-model-name", "{name}", "{flags}"),
)

_MAIN = """
import sys
from bocr_worker.__main__ import main
from bocr_worker.engines import registry
from tests.worker.vision_engines import SPEC

known = {**registry.all_engines(), SPEC.name: SPEC}
registry.all_engines = lambda: known
sys.exit(main(sys.argv[1:]))
"""


def vision_manifest(*documents: DocumentOrder, deadline_s: float = 30.0, **options: Any) -> Manifest:
    """Through servers that are spawned, unless the options name a `url`."""
    said = {"backoff_s": 0.01, "watch_s": 0.05, **options}
    if "url" not in said:
        said = {"command": list(COMMAND), **said}
    return Manifest(
        token=TOKEN,
        chain=1,
        stage=0,
        engine=EngineOrder("standin", "openai", options=said),
        documents=documents,
        languages=("fr",),
        limits=Limits(lease_s=5.0, heartbeat_s=0.2, render_memory_bytes=0, engine_deadline_s=deadline_s),
    )


def start_vision_worker(run: Path, cores: int = 2, job: str = "test.1") -> subprocess.Popen[bytes]:
    """In a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", _MAIN, str(run), "--job", job, "--cores", str(cores)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'worker'}"},
        start_new_session=True,
    )
