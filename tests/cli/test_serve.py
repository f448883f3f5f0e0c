"""`bocr serve`: the panel in a browser, for this machine alone, and only to look at unless said otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

pytest.importorskip("textual_serve")

from bocr_tui.cli.main import main
from bocr_tui.cli.serving import PanelServer, free_port, is_loopback, panel_command
from bocr_tui.config.errors import UsageError
from tests.cli.browser import chromium, tab_on
from tests.ui.campaign import Campaign, build

pytestmark = pytest.mark.xdist_group("serve")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return build(tmp_path_factory.mktemp("served") / "workspace")


@asynccontextmanager
async def served(root: Path, *options: str) -> AsyncIterator[str]:
    """The address at which the command serves; it is told as its first line."""
    words = (sys.executable, "-m", "bocr_tui.cli.main", "-w", str(root), "serve", "--port", "0", *options)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TERM": "dumb", "COLUMNS": "200"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdout=pipe, env=environment)
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        assert " is served at http://127.0.0.1:" in line
        yield line.split(" at ")[1].split(",")[0].split(". ")[0].strip()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)


async def test_the_page_is_served_and_asks_nothing_of_other_servers(campaign: Campaign) -> None:
    async with served(campaign.workspace.root) as address, aiohttp.ClientSession() as session:
        async with session.get(address) as answer:
            page = await answer.text()
            assert answer.status == 200
            assert answer.headers["X-Frame-Options"] == "DENY"
        assert "bocr: workspace" in page
        assert page.count("http") == page.count(address)
        async with session.get(f"{address}/static/js/textual.js") as answer:
            assert answer.status == 200
        await refuses_strangers(session, address)
        async with session.ws_connect(f"{address}/ws?width=80&height=24", origin=address) as socket:
            text = ""
            while "b00001" not in text:
                text += (await asyncio.wait_for(socket.receive_bytes(), 60)).decode("utf-8", "replace")
        assert "read-only" in text


async def refuses_strangers(session: aiohttp.ClientSession, address: str) -> None:
    """A page from elsewhere, a name that is led here, and a client that does not say where it is from."""
    async with session.get(address, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {},
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{address}/ws", headers=headers)
        assert refused.value.status == 403


@pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")
async def test_a_real_browser_shows_the_panel_and_its_keys_work(campaign: Campaign, tmp_path: Path) -> None:
    program = chromium()
    assert program is not None
    async with (
        served(campaign.workspace.root) as address,
        tab_on(program, address, tmp_path / "profile") as tab,
    ):
        await tab.until(lambda: "b00001" in tab.heard, "the list of batches")
        await tab.until_value("document.body.classList.contains('-first-byte')")
        await tab.value("document.querySelector('.xterm-helper-textarea').focus()")
        tab.forget()
        await tab.press("4")
        await tab.until(lambda: "Document" in tab.heard and "140 pages" in tab.heard, "the list of pages")
        drawn = "document.querySelectorAll('.xterm-screen canvas, .xterm-rows > div').length"
        assert await tab.value(drawn) > 0


def test_only_the_names_it_was_started_under_are_known() -> None:
    server = PanelServer("true", "127.0.0.1", 8117, "x", frozenset({"127.0.0.1", "localhost", "::1"}), print)
    for name in ("127.0.0.1:8117", "localhost:8117", "[::1]:8117"):
        assert server.known(name)
    for name in (
        "127.0.0.1",
        "127.0.0.1:80",
        "evil.example:8117",
        "localhost.evil.example:8117",
        "",
        "[",
        "::",
    ):
        assert not server.known(name)


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("192.168.1.5", False), ("login.cluster", False)],
)  # fmt: skip
def test_which_addresses_are_of_this_machine_alone(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone


def test_the_panel_is_read_only_unless_writing_was_allowed() -> None:
    assert panel_command(Path("/a b"), write=False).endswith("--workspace '/a b' --readonly")
    assert "--readonly" not in panel_command(Path("/a"), write=True)


def test_a_port_that_is_taken_is_told() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="cannot be listened on"):
            free_port("127.0.0.1", taken.getsockname()[1])


def test_another_host_is_served_with_a_warning(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bocr_tui.cli.serving.serve_panel", lambda *_, **__: None)
    root = str(campaign.workspace.root)
    assert main(["-w", root, "serve"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["-w", root, "serve", "--host", "0.0.0.0"]) == 0
    assert "no password" in capsys.readouterr().err
