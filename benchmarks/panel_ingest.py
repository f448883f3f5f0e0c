"""Ten thousand page events a second into a big catalog's copy, in a thread beside the panel's loop, as its
driver does it; and how long that loop stood still at worst."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
import time
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

from bocr_tui.catalog.database import open_catalog
from bocr_tui.catalog.ingest import Ingest, JournalPiece
from bocr_tui.config.workspace import Workspace
from tests.catalog_builder import JOURNAL, header, ok, started

EVENTS_PER_S = 10_000
PIECE_EVENTS = 1_000
"""What one journal brings at once: many journals of a few events each second add up to the rate."""

TOKEN = "bbenchingest"


def prepare(workspace: Workspace) -> int:
    """Give all living pages to one chain with one job. Returns the job's id."""
    with closing(sqlite3.connect(workspace.catalog_path)) as connection:
        chain = connection.execute("SELECT max(id) + 1 FROM chain").fetchone()[0]
        job = connection.execute("SELECT max(id) + 1 FROM job").fetchone()[0]
        connection.execute(
            "INSERT INTO chain (id, kind, site, state, pipeline, created_at) SELECT ?, kind, site, 'live',"
            ' \'{"languages": ["fr"], "stages": [], "limits": {}}\', created_at FROM chain LIMIT 1',
            (chain,),
        )
        connection.execute(
            "INSERT INTO job (id, chain_id, stage, try_number, engine, site, token, state, reason, pages, ok,"
            " failed, created_at, heartbeat)"
            " VALUES (?, ?, 0, 1, 'chandra', 'cluster', ?, 'running', '', 0, 0, 0, 0, '{}')",
            (job, chain, TOKEN),
        )
        connection.execute("UPDATE reservation SET chain_id = ? WHERE released_at IS NULL", (chain,))
        connection.commit()
    return int(job)


class Feeding:
    """Feeds a job's journal at the rate, as far as there are queued pages."""

    def __init__(self, workspace: Workspace, job_id: int, seconds: float) -> None:
        self._workspace = workspace
        self._job_id = job_id
        self._seconds = seconds
        self.taken = 0
        self.took_s = 0.0

    def run(self) -> None:
        catalog = open_catalog(self._workspace.catalog_path)
        lines = self._lines()
        head, data, offset = zlib.crc32(lines[0]), b"".join(lines), 0
        ingest, began = Ingest(catalog), time.monotonic()
        for start in range(0, len(lines), PIECE_EVENTS):
            time.sleep(max(0.0, began + start / EVENTS_PER_S - time.monotonic()))
            length = sum(map(len, lines[start : start + PIECE_EVENTS]))
            part = data[offset : offset + length]
            step = ingest.take(JournalPiece(self._job_id, TOKEN, JOURNAL, offset, len(data), head, part))
            assert not step.problem, step.problem
            offset, self.taken = step.offset, start + PIECE_EVENTS
        self.took_s = time.monotonic() - began
        catalog.close()

    def _lines(self) -> list[bytes]:
        with closing(sqlite3.connect(self._workspace.catalog_path)) as connection:
            pages = connection.execute(
                "SELECT d.sha256, p.number FROM page AS p JOIN document AS d ON d.id = p.document_id "
                "WHERE p.state = 'queued' ORDER BY p.id LIMIT ?",
                (int(self._seconds * EVENTS_PER_S / 2),),
            ).fetchall()
        events = (line for sha, page in pages for line in (started(sha, page), ok(sha, page)))
        return [header(TOKEN), *events]


class StallMeter:
    """The longest that one handle of a loop took since `forget`, without the time in which the machine ran
    something else instead: the kernel tells how long the thread waited for a core."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._handle: Any = asyncio.Handle
        self._run = self._handle._run
        self._thread = threading.get_ident()
        self._file = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)

    def waited_s(self) -> float:
        """Seconds that this thread was ready and had no core."""
        return int(os.pread(self._file, 100, 0).split()[1]) / 1e9

    def install(self) -> None:
        meter, run = self, self._run

        def timed(handle: asyncio.Handle) -> None:
            if threading.get_ident() != meter._thread:
                run(handle)
                return
            waited, began = meter.waited_s(), time.perf_counter()
            run(handle)
            took = time.perf_counter() - began - (meter.waited_s() - waited)
            meter.worst_s = max(meter.worst_s, took)

        self._handle._run = timed


def feed_beside(workspace: Workspace, job_id: int, seconds: float, report: Path) -> None:
    """Begin feeding in a thread; when it ends, write the rate and the worst stall to `report`."""
    meter = StallMeter()
    meter.install()

    def work() -> None:
        feeding = Feeding(workspace, job_id, seconds)
        time.sleep(3.0)
        meter.worst_s = 0.0
        feeding.run()
        told = {"events_per_s": feeding.taken / feeding.took_s, "worst_s": meter.worst_s}
        report.with_suffix(".part").write_text(json.dumps(told))
        report.with_suffix(".part").rename(report)

    threading.Thread(target=work, daemon=True).start()
