"""The transport to this machine: the site's folder is a folder here."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bocr_tui.config.errors import SiteError
from bocr_tui.sites.helper.calls import FUNCTIONS
from bocr_tui.sites.helper.refusal import Refused
from bocr_tui.sites.transport.base import (
    CALL_TIMEOUT_S,
    FileNews,
    Link,
    Progressed,
    RunAsk,
    RunNews,
    TransportLost,
    Upload,
)


class LocalTransport:
    """Calls the site helper in a thread of this process."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def link(self) -> Link:
        return Link.CONNECTED

    async def stage(self, folders: Mapping[str, Mapping[str, bytes]]) -> None:
        plain = {folder: dict(files) for folder, files in folders.items()}
        try:
            await asyncio.to_thread(FUNCTIONS["stage_folders"], str(self.root), plain)
        except OSError as error:
            raise SiteError(
                f"{self.root} cannot be written: {error}.",
                "Free space or mend the permissions; the driver goes on by itself.",
            ) from error

    async def poll(self, asks: Sequence[RunAsk]) -> list[RunNews]:
        plain = [
            {
                "token": ask.token,
                "offsets": dict(ask.offsets),
                "max_bytes": ask.max_bytes,
                "logs": list(ask.logs),
            }
            for ask in asks
        ]
        return [run_news(answer) for answer in await self.call("poll_runs", plain)]

    async def call(self, function: str, *arguments: object, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        handler = FUNCTIONS[function]
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.to_thread(handler, str(self.root), *arguments)
        except Refused as error:
            raise SiteError(str(error), error.next_step) from error
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            raise TransportLost(f"{function} on {self.root} took too long.", "It is asked again.") from error
        except (OSError, subprocess.SubprocessError) as error:
            raise SiteError(f"{function} on {self.root} failed: {error}.", "See the job's log.") from error

    async def upload(self, files: Sequence[Upload], progressed: Progressed, mb_per_s: float = 0.0) -> None:
        """Documents of this machine are read where they lie."""
        del mb_per_s
        for file in files:
            progressed(file.size_bytes)

    async def resume(self) -> None:
        return None

    async def close(self) -> None:
        return None


def run_news(answer: dict[str, Any]) -> RunNews:
    """What `poll_runs` said of one run."""
    return RunNews(
        token=answer["token"],
        exists=answer["exists"],
        exit=answer["exit"],
        files=tuple(FileNews(**entry) for entry in answer["files"]),
        problem=answer["problem"],
    )
