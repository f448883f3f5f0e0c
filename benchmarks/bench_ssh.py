"""The transport over SSH against bare commands over the same server: tar, scp, and the events' own bytes."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import random
import secrets
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import asyncssh

from benchmarks.result import Result
from bocr_tui.sites.asking import ask_nobody
from bocr_tui.sites.transport.base import RunAsk, Upload
from bocr_tui.sites.transport.ssh.transport import SshTransport
from bocr_worker.protocol.events import OK, STARTED, Header, PageEvent, Provenance, ResultPlace
from bocr_worker.protocol.lines import encode_line
from tests.sites.cut_proxy import CutProxy
from tests.sites.sshd import HOST, SSHD, Sshd

NAMES = ("poll.round_trips", "poll.bytes", "stage.small_files", "stage.large_file")

JOBS, LIVE = 1000, 100
PAGES_A_TICK = 2
"""Of one job, in the five seconds between two polls: what a model on one GPU reads."""

SMALL_FILES, SMALL_BYTES = 1000, 4096
LARGE_MB = int(os.environ.get("BOCR_BENCH_LARGE_MB", "1024"))
ROUNDS, LARGE_ROUNDS = 5, 3


def run() -> list[Result]:
    """Nothing is measured where OpenSSH's server is not installed."""
    if SSHD is None:
        print("poll and stage need OpenSSH's server", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory(prefix="bocr-bench-") as name:
        sshd = Sshd(Path(name) / "sshd")
        os.environ.update(sshd.environment)
        os.environ.pop("SSH_AUTH_SOCK", None)
        sshd.start()
        try:
            return asyncio.run(_measure(sshd))
        finally:
            sshd.stop()


async def _measure(sshd: Sshd) -> list[Result]:
    link = CutProxy("127.0.0.1", sshd.port)
    polling = SshTransport("bench", sshd.site(via=link), ask_nobody, sshd.folder / "commands.jsonl")
    direct = SshTransport("bench", sshd.site(), ask_nobody, sshd.folder / "commands.jsonl")
    try:
        results = await _measure_poll(sshd, polling, link)
        results.append(await _measure_small_files(sshd, direct))
        results.append(await _measure_large_file(sshd, direct))
    finally:
        await polling.close()
        await direct.close()
        link.close()
    return results


# Polling


async def _measure_poll(sshd: Sshd, transport: SshTransport, link: CutProxy) -> list[Result]:
    """One tick over a thousand jobs, of which a hundred write. Every byte of the TCP connection counts, in
    both directions."""
    root = Path((await transport.place()).root)
    chance = random.Random(7)
    tokens = [f"b{chance.getrandbits(70):014x}" for _ in range(JOBS)]
    offsets = {token: _begin(root, token, chance) for token in tokens}
    written = sum(_write_news(root, token, offsets[token], chance) for token in tokens[:LIVE])
    asks = [RunAsk(token, offsets[token]) for token in tokens]
    commands, bytes_before = transport.commands.count, link.bytes_up + link.bytes_down
    news = await transport.poll(asks)
    assert sum(len(file.data) for run in news for file in run.files) == written
    passed = link.bytes_up + link.bytes_down - bytes_before
    return [
        Result("poll.round_trips", transport.commands.count - commands, "commands a tick", 1, "lower"),
        Result("poll.bytes", passed / written, "x the events' own bytes", written, "lower"),
    ]


def _begin(root: Path, token: str, chance: random.Random) -> dict[str, int]:
    """A run's folder with a journal that was read to its end."""
    folder = root / "runs" / token
    folder.mkdir(parents=True)
    generation = f"{chance.getrandbits(64):016x}"
    name = f"journal-{generation}.jsonl"
    (folder / name).write_bytes(encode_line(Header(token, generation, "0.1.0", "node", 1, 1.0).record()))
    return {name: (folder / name).stat().st_size}


def _write_news(root: Path, token: str, offsets: dict[str, int], chance: random.Random) -> int:
    (name,) = offsets
    document = chance.randbytes(32).hex()
    lines = b"".join(_page(document, page, name, chance) for page in range(PAGES_A_TICK))
    with (root / "runs" / token / name).open("ab") as stream:
        stream.write(lines)
    return len(lines)


def _page(document: str, page: int, journal: str, chance: random.Random) -> bytes:
    """What a page leaves in the journal: that it was started, and how it was read."""
    place = ResultPlace(
        journal.replace("journal", "results"), chance.randrange(10**7), 5000, chance.randbytes(32).hex()
    )
    event = PageEvent(
        document=document,
        page=page,
        status=OK,
        attempt=1,
        at=1.7e9 + chance.random() * 1e6,
        seconds=chance.random() * 10,
        score=chance.random(),
        scripts={"latin": chance.random(), "arabic": chance.random()},
        provenance=Provenance("chandra", "1.0"),
        result=place,
    )
    begun = PageEvent(document, page, STARTED, 1, 1.7e9 + chance.random() * 1e6)
    return encode_line(begun.record()) + encode_line(event.record())


# Staging


async def _measure_small_files(sshd: Sshd, transport: SshTransport) -> Result:
    """A folder of a thousand files that do not compress, against `tar` fed with the same files over the same
    connection; in turns, the best of each."""
    await transport.place()
    files = {f"d{number % 10}/f{number}": secrets.token_bytes(SMALL_BYTES) for number in range(SMALL_FILES)}
    bare_s, staged_s = [], []
    for number in range(ROUNDS):
        bare_s.append(await _tar(await _connection(transport), f"{sshd.home}/tar{number}", files))
        begun = time.perf_counter()
        await transport.stage({f"runs/bstage{number}": files})
        staged_s.append(time.perf_counter() - begun)
    bare = min(bare_s)
    return Result("stage.small_files", min(staged_s) / bare, "x bare tar", SMALL_FILES / bare, "lower")


async def _connection(transport: SshTransport) -> asyncssh.SSHClientConnection:
    return (await transport._connection.get()).ssh


async def _tar(connection: asyncssh.SSHClientConnection, folder: str, files: dict[str, bytes]) -> float:
    begun = time.perf_counter()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    done = await connection.run(
        f"mkdir {folder} && tar -xf - -C {folder}", input=buffer.getvalue(), encoding=None
    )
    assert done.exit_status == 0, done.stderr
    return time.perf_counter() - begun


async def _measure_large_file(sshd: Sshd, transport: SshTransport) -> Result:
    """A large document, verified and on the disk in the end, against `scp`, which does neither. None waits
    for the disk because of what the other left to be written."""
    path = sshd.folder / "large.bin"
    size_bytes = LARGE_MB << 20
    await asyncio.to_thread(_fill, path, size_bytes)
    digest = await asyncio.to_thread(_sha256, path)
    upload = Upload(path, f"documents/{digest[:2]}/{digest}.pdf", digest, size_bytes)
    bare_s, upload_s = [], []
    for _ in range(LARGE_ROUNDS):
        await asyncio.to_thread(os.sync)
        bare_s.append(await asyncio.to_thread(_scp, sshd, path))
        await asyncio.to_thread(os.sync)
        begun = time.perf_counter()
        await transport.upload([upload], lambda size: None)
        upload_s.append(time.perf_counter() - begun)
        (sshd.home / "site" / upload.name).unlink()
    bare = min(bare_s)
    return Result("stage.large_file", min(upload_s) / bare, "x scp", size_bytes / 1e6 / bare, "lower")


def _fill(path: Path, size_bytes: int) -> None:
    with path.open("wb") as stream:
        for _ in range(size_bytes >> 20):
            stream.write(os.urandom(1 << 20))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _scp(sshd: Sshd, path: Path) -> float:
    options = ["-q", "-F", f"{sshd.ssh}/config", "-o", f"UserKnownHostsFile={sshd.ssh}/known_hosts"]
    begun = time.perf_counter()
    subprocess.run(["scp", *options, str(path), f"{HOST}:{sshd.home}/scp.bin"], check=True)
    seconds = time.perf_counter() - begun
    (sshd.home / "scp.bin").unlink()
    return seconds
