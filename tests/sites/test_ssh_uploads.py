"""Uploads: verified there, resumed where cut, never twice, and no faster than allowed."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bocr_tui.config.errors import SiteError
from bocr_tui.sites.transport.base import TransportLost, Upload
from bocr_tui.sites.transport.ssh import uploading
from bocr_tui.sites.transport.ssh.transport import SshTransport
from bocr_tui.sites.transport.ssh.uploading import CannotUpload
from tests.sites.cut_proxy import CutProxy
from tests.sites.sshd import Sshd

Make = Callable[..., SshTransport]


def _document(path: Path, data: bytes) -> Upload:
    path.write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    return Upload(path, f"documents/{sha256[:2]}/{sha256}.pdf", sha256, len(data))


@pytest.fixture
def small(tmp_path: Path) -> list[Upload]:
    return [_document(tmp_path / f"é {i} $(x).pdf", os.urandom(3000 + i)) for i in range(40)]


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upload:
    """A file that is sent alone, though it is only some megabytes."""
    monkeypatch.setattr(uploading, "SMALL_BYTES", 100_000)
    return _document(tmp_path / "large.pdf", os.urandom(6_000_000))


def _there(sshd: Sshd, upload: Upload) -> bytes:
    return (sshd.home / "site" / upload.name).read_bytes()


def _left(sshd: Sshd) -> list[Path]:
    """What is no finished document."""
    return [path for path in (sshd.home / "site").glob("documents/*/.*") if path.is_file()]


async def test_small_files_go_together_and_arrive_as_they_are(
    sshd: Sshd, ssh_transport: Make, small: list[Upload]
) -> None:
    transport = ssh_transport(sshd.site())
    await transport.place()
    before = transport.commands.count
    passed: list[int] = []
    await transport.upload(small, passed.append)
    assert transport.commands.count - before == 2, "what is there, and all files"
    assert sum(passed) == sum(upload.size_bytes for upload in small)
    for upload in small:
        assert _there(sshd, upload) == upload.path.read_bytes()
        assert (sshd.home / "site" / upload.name).stat().st_mode & 0o077 == 0
    assert not _left(sshd)


async def test_what_is_there_is_not_sent_again(
    sshd: Sshd, ssh_transport: Make, small: list[Upload], large: Upload
) -> None:
    transport = ssh_transport(sshd.site())
    await transport.upload([*small, large, large], lambda size: None)
    sent = transport.commands.sent_bytes
    passed: list[int] = []
    await transport.upload([*small, large], passed.append)
    assert transport.commands.sent_bytes - sent < 10_000
    assert sum(passed) == sum(upload.size_bytes for upload in small) + large.size_bytes


async def test_a_large_upload_that_was_cut_goes_on_where_it_was(
    sshd: Sshd, ssh_transport: Make, cut_proxy: CutProxy, large: Upload
) -> None:
    transport = ssh_transport(sshd.site(via=cut_proxy))
    await transport.place()
    cut_proxy.cut_after(up=4_000_000)
    with pytest.raises(TransportLost):
        await transport.upload([large], lambda size: None)
    await _until(lambda: bool(_left(sshd)))
    before = cut_proxy.bytes_up
    passed: list[int] = []
    await transport.upload([large], passed.append)
    assert _there(sshd, large) == large.path.read_bytes()
    assert passed[0] > 500_000, "the bytes that were there already"
    assert sum(passed) == large.size_bytes
    assert cut_proxy.bytes_up - before < large.size_bytes - passed[0] + 100_000
    assert not _left(sshd)


async def test_small_files_that_came_before_a_cut_are_kept(
    sshd: Sshd, ssh_transport: Make, cut_proxy: CutProxy, tmp_path: Path
) -> None:
    files = [_document(tmp_path / f"{i}.pdf", os.urandom(300_000)) for i in range(40)]
    transport = ssh_transport(sshd.site(via=cut_proxy))
    await transport.place()
    cut_proxy.cut_after(up=8_000_000)
    with pytest.raises(TransportLost):
        await transport.upload(files, lambda size: None)
    stored = lambda: [file for file in files if (sshd.home / "site" / file.name).exists()]  # noqa: E731
    await _until(
        lambda: len(stored()) >= 2 and not _left(sshd)
    )  # the server held back what it had no time for
    kept, before = len(stored()), cut_proxy.bytes_up
    await transport.upload(files, lambda size: None)
    assert len(stored()) == 40
    assert cut_proxy.bytes_up - before < (40 - kept) * 300_000 + 100_000


async def test_a_cancelled_upload_keeps_its_part_and_its_place_is_free(
    sshd: Sshd, ssh_transport: Make, large: Upload
) -> None:
    transport = ssh_transport(sshd.site())
    some = asyncio.Event()
    passed = 0

    def count(size: int) -> None:
        nonlocal passed
        passed += size
        if passed > 1_000_000:
            some.set()

    upload = asyncio.create_task(transport.upload([large], count, mb_per_s=4))
    await some.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    await _until(lambda: bool(_left(sshd)))
    await asyncio.gather(*(transport.poll([]) for _ in range(6)))
    resumed: list[int] = []
    await transport.upload([large], resumed.append)
    assert resumed[0] > 500_000
    assert _there(sshd, large) == large.path.read_bytes()


async def test_a_part_with_other_bytes_is_found_out_and_deleted(
    sshd: Sshd, ssh_transport: Make, large: Upload
) -> None:
    transport = ssh_transport(sshd.site())
    place = sshd.home / "site" / large.name
    place.parent.mkdir(parents=True)
    (place.parent / f".{place.name}.part").write_bytes(b"x" * 1_000_000)
    with pytest.raises(SiteError, match="did not arrive as it was sent"):
        await transport.upload([large], lambda size: None)
    assert not _left(sshd)
    assert not place.exists()
    await transport.upload([large], lambda size: None)
    assert _there(sshd, large) == large.path.read_bytes()


@pytest.mark.parametrize("part_bytes", [6_000_000, 7_000_000])
async def test_a_part_with_every_byte_and_more_is_verified_before_it_gets_its_name(
    sshd: Sshd, ssh_transport: Make, large: Upload, part_bytes: int
) -> None:
    transport = ssh_transport(sshd.site())
    place = sshd.home / "site" / large.name
    place.parent.mkdir(parents=True)
    (place.parent / f".{place.name}.part").write_bytes((large.path.read_bytes() + bytes(10**6))[:part_bytes])
    await transport.upload([large], lambda size: None)
    assert _there(sshd, large) == large.path.read_bytes()


async def test_files_that_changed_or_are_gone_are_named_and_the_others_arrive(
    sshd: Sshd, ssh_transport: Make, small: list[Upload], large: Upload
) -> None:
    small[3].path.write_bytes(b"other content")
    small[4].path.write_bytes(b"x" * small[4].size_bytes)
    small[5].path.unlink()
    large.path.write_bytes(os.urandom(large.size_bytes))
    with pytest.raises(CannotUpload) as told:
        await ssh_transport(sshd.site()).upload([*small, large], lambda size: None)
    assert told.value.files == (*small[3:6], large)
    assert "has changed since it was imported" in told.value.cause
    assert "3 more" in told.value.cause
    for upload in (*small[:3], *small[6:]):
        assert _there(sshd, upload) == upload.path.read_bytes()
    for upload in (*small[3:6], large):
        assert not (sshd.home / "site" / upload.name).exists()
    assert not _left(sshd)


async def test_a_file_that_shrinks_while_it_is_sent_is_named(
    sshd: Sshd, ssh_transport: Make, large: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "CHUNK_BYTES", 500_000)

    def cut(size: int) -> None:
        if large.path.stat().st_size == large.size_bytes and size:
            os.truncate(large.path, 2_500_000)

    with pytest.raises(CannotUpload, match="has changed"):
        await ssh_transport(sshd.site()).upload([large], cut, mb_per_s=8)


async def test_a_name_outside_the_documents_is_refused(
    sshd: Sshd, ssh_transport: Make, small: list[Upload]
) -> None:
    transport = ssh_transport(sshd.site())
    for name in (
        "../x",
        "/etc/x",
        "runs/b/manifest.json",
        f"documents/zz/{small[0].sha256}.pdf",
        "documents",
    ):
        bad = Upload(small[0].path, name, small[0].sha256, small[0].size_bytes)
        with pytest.raises(SiteError, match="is no name of a document"):
            await transport.upload([bad], lambda size: None)


async def test_a_full_disk_is_told_while_bytes_are_still_being_sent(
    sshd: Sshd, ssh_transport: Make, large: Upload
) -> None:
    # A limit on file size fails in the middle of writing, as a quota does.
    (sshd.home / ".bashrc").write_text("ulimit -f 2000; trap '' XFSZ\n")
    with pytest.raises(SiteError, match=r"receive_file on loopback failed: .*File too large"):
        await ssh_transport(sshd.site()).upload([large], lambda size: None)


async def test_an_upload_keeps_to_its_pace_and_leaves_room_for_questions(
    sshd: Sshd, ssh_transport: Make, large: Upload
) -> None:
    transport = ssh_transport(sshd.site())
    await transport.place()
    began = time.monotonic()
    upload = asyncio.create_task(transport.upload([large], lambda size: None, mb_per_s=4))
    for _ in range(3):
        await asyncio.wait_for(transport.poll([]), 5)
    assert not upload.done()
    await upload
    assert 1.2 <= time.monotonic() - began < 6


async def test_an_empty_file_can_be_uploaded(sshd: Sshd, ssh_transport: Make, tmp_path: Path) -> None:
    empty = _document(tmp_path / "empty.pdf", b"")
    await ssh_transport(sshd.site()).upload([empty], lambda size: None)
    assert _there(sshd, empty) == b""


async def _until(ready: Callable[[], bool], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not ready():
            await asyncio.sleep(0.01)
