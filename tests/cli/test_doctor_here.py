"""`bocr doctor`: what it says of this machine and the workspace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Bocr
from tests.cli.shelf import Shelf


def test_a_workspace_that_cannot_be_written_is_said_to_be_one(
    bocr: Bocr, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shelf.workspace.root
    allowed = os.access

    def read_only(path: str | Path, mode: int) -> bool:
        return not (mode & os.W_OK and Path(path) == root) and allowed(path, mode)

    def found() -> dict[str, str]:
        said = bocr("-w", root, "doctor", "--json")
        return {check["name"]: check["state"] for check in said.json}

    assert "workspace" not in found()
    monkeypatch.setattr(os, "access", read_only)
    assert found()["workspace"] == "bad"
    assert bocr("-w", root, "doctor").code == 1
