"""A catalog as an archive's would be: a million pages, 50,000 documents, 10,000 batches, made in a minute.

Made once for each size and kept in the system's temporary folder; benchmarks that write take a copy.
`python -m benchmarks.big_catalog FOLDER [PAGES]` makes one to look at.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sqlite3
import sys
import tempfile
from bisect import bisect
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from benchmarks.big_catalog_shapes import (
    ARCHIVE_BEGAN,
    ENGINES,
    FAILURES,
    JobShape,
    Progress,
    confidence_of,
    document_name,
    document_pages,
    jobs_of,
    progress_of,
)
from bocr_tui.catalog.database import HEAD, open_catalog
from bocr_tui.config.workspace import Workspace, make_workspace

PAGES = 1_000_000
PAGES_PER_DOCUMENT = 20
PAGES_PER_BATCH = 95
BATCHES_PER_PAGE = 0.01
"""So that the last twentieth of the pages is still without a batch."""

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Document:
    """`pages` 0: one that cannot be read."""

    id: int
    name: str
    pages: int
    language: str


def big_workspace(pages: int = PAGES) -> Workspace:
    """A workspace over a catalog of this size; made when there is none yet. Only to be read."""
    sources = b"".join(
        (Path(__file__).parent / name).read_bytes() for name in ("big_catalog.py", "big_catalog_shapes.py")
    )
    mark = hashlib.sha256(sources + HEAD.encode()).hexdigest()[:12]
    root = Path(tempfile.gettempdir()) / f"bocr-bench-{os.getuid()}-{pages}-{mark}"
    if not (root / "whole").exists():
        shutil.rmtree(root, ignore_errors=True)
        make(root, pages)
        (root / "whole").touch()
    return Workspace(root.resolve())


def copied(workspace: Workspace, root: Path) -> Workspace:
    """The same catalog to write into."""
    copy = make_workspace(root)
    shutil.copyfile(workspace.catalog_path, copy.catalog_path)
    return copy


def make(root: Path, pages: int) -> None:
    """Fill a new workspace at `root`."""
    workspace = make_workspace(root)
    open_catalog(workspace.catalog_path).close()
    chance = random.Random(20)
    documents = list(_documents(chance, pages))
    batches = max(1, int(pages * BATCHES_PER_PAGE))
    with closing(sqlite3.connect(workspace.catalog_path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        connection.execute("BEGIN")
        indexes = _without_indexes(connection)
        _insert(
            connection,
            "document",
            "id sha256 kind extension name size_bytes state reason page_count"
            " language language_source added_at",
            map(_document_row, documents),
        )
        _insert(
            connection,
            "source",
            "id document_id path import_root name size_bytes mtime_ns state seen_at",
            map(_source_row, documents),
        )
        progress = [progress_of(number, batches, chance) for number in range(batches)]
        _insert(
            connection,
            "page",
            "id document_id number width_pt height_pt state failure engine confidence"
            " score attempts batch_id accepted_attempt_id changed_at",
            _pages(documents, progress, chance),
        )
        _batches(connection)
        _jobs(connection, progress, chance)
        _work(connection)
        for sql in indexes:
            connection.execute(sql)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _without_indexes(connection: sqlite3.Connection) -> list[str]:
    """Drop what only slows the filling down; returns what makes it again."""
    found = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in found:
        connection.execute(f'DROP INDEX "{name}"')
    return [sql for _, sql in found]


def _insert(connection: sqlite3.Connection, table: str, columns: str, rows: Iterable[Row]) -> None:
    names = columns.split()
    marks = ", ".join("?" * len(names))
    connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)


def _documents(chance: random.Random, pages: int) -> Iterator[Document]:
    """As many pages as asked for, in as many documents as belong to them; 1% beside them cannot be read."""
    count = max(1, pages // PAGES_PER_DOCUMENT)
    readable = count - count // 100
    sizes = [document_pages(chance) for _ in range(readable)]
    scale = pages / sum(sizes)
    ends = [0, *(round(end * scale) for end in accumulate(sizes))]
    held = [max(0, after - before) for before, after in pairwise(ends)]
    for number in range(count):
        language = "ar" if chance.random() < 0.3 else "fr"
        size = held[number] if number < readable else 0
        yield Document(number + 1, document_name(number, language, chance), size, language)


def _document_row(document: Document) -> Row:
    sha = hashlib.sha256(str(document.id).encode()).hexdigest()
    state, reason = ("ready", "") if document.pages else ("damaged", "The file ends in the middle.")
    return (document.id, sha, "pdf", "pdf", document.name, 90_000 * max(1, document.pages), state, reason,
            document.pages, document.language, "detected", ARCHIVE_BEGAN + document.id)  # fmt: skip


def _source_row(document: Document) -> Row:
    path = f"/archive/{document.id // 500:03}/{document.id}-{document.name}".encode()
    return (document.id, document.id, path, b"/archive", document.name, 90_000, 1, "present", ARCHIVE_BEGAN)


def _pages(documents: list[Document], progress: list[Progress], chance: random.Random) -> Iterator[Row]:
    """Batches are runs of pages in the order of import; how far a batch is decides how its pages stand."""
    states = [(list(accumulate(each.shares.values())), list(each.shares)) for each in progress]
    new = ([1.0], ["new"])
    classes, class_names = list(accumulate(FAILURES.values())), list(FAILURES)
    engines, engine_names = list(accumulate(ENGINES.values())), list(ENGINES)
    draw = chance.random
    page = 0
    for document in documents:
        for number in range(1, document.pages + 1):
            batch = page // PAGES_PER_BATCH
            page += 1
            edges, names = states[batch] if batch < len(states) else new
            state = names[bisect(edges, draw() * edges[-1])]
            read = state in ("ok", "failed", "gave_up")
            bad = read and state != "ok"
            failure = class_names[bisect(classes, draw() * classes[-1])] if bad else None
            engine = engine_names[bisect(engines, draw() * engines[-1])] if read else None
            confidence = confidence_of(state, draw()) if read else None
            tries = 0 if not read else 1 if state == "ok" and draw() < 0.9 else 3 if state == "gave_up" else 2
            at = ARCHIVE_BEGAN + batch * 60.0 + page % 60
            yield (page, document.id, number, 595.0, 842.0, state, failure, engine, confidence, confidence,
                   tries, batch + 1 if batch < len(states) else None, None, at)  # fmt: skip


def _batches(connection: sqlite3.Connection) -> None:
    """From the pages, so that their numbers agree."""
    connection.execute(
        "INSERT INTO batch (id, name, state, pages, documents, estimated_s, created_at) "
        "SELECT batch_id, printf('b%05d', batch_id), CASE "
        " WHEN sum(state IN ('queued', 'running')) > 0 THEN 'submitted'"
        " WHEN sum(state = 'failed') > 0 THEN 'attention'"
        " WHEN sum(state IN ('ok', 'gave_up', 'ignored')) > 0 THEN 'done' ELSE 'planned' END,"
        f" count(*), count(DISTINCT document_id), count(*) * 2.4, {ARCHIVE_BEGAN} + batch_id"
        " FROM page WHERE batch_id IS NOT NULL GROUP BY batch_id"
    )


def _jobs(connection: sqlite3.Connection, progress: list[Progress], chance: random.Random) -> None:
    """A chain a batch that was submitted, with its jobs."""
    shapes: list[JobShape] = []
    for number, each in enumerate(progress, 1):
        shapes += jobs_of(number, each, len(shapes), chance)
    begun = sorted({shape.batch: shape.chain_state for shape in shapes}.items())
    _insert(
        connection,
        "chain",
        "id kind site state pipeline created_at",
        ((batch, "batch", "cluster", state, "{}", ARCHIVE_BEGAN) for batch, state in begun),
    )
    _insert(connection, "job", " ".join(JobShape.COLUMNS), (shape.row() for shape in shapes))
    _insert(connection, "job_batch", "job_id batch_id", ((shape.id, shape.batch) for shape in shapes))
    _insert(connection, "event", "at kind text job_id",
            ((ARCHIVE_BEGAN + shape.id, "job", f"Job {shape.token} began on cluster.", shape.id)
             for shape in shapes[-20_000:]))  # fmt: skip


def _work(connection: sqlite3.Connection) -> None:
    """What holds the living pages, and what happened to the failed ones; attempts of pages that went well
    would only be weight: no list reads them."""
    connection.execute(
        "INSERT INTO reservation (page_id, chain_id, created_at) "
        f"SELECT id, batch_id, {ARCHIVE_BEGAN} FROM page WHERE state IN ('queued', 'running')"
    )
    connection.execute(
        "INSERT INTO attempt (page_id, job_id, number, outcome, failure, evidence, last, variation, at,"
        ' journal, generation, "offset", engine, engine_version, weights, prompt_hash, settings_hash,'
        " render_hash) SELECT p.id, min(j.id), 1, 'failed', p.failure, '{\"covered\": 0.41}', 1, 'plain',"
        " p.changed_at, 'journal-' || p.batch_id, 'g', p.id * 500, p.engine, '1', '', '', '', ''"
        " FROM page AS p JOIN job AS j ON j.chain_id = p.batch_id WHERE p.failure IS NOT NULL GROUP BY p.id"
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else PAGES)
