"""Work on documents that lie on a site, with a folder of this machine for the site."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bocr_tui.actions.action import CatalogHandle, Context, Options
from bocr_tui.actions.registry import action_named
from bocr_tui.config.errors import UsageError
from bocr_tui.control.orders import resubmit_pages, submit_batches
from bocr_tui.export.exporter import export
from bocr_tui.intake.importer import import_paths
from bocr_tui.intake.remote import import_from_site
from bocr_tui.intake.vanished import mark_vanished
from bocr_tui.planning.planner import plan
from bocr_tui.sites.documents import document_name, local_part, parse_site_path, site_path
from bocr_tui.sites.site import open_site
from tests.control.campaigns import Campaign, make_campaign
from tests.papers import make_pdf

CONFIG = """
pipeline = [{ engine = "noop", options = { answer = "text" } }]
[sites.local]
[sites.far]
root = "far"
poll_s = 0.05
"""


class Archive:
    """Two pages in place on `far`, planned."""

    def __init__(self, folder: Path) -> None:
        self.campaign: Campaign = make_campaign(folder, CONFIG)
        self.folder = folder / "archive"
        self.folder.mkdir()
        self.paper = make_pdf(self.folder / "a.pdf", 2)
        self.take()
        plan(self.campaign.catalog, self.campaign.config, pages=10)

    def take(self) -> None:
        site = open_site(self.campaign.workspace, "far")
        taking = import_from_site(
            self.campaign.workspace, self.campaign.catalog, site, os.fsencode(self.folder)
        )
        asyncio.run(taking)

    def submit(self, site: str) -> None:
        submit_batches(self.campaign.catalog, self.campaign.config, [1], site)
        self.campaign.drive()


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = Archive(tmp_path)
    yield made
    made.campaign.catalog.close()


def test_they_are_read_where_they_lie_and_exported_under_their_names(
    archive: Archive, tmp_path: Path
) -> None:
    archive.submit("far")
    assert archive.campaign.states() == {"ok": 2}
    assert not (archive.campaign.workspace.root / "far" / "documents").exists()
    target = tmp_path / "out"
    done = export(archive.campaign.workspace, archive.campaign.catalog, target)
    assert (done.documents, done.ok) == (1, 2)
    names = {path.name for path in target.rglob("*") if path.is_file()}
    assert any(name.startswith("a") for name in names)
    assert not any("site:" in name for name in names)


def test_another_site_refuses_them_in_words_and_theirs_takes_them_afterwards(archive: Archive) -> None:
    archive.submit("local")
    assert archive.campaign.states() == {"failed": 2}
    assert "It lies on far only" in str(archive.campaign.rows("SELECT evidence FROM attempt"))
    resubmit_pages(archive.campaign.catalog, archive.campaign.config, [1, 2], site="far")
    archive.campaign.drive()
    assert archive.campaign.states() == {"ok": 2}
    archive.campaign.check_books()


def test_a_file_exchanged_there_is_not_read_in_the_old_ones_name(archive: Archive) -> None:
    make_pdf(archive.paper, 2, first=50)
    archive.submit("far")
    assert archive.campaign.states() == {"failed": 2}
    assert "not the one that was imported" in str(archive.campaign.rows("SELECT evidence FROM attempt"))


def test_looking_for_vanished_files_here_leaves_those_there_alone(archive: Archive, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    gone = make_pdf(here / "b.pdf", 1, first=30)
    campaign = archive.campaign
    asyncio.run(import_paths(campaign.workspace, campaign.catalog, [here], processes=1))
    gone.unlink()
    archive.paper.unlink()
    for folder in (here, Path("/")):
        mark_vanished(campaign.catalog, [os.fsencode(folder)], 1e12)
    rows = campaign.rows("SELECT site, state FROM source ORDER BY id")
    assert rows == [("far", "present"), ("", "missing")]
    archive.take()
    assert campaign.rows("SELECT state FROM source WHERE site = 'far'") == [("missing",)]
    assert campaign.rows("SELECT state FROM document") == [("missing",), ("missing",)]


def test_files_here_and_there_are_imported_together(archive: Archive, tmp_path: Path) -> None:
    here = make_pdf(tmp_path / "b.pdf", 3, first=40)
    workspace = archive.campaign.workspace
    context = Context(workspace, CatalogHandle(workspace.catalog_path))
    run = action_named("workspace.import").run
    paths = (here, Path(f"site:far:{archive.folder}"))
    done = run(context, Options(paths=paths))
    assert (done.numbers["added"], done.numbers["known"], done.numbers["pages"]) == (1, 1, 5)
    with pytest.raises(UsageError, match="no site 'nowhere'"):
        run(context, Options(paths=(Path("site:nowhere:/x"),)))


@pytest.mark.parametrize("path", [b"/a", b"/a:b", b"/\n\xff", b"/site:x:/y"])
def test_a_path_on_a_site_is_told_from_one_here(path: bytes) -> None:
    assert parse_site_path(path) is None and local_part(path) == path
    named = site_path("inpt", path)
    assert parse_site_path(named) == ("inpt", path) and local_part(named) == path


def test_an_extension_that_could_lead_elsewhere_is_left_out() -> None:
    sha = "ab" * 32
    assert document_name(sha, "pdf") == f"documents/ab/{sha}.pdf"
    for strange in ("", "p/../f", "PDF", "p" * 9, "pdf\n"):
        assert document_name(sha, strange) == f"documents/ab/{sha}"
