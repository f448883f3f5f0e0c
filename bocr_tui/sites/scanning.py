"""A scan on a site, from here: staged, started, followed, removed."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bocr_tui.config.model import Config
from bocr_tui.sites.deploy import prepare
from bocr_tui.sites.drawing_environment import drawing_engine
from bocr_tui.sites.environments import python_command, shell_lines
from bocr_tui.sites.scheduler.base import ScriptOrder
from bocr_tui.sites.site import Site
from bocr_tui.sites.templates import render_template
from bocr_tui.sites.vendor import Tell
from bocr_worker.protocol.scan import KnownFile, encode_scan

PIECE_BYTES = 2 * 1024 * 1024
"""What is read at once: some thousands of files."""

_PATH_HERE = "__PATH_OF_THE_SCAN__"

_JOB_WORKER = "job"
_JOB_MAIN = '''\
"""Called by a job's script in the place of the worker: goes on with the scan in the folder above."""

import base64
import os
import sys

scan = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(scan, "..", "..", "{worker}"))
path = os.fsdecode(base64.b64decode("{path}"))
given = sys.argv[1:]
kept = [word for at, word in enumerate(given) if "--vendor" in (word, given[at - 1] if at else "")]
os.chdir(scan)

from bocr_worker.__main__ import main

raise SystemExit(main(["--scan", path, "scan.jsonl", "--known", "known.jsonl", *kept]))
'''


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
    encoded = base64.b64encode(path).decode("ascii")
    files = {
        "scan.sh": script.replace(_PATH_HERE.encode(), _quoted(path)),
        f"{_JOB_WORKER}/__main__.py": _JOB_MAIN.format(worker=prepared.worker, path=encoded).encode(),
        "known.jsonl": b"".join(map(encode_scan, known)),
        "order.json": json.dumps(order).encode(),
    }
    await site.transport.stage({f"scans/{token}": files})


async def stage_scan_job(site: Site, config: Config, token: str, run: str, tell: Tell) -> None:
    """Put a run folder on the site whose job goes on with the scan `token`. Raises SiteError, ConfigError."""
    engine = drawing_engine(config, site.config)
    prepared = await prepare(site, engine, tell)
    order = ScriptOrder(run, engine, f"scans/{token}/{_JOB_WORKER}", site.config, prepared.vendor)
    files = {"manifest.json": json.dumps({"token": run}).encode(), "job.sh": site.scheduler.script(order)}
    await site.transport.stage({f"runs/{run}": files})


async def remove_scan_job(site: Site, run: str) -> None:
    """Delete its run folder. Raises SiteError."""
    await site.transport.call("remove_run", run)


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
