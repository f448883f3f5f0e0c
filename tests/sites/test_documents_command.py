"""`bocr upload`: what is asked for arrives, what is stopped is taken back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bocr_tui.actions.action import CatalogHandle, Context, Options, Outcome, Selection
from bocr_tui.actions.registry import action_named
from bocr_tui.config.errors import UsageError
from bocr_tui.config.workspace import Workspace
from bocr_tui.control.upload_rows import pause_upload
from bocr_tui.sites.transport.base import Upload
from tests.control.campaigns import Campaign
from tests.papers import make_pdf
from tests.sites.copying import CopyTransport, far_campaign, far_site


class Asking:
    def __init__(self, campaign: Campaign, transport: CopyTransport) -> None:
        self.campaign, self.transport = campaign, transport

    def upload(self, selection: Selection | None = None, **options: object) -> Outcome:
        workspace = self.campaign.workspace
        context = Context(workspace, CatalogHandle(workspace.catalog_path), selection or Selection())
        return action_named("documents.upload").run(context, Options(site="far", **options))  # type: ignore[arg-type]


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    campaign = far_campaign(tmp_path)
    site, transport = far_site(campaign)
    monkeypatch.setattr("bocr_tui.actions.uploading.open_site", lambda *_: site)
    monkeypatch.setattr("bocr_tui.sites.documents.uploads_documents", lambda _: True)
    for number in (1, 3, 5):
        campaign.add(make_pdf(tmp_path / f"{number}.pdf", 2, number), 2)
    yield Asking(campaign, transport)
    campaign.catalog.close()


def test_planned_documents_go_when_nothing_is_named(asking: Asking) -> None:
    done = asking.upload()
    assert (done.count, len(asking.transport.sent)) == (3, 3)
    assert "3 documents on far" in done.text
    assert asking.upload().count == 3
    assert len(asking.transport.sent) == 3


def test_the_documents_of_named_batches_go_and_no_others(asking: Asking) -> None:
    assert asking.upload(Selection(batches=(2,))).count == 1
    assert len(asking.transport.sent) == 1


def test_what_nobody_planned_goes_only_when_everything_is_asked_for(asking: Asking) -> None:
    with asking.campaign.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE page SET state = 'new', batch_id = NULL WHERE document_id = 1")
    assert asking.upload().count == 2
    assert asking.upload(everything=True).count == 3


def test_stopping_takes_back_what_did_not_arrive(asking: Asking) -> None:
    stop = threading.Event()

    async def wait(file: Upload) -> None:
        if asking.transport.sent:
            stop.set()
            await asyncio.Event().wait()

    asking.transport.before = wait
    done = asking.upload(stop=stop)
    assert len(done.numbers["failed"]) == 0 and done.numbers["left"] == 3 and not done.well
    assert asking.campaign.rows("SELECT state FROM site_document") == []
    asking.transport.before = None
    assert asking.upload().count == 3
    assert len(asking.transport.sent) == 3


def test_a_paused_site_is_refused_in_words(asking: Asking) -> None:
    pause_upload(asking.campaign.catalog, "far")
    with pytest.raises(UsageError, match="paused"):
        asking.upload()


def test_a_document_that_failed_is_tried_again_when_asked_for_again(asking: Asking, tmp_path: Path) -> None:
    path = tmp_path / "1.pdf"
    data = path.read_bytes()
    path.unlink()
    done = asking.upload()
    assert done.refused == ((1, "1.pdf is gone: import it again."),)
    assert done.count == 2 and not done.well
    path.write_bytes(data)
    assert asking.upload().count == 3


def test_progress_counts_kilobytes(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bocr_tui.control.upload_meter.TELL_EVERY_S", 0.0)
    seen: list[tuple[int, int, str]] = []
    asking.upload(progress=lambda *step: seen.append(step))
    assert seen and seen[0][0] == 0 and seen[-1][0] == seen[-1][1] and "pdf" in seen[0][2]


def test_a_site_on_this_machine_needs_no_upload(tmp_path: Path) -> None:
    campaign = far_campaign(tmp_path)
    context = Context(Workspace(campaign.workspace.root), CatalogHandle(campaign.workspace.catalog_path))
    done = action_named("documents.upload").run(context, Options(site="local"))
    assert "nothing has to be uploaded" in done.text and done.well
    campaign.catalog.close()
