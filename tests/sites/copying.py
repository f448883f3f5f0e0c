"""A site that stands in for a remote one: a folder of this machine to which documents really are copied."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.site import Site, open_site
from bocr_tui.sites.transport.base import Progressed, TransportLost, Upload
from bocr_tui.sites.transport.local import LocalTransport
from tests.control.campaigns import Campaign, make_campaign

FAR = """
    pipeline = ["noop"]
    site = "far"
    [sites.local]
    [sites.far]
    transport = "local"
    root = "far"
"""
"""The catalog's configuration: its local transport becomes one that copies, see `far_site`."""


class CopyTransport(LocalTransport):
    """Keeps the promises of `Transport.upload` by copying. `before` is awaited before each file."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.sent: list[str] = []
        self.calls: list[str] = []
        self.before: Callable[[Upload], object] | None = None

    async def call(self, function: str, *arguments: object, timeout_s: float = 60.0) -> object:
        self.calls.append(function)
        return await super().call(function, *arguments, timeout_s=timeout_s)

    async def upload(self, files: Sequence[Upload], progressed: Progressed, mb_per_s: float = 0.0) -> None:
        for file in files:
            target = self.root / file.name
            if target.exists():
                continue
            if self.before is not None:
                answer = self.before(file)
                if asyncio.iscoroutine(answer):
                    await answer
            try:
                data = file.path.read_bytes()
            except OSError as error:
                raise SiteError(f"{file.path.name} cannot be read: {error.strerror}.") from error
            if hashlib.sha256(data).hexdigest() != file.sha256:
                raise SiteError(f"{file.path.name} is not what it was.")
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_suffix(".part")
            part.write_bytes(data)
            shutil.move(part, target)
            self.sent.append(file.name)
            progressed(len(data))
            await asyncio.sleep(0)


def far_site(campaign: Campaign, **settings: object) -> tuple[Site, CopyTransport]:
    """The site `far` as one that needs uploads."""
    site = open_site(campaign.workspace, "far")
    transport = CopyTransport(campaign.workspace.root / "far")
    config = SiteConfig(transport="ssh", host="far", root="far", **settings)  # type: ignore[arg-type]
    return replace(site, config=config, transport=transport), transport


def far_campaign(folder: object) -> Campaign:
    return make_campaign(folder, FAR)  # type: ignore[arg-type]


async def lost(_: Upload) -> None:
    """The link is cut."""
    raise TransportLost("far did not answer.", "It is asked again.")
