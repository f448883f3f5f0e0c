"""The transport to this machine: the site's folder is a folder here."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bocr_tui.config.errors import SiteError
from bocr_tui.sites.helper import site_helper
from bocr_tui.sites.transport.base import FileNews, RunAsk, RunNews, TransportLost


class LocalTransport:
    """Calls the site helper in a thread of this process."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def stage(self, folder: str, files: Mapping[str, bytes]) -> None:
        try:
            await asyncio.to_thread(site_helper.stage_folder, str(self.root), folder, dict(files))
        except OSError as error:
            raise SiteError(
                f"{self.root / folder} cannot be written: {error.strerror or error}.",
                "Free space or mend the permissions; the driver goes on by itself.",
            ) from error

    async def poll(self, asks: Sequence[RunAsk]) -> list[RunNews]:
        plain = [{"token": a.token, "offsets": dict(a.offsets), "max_bytes": a.max_bytes} for a in asks]
        answers: list[dict[str, Any]] = await asyncio.to_thread(site_helper.poll_runs, str(self.root), plain)
        return [
            RunNews(
                token=answer["token"],
                exists=answer["exists"],
                exit=answer["exit"],
                files=tuple(FileNews(**entry) for entry in answer["files"]),
            )
            for answer in answers
        ]

    async def call(self, function: str, *arguments: object) -> object:
        handler = getattr(site_helper, function)
        try:
            return await asyncio.to_thread(handler, str(self.root), *arguments)
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            raise TransportLost(f"{function} on {self.root} took too long.", "It is asked again.") from error
        except (OSError, subprocess.SubprocessError) as error:
            raise SiteError(f"{function} on {self.root} failed: {error}.", "See the job's log.") from error

    async def close(self) -> None:
        return None
