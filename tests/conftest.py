"""What every test may use."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The worker's tests also run where the panel cannot: under Python 3.10.
pytest_plugins = ["tests.sites.sshd"] if sys.version_info >= (3, 11) else []

# How fast things are is measured in benchmarks/: a busy machine must not fail a property.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The shared corpus of real and hostile documents, where it lies beside the checkout."""
    if not CORPUS.is_dir():
        pytest.skip("the shared corpus does not lie beside this checkout")
    return CORPUS


GARBAGE_THRESHOLDS = (1_000, 10, 200)
"""As in the panel's process (bocr_tui/ui/garbage.py)."""


@pytest.fixture(scope="module", autouse=True)
def little_looked_through() -> None:
    """Python's look for garbage goes through every library that is loaded, half a second each time: what a
    module finds when it begins is left out, and what it leaves behind is cleared away by the next."""
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_foreign_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The developer's own configuration must not leak into a test."""
    for name in ("BOCR_WORKSPACE", "BOCR_CONFIG", "NO_COLOR", "COLUMNS", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg-config"))
    monkeypatch.setenv("BOCR_SSH_FOLDER", str(tmp_path / "no-ssh"))
