"""Documents are uploaded once, what jobs wait for first, and whatever is wrong with one stops no other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bocr_tui.config.errors import SiteError
from bocr_tui.control.events import ControlEvent, Trouble, Uploading
from bocr_tui.control.lease import DriverLease
from bocr_tui.control.orders import submit_batches
from bocr_tui.control.places import document_path, places
from bocr_tui.control.upload_rows import ask_uploads, pause_upload, resume_upload, unask_uploads
from bocr_tui.control.uploading import DocumentsReady, Uploader
from bocr_tui.sites.transport.base import TransportLost, Upload
from tests.control.campaigns import Campaign
from tests.papers import make_pdf
from tests.sites.copying import CopyTransport, far_campaign, far_site, lost


class Far:
    """A campaign whose work goes to a site that needs uploads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.campaign: Campaign = far_campaign(folder)
        self.site, self.transport = far_site(self.campaign)
        self.told: list[ControlEvent] = []
        self.uploader = Uploader(self.campaign.catalog, self.site, self.told.append)
        self.stop = asyncio.Event()

    def paper(self, name: str, first: int = 1) -> Path:
        return make_pdf(self.folder / name, 2, first)

    def order(self, path: Path) -> int:
        """The job that reads this paper."""
        batch = self.campaign.add(path, 2)
        return self.submit(batch)

    def submit(self, batch: int) -> int:
        return submit_batches(self.campaign.catalog, self.campaign.config, [batch], "far").jobs[0]

    async def upload(self) -> None:
        while await self.uploader.step(self.stop):
            pass

    def rows(self) -> list[tuple[object, ...]]:
        return self.campaign.rows("SELECT document_id, state FROM site_document ORDER BY document_id")


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    made = Far(tmp_path)
    yield made
    made.campaign.catalog.close()


async def test_a_job_waits_until_its_documents_are_there(far: Far) -> None:
    job = far.order(far.paper("a.pdf"))
    assert await far.uploader.ready(job) == DocumentsReady(waiting=(1,))
    await far.upload()
    assert (await far.uploader.ready(job)).all
    (name,) = far.transport.sent
    assert (far.transport.root / name).read_bytes() == (far.folder / "a.pdf").read_bytes()
    assert name.startswith("documents/") and name.endswith(".pdf")
    with far.campaign.catalog.reading() as connection:
        assert document_path(connection, "far", far.site.config, 1) == (name, 0)


async def test_nothing_is_uploaded_for_a_batch_that_nobody_ordered(far: Far) -> None:
    far.campaign.add(far.paper("a.pdf"), 2)
    await far.upload()
    assert far.transport.sent == []


async def test_the_oldest_job_comes_first_and_what_was_asked_for_last(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bocr_tui.control.uploading.GROUP_FILES", 1)
    asked, old, new = (far.campaign.add(far.paper(f"{n}.pdf", n), 2) for n in (1, 3, 5))
    assert ask_uploads(far.campaign.catalog, "far", [1]) == [1]
    far.submit(old)
    far.submit(new)
    await far.upload()
    del asked
    order = [place.document_id for name in far.transport.sent for place in _places(far) if place.path == name]
    assert order == [2, 3, 1]


async def test_a_purged_document_is_missed_before_a_job_is_staged(far: Far) -> None:
    job = far.order(far.paper("a.pdf"))
    await far.upload()
    (far.transport.root / far.transport.sent[0]).unlink()
    assert (await far.uploader.ready(job)).all
    far.transport.calls.clear()
    assert (await far.uploader.confirm([job]))[job].waiting == (1,)
    assert far.transport.calls == ["have_documents"]
    await far.upload()
    assert (await far.uploader.confirm([job]))[job].all
    assert len(far.transport.sent) == 2


async def test_a_document_that_is_there_under_another_size_does_not_count(far: Far) -> None:
    job = far.order(far.paper("a.pdf"))
    await far.upload()
    (far.transport.root / far.transport.sent[0]).write_bytes(b"cut")
    assert (await far.uploader.confirm([job]))[job].waiting == (1,)


async def test_a_file_that_is_gone_or_changed_fails_alone_with_its_reason(far: Far) -> None:
    gone, changed, good = far.paper("gone.pdf"), far.paper("changed.pdf", 3), far.paper("good.pdf", 5)
    jobs = [far.order(path) for path in (gone, changed, good)]
    gone.unlink()
    changed.write_bytes(b"x" * changed.stat().st_size)
    await far.upload()
    assert len(far.transport.sent) == 1
    said = [await far.uploader.ready(job) for job in jobs]
    assert all(one.all for one in said)
    assert said[0].failed == {1: "gone.pdf is gone: import it again."}
    assert said[1].failed == {2: "changed.pdf has changed since it was imported: import it again."}
    assert not said[2].failed
    assert any("gone.pdf is gone" in event.text for event in far.told if isinstance(event, Trouble))


async def test_a_file_with_another_time_and_the_same_content_is_taken(far: Far) -> None:
    paper = far.paper("a.pdf")
    far.order(paper)
    os.utime(paper, (1, 1))
    await far.upload()
    assert far.rows() == [(1, "present")]


async def test_a_file_that_changes_while_it_is_sent_fails_and_the_others_arrive(far: Far) -> None:
    first, second = far.paper("a.pdf"), far.paper("b.pdf", 3)
    jobs = [far.order(first), far.order(second)]

    def spoil(file: Upload) -> None:
        if file.path == first:
            before = first.stat()
            first.write_bytes(b"y" * before.st_size)
            os.utime(first, ns=(before.st_mtime_ns, before.st_mtime_ns))

    far.transport.before = spoil
    await far.upload()
    assert "has changed" in (await far.uploader.ready(jobs[0])).failed[1]
    assert not (await far.uploader.ready(jobs[1])).failed
    assert len(far.transport.sent) == 1


async def test_a_later_order_tries_a_failed_document_again(far: Far) -> None:
    paper = far.paper("a.pdf")
    data, job = paper.read_bytes(), far.order(paper)
    stamp = paper.stat().st_mtime_ns
    paper.unlink()
    await far.upload()
    assert (await far.uploader.ready(job)).failed
    paper.write_bytes(data)
    os.utime(paper, ns=(stamp, stamp))
    with far.campaign.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE chain SET created_at = created_at + 60")
    far.uploader = Uploader(far.campaign.catalog, far.site, far.told.append)
    assert (await far.uploader.ready(job)).waiting == (1,)
    await far.upload()
    assert (await far.uploader.ready(job)) == DocumentsReady()


async def test_a_full_disk_there_is_no_fault_of_the_documents(far: Far) -> None:
    job = far.order(far.paper("a.pdf"))

    def full(_: Upload) -> None:
        raise SiteError("far: the quota is used up.", "Free space there.")

    far.transport.before = full
    with pytest.raises(SiteError, match="quota"):
        await far.upload()
    assert (await far.uploader.ready(job)).waiting == (1,)


async def test_a_cut_link_loses_nothing_and_sends_nothing_twice(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bocr_tui.control.uploading.RETRY_S", (0.01,))
    jobs = [far.order(far.paper(f"{n}.pdf", n)) for n in (1, 3, 5)]
    seen = 0

    async def cut_once(file: Upload) -> None:
        nonlocal seen
        seen += 1
        if seen == 2:
            await lost(file)

    far.transport.before = cut_once
    running = asyncio.create_task(far.uploader.run(far.stop))
    while not all([(await far.uploader.ready(job)).all for job in jobs]):
        await asyncio.sleep(0.01)
    far.stop.set()
    await running
    assert sorted(far.transport.sent) == sorted(set(far.transport.sent))
    assert len(far.transport.sent) == 3
    assert [event for event in far.told if isinstance(event, Trouble)]


async def test_pausing_ends_what_is_under_way_and_resuming_goes_on(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bocr_tui.control.uploading.WATCH_S", 0.02)
    job = far.order(far.paper("a.pdf"))
    begun, gate = asyncio.Event(), asyncio.Event()

    async def slow(_: Upload) -> None:
        begun.set()
        await gate.wait()

    far.transport.before = slow
    step = asyncio.create_task(far.uploader.step(far.stop))
    await begun.wait()
    pause_upload(far.campaign.catalog, "far")
    assert await step is False
    assert await far.uploader.step(far.stop) is False
    assert far.transport.sent == []
    gate.set()
    resume_upload(far.campaign.catalog, "far")
    await far.upload()
    assert (await far.uploader.ready(job)).all


async def test_stopping_ends_at_once_and_the_site_row_says_that_nothing_goes(far: Far) -> None:
    far.order(far.paper("a.pdf"))
    begun = asyncio.Event()

    async def forever(_: Upload) -> None:
        begun.set()
        await asyncio.Event().wait()

    far.transport.before = forever
    running = asyncio.create_task(far.uploader.run(far.stop))
    await begun.wait()
    far.stop.set()
    await asyncio.wait_for(running, 5)
    assert far.campaign.rows("SELECT uploading FROM site_status") == [("",)]
    assert far.campaign.rows("SELECT key FROM setting WHERE key LIKE 'uploads:%'") == []


async def test_cancelling_leaves_no_lease_behind(far: Far) -> None:
    far.order(far.paper("a.pdf"))
    begun = asyncio.Event()

    async def forever(_: Upload) -> None:
        begun.set()
        await asyncio.Event().wait()

    far.transport.before = forever
    running = asyncio.create_task(far.uploader.run(far.stop))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert far.campaign.rows("SELECT key FROM setting WHERE key LIKE 'uploads:%'") == []


async def test_of_two_processes_one_uploads(far: Far) -> None:
    far.order(far.paper("a.pdf"))
    other = DriverLease(far.campaign.catalog, "uploads:far", "uploads to far")
    other.take()
    assert await far.uploader.step(far.stop) is False
    other.give_back()
    await far.upload()
    assert len(far.transport.sent) == 1


async def test_what_goes_is_told_with_its_bytes(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bocr_tui.control.upload_meter.TELL_EVERY_S", 0.0)
    papers = [far.paper(f"{n}.pdf", n) for n in (1, 3)]
    for path in papers:
        far.order(path)
    await far.upload()
    total = sum(path.stat().st_size for path in papers)
    told = [event for event in far.told if isinstance(event, Uploading)]
    assert told[0].done_bytes == 0 and told[0].total_bytes == total
    assert [event.done_bytes for event in told] == sorted(event.done_bytes for event in told)
    assert (told[-1].name, told[-1].done_bytes, told[-1].total_bytes) == ("", total, total)


async def test_taking_back_what_was_asked_for_leaves_what_is_there(far: Far) -> None:
    for n in (1, 3):
        far.campaign.add(far.paper(f"{n}.pdf", n), 2)
    ask_uploads(far.campaign.catalog, "far", [1])
    await far.upload()
    assert ask_uploads(far.campaign.catalog, "far", [1, 2]) == [2]
    unask_uploads(far.campaign.catalog, "far", [1, 2])
    assert far.rows() == [(1, "present")]


async def test_a_document_that_lies_on_another_site_only_is_refused_in_words(far: Far) -> None:
    job = far.order(far.paper("a.pdf"))
    with far.campaign.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE source SET site = 'inpt', path = CAST('site:inpt:/a' AS BLOB)")
    assert (await far.uploader.ready(job)) == DocumentsReady(failed={1: "It lies on inpt only."})
    await far.upload()
    assert far.transport.sent == []


async def test_a_document_in_place_is_used_where_it_lies(far: Far) -> None:
    job = far.order(far.paper("a.pdf"))
    path = b"/scratch/\xff\n\xd8\xa7.pdf"
    with far.campaign.catalog.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE source SET site = 'far', path = ?, mtime_ns = 7", (b"site:far:" + path,)
        )
    assert (await far.uploader.ready(job)) == DocumentsReady()
    with far.campaign.catalog.reading() as connection:
        assert document_path(connection, "far", far.site.config, 1) == (os.fsdecode(path), 7)


async def test_a_site_that_reads_files_where_they_lie_needs_no_upload(far: Far) -> None:
    site, transport = far_site(far.campaign, documents="in_place")
    job = far.order(far.paper("a.pdf"))
    uploader = Uploader(far.campaign.catalog, site, far.told.append)
    assert (await uploader.ready(job)).all and (await uploader.confirm([job]))[job].all
    assert await uploader.step(far.stop) is False
    assert transport.calls == []
    with far.campaign.catalog.reading() as connection:
        assert document_path(connection, "far", site.config, 1)[0] == str(far.folder / "a.pdf")


async def test_a_lost_link_is_the_callers_to_know_of(far: Far) -> None:
    job = far.order(far.paper("a.pdf"))
    await far.upload()

    async def cut(function: str, *arguments: object, timeout_s: float = 60.0) -> object:
        raise TransportLost("far did not answer.")

    transport: CopyTransport = far.transport
    transport.call = cut  # type: ignore[method-assign]
    with pytest.raises(TransportLost):
        await far.uploader.confirm([job])
    assert far.rows() == [(1, "present")]


def _places(far: Far) -> list[object]:  # type: ignore[type-arg]
    with far.campaign.catalog.reading() as connection:
        return list(places(connection, "far", far.site.config, [1, 2, 3]).values())
