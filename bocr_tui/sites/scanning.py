"""A scan on a site, from here: staged, started, followed, removed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bocr_tui.config.model import Config
from bocr_tui.sites.deploy import prepare
from bocr_tui.sites.drawing_environment import drawing_engine
from bocr_tui.sites.environments import python_command, shell_lines
from bocr_tui.sites.site import Site
from bocr_tui.sites.templates import render_template
from bocr_tui.sites.vendor import Tell
from bocr_worker.protocol.scan import KnownFile, encode_scan

PIECE_BYTES = 2 * 1024 * 1024
"""What is read at once: some thousands of files."""

_PATH_HERE = "__PATH_OF_THE_SCAN__"


@dataclass(frozen=True)
class ScanNews:
    """What a scan said since it was last asked. `exists` False: it was removed, or never staged. `log` is
    the end of what a dead one printed."""

    exists: bool
    alive: bool
    size: int
    data: bytes
    log: str


async def find_path(site: Site, path: bytes) -> bytes:
    """The absolute path on the site of what somebody named. Raises SiteError when nothing is there."""
    answer = await site.transport.call("find_path", path)
    found = answer["path"]
    assert isinstance(found, bytes)
    return found


async def stage_scan(
    site: Site,
    config: Config,
    token: str,
    path: bytes,
    known: Iterable[KnownFile],
    templates: tuple[Path, ...],
    tell: Tell,
) -> None:
    """Put a scan of `path` on the site. Files in `known` are not read again while size and time are the
    same. Raises SiteError, ConfigError."""
    engine = drawing_engine(config, site.config)
    prepared = await prepare(site, engine, tell)
    script = render_template(
        "direct/scan.sh.j2",
        templates,
        token=token,
        lines=shell_lines(site.config, engine),
        python=shlex.quote(python_command(site.config, engine)),
        worker=shlex.quote(f"../../{prepared.worker}"),
        vendor=shlex.quote(f"../../{prepared.vendor}") if prepared.vendor else "",
        path=_PATH_HERE,
    )
    order = {"token": token, "path": path.decode("utf-8", "backslashreplace")}
    files = {
        "scan.sh": script.replace(_PATH_HERE.encode(), _quoted(path)),
        "known.jsonl": b"".join(map(encode_scan, known)),
        "order.json": json.dumps(order).encode(),
    }
    await site.transport.stage({f"scans/{token}": files})


async def start_scan(site: Site, config: Config, token: str) -> bool:
    """Start it unless it runs; it goes on by itself whatever becomes of us, and where an earlier start was
    ended. Returns whether it was started now."""
    login = bool(shell_lines(site.config, drawing_engine(config, site.config)))
    return bool(await site.transport.call("start_scan", token, login))


async def follow_scan(site: Site, token: str, offset: int, max_bytes: int = PIECE_BYTES) -> ScanNews:
    """What it has said from `offset` on. One round trip."""
    answer = await site.transport.call("follow_scan", token, offset, max_bytes)
    log = answer["log"].decode("utf-8", "replace")
    return ScanNews(answer["exists"], answer["alive"], answer["size"], answer["data"], log)


async def gone_files(site: Site, paths: list[bytes]) -> set[bytes]:
    """Which of these paths lead to nothing on the site any more."""
    return set(await site.transport.call("gone_files", paths)) & set(paths)


async def remove_scan(site: Site, token: str) -> None:
    """Delete its folder. Raises SiteError while it runs."""
    await site.transport.call("remove_scan", token)


def _quoted(path: bytes) -> bytes:
    """For sh: any bytes but NUL, which no path holds."""
    return b"'" + path.replace(b"'", b"'\\''") + b"'"
