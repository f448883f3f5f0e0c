"""`ingest.rate`: a journal's bytes to committed rows, against sqlite3's executemany of the same rows."""

from __future__ import annotations

import sqlite3
import tempfile
import time
import zlib
from pathlib import Path

from benchmarks.result import Result

NAMES = ("ingest.rate",)
DOCUMENTS, PAGES = 200, 100
ROUNDS = 5


def run() -> list[Result]:
    """Rates in events a second, median of the rounds; each round measures both on a fresh catalog."""
    ratios, rates, bares = [], [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            ours, rows = _ingest(Path(folder) / "catalog.db")
            bare = _executemany(Path(folder) / "bare.db", rows)
        rates.append(len(rows) / ours)
        bares.append(len(rows) / bare)
        ratios.append(bare / ours)
    ratios.sort()
    rates.sort()
    bares.sort()
    middle = ROUNDS // 2
    print(f"  ingest {rates[middle]:,.0f} rows/s, bare executemany {bares[middle]:,.0f} rows/s")
    return [Result("ingest.rate", ratios[middle], "ratio", bares[middle], "higher")]


def _ingest(path: Path) -> tuple[float, list[tuple[object, ...]]]:
    from bocr_tui.catalog.database import open_catalog
    from bocr_tui.catalog.ingest import Ingest, JournalPiece
    from tests.catalog_builder import JOURNAL, TOKEN, build, header, ok

    catalog = open_catalog(path)
    held = build(catalog, DOCUMENTS, PAGES)
    lines = [header(), *(ok(sha, page + 1) for sha in held.shas for page in range(PAGES))]
    data, head = b"".join(lines), zlib.crc32(lines[0])
    ingest, offset, piece_bytes = Ingest(catalog), 0, 4 * 1024 * 1024
    begun = time.perf_counter()
    while offset < len(data):
        part = data[offset : offset + piece_bytes]
        offset = ingest.take(JournalPiece(1, TOKEN, JOURNAL, offset, len(data), head, part)).offset
    seconds = time.perf_counter() - begun
    catalog.close()
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT * FROM attempt ORDER BY id").fetchall()
    assert len(rows) == DOCUMENTS * PAGES
    return seconds, rows


def _executemany(path: Path, rows: list[tuple[object, ...]]) -> float:
    """The same attempts into the same table, and the same pages updated, in transactions of the same size
    and the same durability; nothing parsed, nothing checked."""
    from bocr_tui.catalog.database import open_catalog
    from tests.catalog_builder import build

    catalog = open_catalog(path)
    build(catalog, DOCUMENTS, PAGES)
    catalog.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -65536")
    marks = ", ".join("?" * len(rows[0]))
    group = max(1, len(rows) // 3)
    begun = time.perf_counter()
    for start in range(0, len(rows), group):
        part = rows[start : start + group]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO attempt VALUES ({marks})", part)
        connection.executemany(
            "UPDATE page SET state = 'ok', failure = NULL, engine = 'rapidocr', confidence = ?, score = ?,"
            " accepted_attempt_id = ?, attempts = attempts + 1, changed_at = ? WHERE id = ?",
            [(row[13], row[15], row[0], row[16], row[1]) for row in part],
        )
        connection.execute("COMMIT")
    seconds = time.perf_counter() - begun
    connection.close()
    return seconds
