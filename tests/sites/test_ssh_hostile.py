"""A site that lies: typed errors, bounded memory, nothing believed."""

from __future__ import annotations

import re
import resource
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.config.errors import SiteError
from bocr_tui.sites.helper.frames import build_frame, build_header
from bocr_tui.sites.transport.base import RunAsk, TransportLost
from bocr_tui.sites.transport.ssh.news import Nonsense, read_news
from bocr_tui.sites.transport.ssh.transport import SshTransport
from tests.sites.ssh_double import Process, SshDouble

Make = Callable[..., SshTransport]


@pytest_asyncio.fixture
async def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SshDouble]:
    double = SshDouble(tmp_path / "double")
    monkeypatch.setenv("BOCR_SSH_FOLDER", str(double.ssh))
    await double.start()
    yield double
    await double.stop()


def _answering(double: SshDouble, answer: Callable[[bytes], bytes]) -> None:
    """Answer questions of the helper with what `answer` makes of their nonce."""

    async def lie(process: Process) -> None:
        question = await process.stdin.read()
        nonce = re.match(rb"bocr-frame ([0-9a-f]{32})", question)
        if nonce is None:
            process.stdout.write(b"what?")
        else:
            process.stdout.write(answer(nonce.group(1)))
        process.exit(0)

    double.answering = lie


def _bomb(nonce: bytes) -> bytes:
    zip_ = zlib.compressobj(9)
    payload = b"z" + b"".join(zip_.compress(bytes(1 << 20)) for _ in range(300)) + zip_.flush()
    return build_header(nonce, payload) + payload


LIES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda nonce: b"",
    "a gigabyte to come": lambda nonce: b"bocr-frame %s 1000000000 %s\n" % (nonce, b"0" * 64),
    "a zip bomb": _bomb,
    "half": lambda nonce: build_frame(nonce, {"ok": [1] * 100})[:-10],
    "text that is none": lambda nonce: b"\xff\xfe\x00" * 1000,
    "another's answer": lambda nonce: build_frame(b"0" * 32, {"ok": []}),
    "a wrong checksum": lambda nonce: build_header(nonce, b"=1") + b"=2",
    "no kind of answer": lambda nonce: build_frame(nonce, ["ok"]),
    "two kinds of answer": lambda nonce: build_frame(nonce, {"ok": [], "error": "x"}),
    "another question's answer": lambda nonce: build_frame(nonce, {"ok": {"root": "/"}}),
    "endless noise": lambda nonce: b"x" * (5 << 20),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_a_typed_error_and_costs_no_memory(
    double: SshDouble, ssh_transport: Make, lie: str
) -> None:
    transport = ssh_transport(double.site())
    await transport.place()
    _answering(double, LIES[lie])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TransportLost) as told:
        await transport.poll([RunAsk("bliar1")])
    assert told.value.next_step
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000
    double.answering = double.run_shell
    await transport.poll([])


@pytest.mark.parametrize("lie", [{"ok": 1}, {}, [], {"root": "/"}, None, {"root": "/", "version": "x"}])
async def test_a_first_look_that_lies_is_told(double: SshDouble, ssh_transport: Make, lie: Any) -> None:
    async def answer(process: Process) -> None:
        script = await process.stdin.read()
        nonce = re.search(rb"look_around\('([0-9a-f]{32})'", script)
        assert nonce is not None
        process.stdout.write(build_frame(nonce.group(1), lie))
        process.exit(0)

    double.answering = answer
    with pytest.raises(SiteError, match="not understood"):
        await ssh_transport(double.site()).poll([])


async def test_words_of_a_site_cannot_act_on_a_screen(double: SshDouble, ssh_transport: Make) -> None:
    transport = ssh_transport(double.site())
    await transport.place()
    words = "no\x1b[2J\x07 way\u202e " + "x" * 100_000
    for kind in ({"refused": [words, words]}, {"os_error": words}, {"error": words}, {"timeout": words}):
        _answering(double, lambda nonce, kind=kind: build_frame(nonce, kind))  # type: ignore[misc]
        with pytest.raises(SiteError) as told:
            await transport.call("remove_run", "x")
        assert told.value.cause.isprintable()
        assert len(told.value.cause) < 600


def _news(**changes: Any) -> list[dict[str, Any]]:
    file = {"name": "journal-0.jsonl", "size": 3, "offset": 0, "head": 1, "data": b"abc"}
    run = {"token": "bgood1", "exists": True, "exit": None, "files": [file]}
    for name, value in changes.items():
        (file if name in file else run)[name] = value
    return [run]


@pytest.mark.parametrize(
    "change",
    [
        {"token": "bother1"},
        {"exists": 1},
        {"exit": "text"},
        {"exit": bytes(2 << 20)},
        {"files": None},
        {"files": [{}]},
        {"name": "../journal-0.jsonl"},
        {"name": "journal-../../x.jsonl"},
        {"name": "passwd"},
        {"name": "job.log"},
        {"name": 7},
        {"name": "journal-0.jsonl\n"},
        {"size": -1},
        {"size": True},
        {"offset": 5},
        {"head": None},
        {"data": "abc"},
        {"data": b"x" * 11},
    ],
)
def test_news_that_were_not_asked_for_are_nonsense(change: dict[str, Any]) -> None:
    ask = RunAsk("bgood1", max_bytes=10)
    assert read_news(_news(), [ask])[0].files[0].data == b"abc"
    with pytest.raises(Nonsense):
        read_news(_news(**change), [ask])


KEYS = st.sampled_from(["token", "exists", "files", "exit"])


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.binary(),
        lambda parts: st.lists(parts) | st.dictionaries(KEYS, parts),
    )
)
def test_any_answer_is_news_or_nonsense(answer: Any) -> None:
    with pytest.raises(Nonsense):
        read_news(answer, [RunAsk("bgood1")])
