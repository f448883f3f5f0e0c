"""The worker's promises to the machine it runs on: Python 3.10, and nothing but the standard library."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).resolve().parents[2] / "worker"
SOURCES = sorted(WORKER.rglob("*.py"))
THIRD_PARTY = (
    "aiohttp",
    "numpy",
    "PIL",
    "pypdfium2",
    "rapidocr",
    "onnxruntime",
    "cv2",
    "pydantic",
    "sqlalchemy",
    "torch",
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(WORKER)))
def test_every_module_parses_as_python_3_10(path: Path) -> None:
    parsed = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))
    assert ast.get_docstring(parsed), "a room says what it is for"


def test_the_worker_imports_the_standard_library_alone() -> None:
    code = (
        "import sys, bocr_worker.job, bocr_worker.runtimes.registry, bocr_worker.engines.registry as r;"
        "r.all_engines();"
        f"print(*[name for name in {THIRD_PARTY!r} if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-S", "-E", "-c", f"import sys; sys.path.insert(0, {str(WORKER)!r}); {code}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.strip() == ""


def test_the_worker_runs_under_python_3_10_up_to_the_page(tmp_path: Path) -> None:
    """Claim, manifest, journal, exit report; a bare 3.10 cannot draw pages, and says what it lacks."""
    old = shutil.which("python3.10")
    works = old and subprocess.run([old, "-c", ""], check=False, capture_output=True).returncode == 0
    if not old or not works:
        pytest.skip("there is no Python 3.10 on this machine")
    from tests.papers import make_pdf
    from tests.worker.runs import exit_report, make_run, noop_manifest, order_of

    run = make_run(tmp_path, noop_manifest(order_of(make_pdf(tmp_path / "a.pdf", 1), 1)))
    start = (
        f"import sys; sys.path.insert(0, {str(WORKER)!r});"
        f"from bocr_worker.__main__ import main; sys.exit(main([{str(run)!r}, '--job', 'x']))"
    )
    status = subprocess.run([old, "-I", "-c", start], check=False, timeout=60).returncode
    report = exit_report(run)
    if status == 0:
        assert (report.outcome, report.ok) == ("ok", 1)
    else:
        assert report.outcome == "error"
        assert "No module named" in report.cause
        assert report.left == 1
