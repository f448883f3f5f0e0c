"""A headless Chromium, spoken to by its DevTools protocol: pages opened, keys pressed, frames heard.

The protocol: https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?>=<$ ]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)")


def chromium() -> str | None:
    """The program, where it is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


class Tab:
    """One page of the browser. `heard` is what came over the page's WebSockets, without escape sequences."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._raw = ""

    @property
    def heard(self) -> str:
        return _ESCAPES.sub("", self._raw)

    def forget(self) -> None:
        self._raw = ""

    async def listen(self) -> None:
        async for message in self._socket:
            said = message.json()
            if said.get("id") in self._answers:
                self._answers.pop(said["id"]).set_result(said.get("result", {}))
            elif said.get("method") == "Network.webSocketFrameReceived":
                frame = said["params"]["response"]
                data = frame["payloadData"]
                self._raw += (
                    base64.b64decode(data).decode("utf-8", "replace") if frame["opcode"] == 2 else data
                )

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._answers[number] = answer = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return await asyncio.wait_for(answer, 30)

    async def value(self, script: str) -> Any:
        """What a line of JavaScript comes to in the page."""
        return (await self.ask("Runtime.evaluate", expression=script))["result"].get("value")

    async def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            await self.ask(
                "Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else ""
            )

    async def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for something that is heard."""
        for _ in range(600):
            if true():
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"never came: {what}; heard {self.heard[-1500:]!r}")

    async def until_value(self, script: str) -> None:
        """Wait for a line of JavaScript to come true."""
        for _ in range(600):
            if await self.value(script):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"never came true: {script}")


@asynccontextmanager
async def tab_on(program: str, address: str, profile: Path) -> AsyncIterator[Tab]:
    """A browser with one page at `address`; ended with the block."""
    words = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-port=0", "--window-size=1000,700", f"--user-data-dir={profile}")  # fmt: skip
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(program, *words, "about:blank", stdout=quiet, stderr=quiet)
    try:
        port = await _port(profile / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                page = next(each for each in await answer.json() if each["type"] == "page")
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                listening = asyncio.create_task(tab.listen())
                for domain in ("Network.enable", "Page.enable", "Runtime.enable"):
                    await tab.ask(domain)
                await tab.ask("Page.navigate", url=address)
                yield tab
                listening.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _port(said: Path) -> int:
    for _ in range(600):
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(said.read_text().splitlines()[0])
        await asyncio.sleep(0.1)
    raise AssertionError("the browser never opened its port")
