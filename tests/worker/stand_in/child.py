"""The stand-in as a process of its own: its CPU is not the client's."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).resolve().parent


class StandInProcess:
    """A stand-in that runs beside; `stats()` asks it how it was used."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    async def stats(self) -> dict[str, Any]:
        port = int(self.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /stand-in/stats HTTP/1.1\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        stats: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
        return stats


@asynccontextmanager
async def started(*flags: str) -> AsyncIterator[StandInProcess]:
    """Flags as by hand; the port is a free one."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), *flags, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        while True:
            line = (await process.stdout.readline()).decode()
            if not line:
                raise RuntimeError(f"the stand-in ended with {await process.wait()}")
            if "serving on " in line:
                break
        yield StandInProcess(process, line.rpartition(" ")[2].strip())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
