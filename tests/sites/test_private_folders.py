"""What bocr makes for a site is open to nobody else, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bocr_tui.sites.transport.local import LocalTransport


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
async def test_a_site_s_folder_on_this_machine_is_made_private_and_the_doctor_has_nothing_to_say(
    tmp_path: Path,
) -> None:
    root = tmp_path / "workspace" / "site"
    root.parent.mkdir()
    site = LocalTransport(root)
    await site.call("drive_catalog", "abc", {"place": "here", "host": "box"})
    await site.stage({"runs/token": {"inner/file": b"x"}})
    made = [path for path in (root, *root.rglob("*")) if path.is_dir()]
    assert {path.name for path in made} >= {"site", "runs", "token", "inner", "drivers"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}
    assert stat.S_IMODE(root.parent.stat().st_mode) == 0o755
