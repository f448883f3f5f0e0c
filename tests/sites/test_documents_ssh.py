"""Documents on a site behind a real sshd: uploaded once, read in place, drawn there, freed again."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bocr_tui.catalog.database import open_catalog
from bocr_tui.cli.main import main
from bocr_tui.config.workspace import Workspace, make_workspace
from bocr_tui.intake.remote import import_from_site
from bocr_tui.sites.site import open_site
from tests.papers import make_pdf
from tests.sites.sshd import HOST, Sshd


class Desk:
    """A workspace with the site `far` behind sshd, and the commands a person types."""

    def __init__(self, folder: Path, sshd: Sshd, say: Callable[[], str]) -> None:
        self.workspace: Workspace = make_workspace(folder / "workspace")
        self.root = sshd.home / "site"
        self.workspace.config_path.write_text(
            f'pipeline = [{{ engine = "noop", options = {{ answer = "text" }} }}]\nsite = "far"\n'
            f'[sites.local]\n[sites.far]\ntransport = "ssh"\nhost = "{HOST}"\nroot = "{self.root}"\n'
            f'python = "{sys.executable}"\npoll_s = 0.2\n'
        )
        self._say = say

    def run(self, *words: object, code: int = 0) -> Any:
        """The command's JSON."""
        self._say()
        done = main(["-w", str(self.workspace.root), *map(str, words), "--json"])
        said = self._say()
        assert done == code, said
        return json.loads(said) if said.strip().startswith("{") else said

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        catalog = open_catalog(self.workspace.catalog_path)
        try:
            with catalog.reading() as connection:
                return [tuple(row) for row in connection.exec_driver_sql(statement)]
        finally:
            catalog.close()


@pytest.fixture
def desk(tmp_path: Path, sshd: Sshd, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, sshd, lambda: capsys.readouterr().out)


@pytest.mark.slow
def test_uploaded_documents_are_read_there_and_freed_again(desk: Desk, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    for number in range(3):
        make_pdf(here / f"وثيقة {number}.pdf", 2, first=number * 10 + 1)
    desk.run("import", here)
    desk.run("plan")
    done = desk.run("upload")
    assert (done["documents"], done["left"], done["failed"]) == (3, 0, [])
    there = sorted((desk.root / "documents").rglob("*.pdf"))
    assert [path.stat().st_mode & 0o777 for path in there] == [0o600] * 3
    stamps = [path.stat().st_mtime_ns for path in there]
    assert desk.run("upload")["documents"] == 3
    assert [path.stat().st_mtime_ns for path in there] == stamps
    there[0].unlink()  # as a scratch file system does
    desk.run("submit", "--wait")
    assert desk.rows("SELECT state, count(*) FROM page GROUP BY state") == [("ok", 6)]
    dry = desk.run("clean", "far")
    assert len(dry["documents"]) == 3 and len(dry["runs"]) == 1 and not dry["removed"]
    assert desk.run("clean", "far", "--yes")["freed_bytes"] >= dry["bytes"]
    assert not list((desk.root / "documents").rglob("*.pdf"))
    assert not list((desk.root / "runs").iterdir())
    assert desk.rows("SELECT DISTINCT state FROM site_document") == [("freed",)]


@pytest.mark.slow
def test_documents_in_place_are_read_there_and_nowhere_else(desk: Desk, tmp_path: Path) -> None:
    archive = tmp_path / "archive \n'$(id)'"
    archive.mkdir()
    paper = make_pdf(archive / ("ق" * 95 + ".pdf"), 2)
    done = desk.run("import", f"site:far:{archive}")
    assert (done["added"], done["pages"]) == (1, 2)
    desk.run("plan")
    desk.run("submit", "--site", "local", "--wait", code=3)
    words = desk.rows("SELECT DISTINCT evidence FROM attempt WHERE outcome = 'failed'")
    assert "It lies on far only" in str(words)
    assert desk.rows("SELECT DISTINCT failure FROM page") == [("render",)]
    desk.run("resubmit", "--failed")
    desk.run("watch")
    assert desk.rows("SELECT state, count(*) FROM page GROUP BY state") == [("ok", 2)]
    assert not (desk.root / "documents").exists()
    target = tmp_path / "page.png"
    desk.run("page", f"site:far:{paper}", "2", "--image", target)
    with Image.open(target) as image:
        assert image.size[0] > 400
    assert desk.run("clean", "far", "--yes")["documents"] == []
    assert paper.exists()
    assert desk.run("import", f"site:far:{archive}")["known"] == 1


async def test_a_scan_goes_on_while_the_link_is_cut(desk: Desk, tmp_path: Path, sshd: Sshd) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    for number in range(8):
        make_pdf(archive / f"{number}.pdf", 1, first=number * 7 + 1)
    catalog = open_catalog(desk.workspace.catalog_path)
    site = open_site(desk.workspace, "far")
    call = site.transport.call
    asked = 0

    async def cut_now_and_then(function: str, *arguments: object, timeout_s: float = 60.0) -> object:
        nonlocal asked
        if function == "follow_scan":
            asked += 1
            if asked in (1, 3):
                asyncio.get_running_loop().call_later(0.01, sshd.kill_connections)
        return await call(function, *arguments, timeout_s=timeout_s)

    site.transport.call = cut_now_and_then  # type: ignore[method-assign]
    try:
        report = await import_from_site(desk.workspace, catalog, site, os.fsencode(archive))
    finally:
        await site.transport.close()
        catalog.close()
    assert (report.found, report.added, report.pages) == (8, 8, 8)
    assert not list((desk.root / "scans").iterdir())
