"""A workspace with planned pages, for tests that drive jobs for real on this machine."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert, select

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, now, open_catalog
from bocr_tui.catalog.results import ResultLocator, read_result
from bocr_tui.config.workspace import Workspace, make_workspace
from bocr_tui.control.driver import Driver
from bocr_tui.control.events import ControlEvent

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Campaign:
    workspace: Workspace
    catalog: Catalog

    @property
    def config(self):  # type: ignore[no-untyped-def]
        return self.workspace.config

    def add(self, path: Path, pages: int, *, kind: str = "pdf", language: str | None = None) -> int:
        """A ready document, its pages planned in a batch of their own. Returns the batch's id."""
        data, stat, stamp = path.read_bytes(), path.stat(), now()
        with self.catalog.writing() as connection:
            batch = connection.execute(
                insert(core.batch).values(
                    name=path.stem, state="planned", pages=pages, documents=1, created_at=stamp
                )
            ).inserted_primary_key
            document = connection.execute(
                insert(core.document).values(
                    sha256=hashlib.sha256(data).hexdigest(),
                    kind=kind,
                    extension=path.suffix[1:],
                    name=path.name,
                    size_bytes=len(data),
                    state="ready",
                    reason="",
                    page_count=pages,
                    language=language,
                    language_source="person" if language else None,
                    added_at=stamp,
                )
            ).inserted_primary_key
            assert batch is not None
            assert document is not None
            connection.execute(
                insert(core.source).values(
                    document_id=document[0],
                    path=os.fsencode(path),
                    import_root=os.fsencode(path.parent),
                    name=path.name,
                    size_bytes=len(data),
                    mtime_ns=stat.st_mtime_ns,
                    state="present",
                    seen_at=stamp,
                )
            )
            connection.execute(
                insert(core.page),
                [
                    {
                        "document_id": document[0],
                        "number": number + 1,
                        "state": "planned",
                        "attempts": 0,
                        "batch_id": batch[0],
                        "changed_at": stamp,
                    }
                    for number in range(pages)
                ],
            )
        return int(batch[0])

    def drive(
        self, timeout_s: float = 60.0, on_event: Callable[[ControlEvent], None] | None = None
    ) -> list[ControlEvent]:
        """Until nothing is left to do; returns what was told, unless somebody else listens."""
        told: list[ControlEvent] = []

        async def run() -> None:
            driver = Driver(self.workspace, self.catalog, on_event=on_event or told.append)
            await asyncio.wait_for(driver.run(until_idle=True, stop=asyncio.Event()), timeout_s)

        asyncio.run(run())
        return told

    def states(self) -> dict[str, int]:
        with self.catalog.reading() as connection:
            rows = connection.exec_driver_sql("SELECT state, count(*) FROM page GROUP BY state").all()
            return {str(row[0]): int(row[1]) for row in rows}

    def scalar(self, statement: str) -> int:
        with self.catalog.reading() as connection:
            return int(connection.exec_driver_sql(statement).scalar_one())

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        with self.catalog.reading() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def texts(self) -> dict[int, str]:
        """Every ok page's verified text, by page id."""
        with self.catalog.reading() as connection:
            rows = connection.execute(
                select(core.page.c.id, core.attempt)
                .join(core.attempt, core.attempt.c.id == core.page.c.accepted_attempt_id)
                .where(core.page.c.state == "ok")
            ).all()
        return {
            row[0]: read_result(
                self.workspace.results,
                ResultLocator(row.result_file, row.result_offset, row.result_length, row.result_sha256),
            ).recognition.text
            for row in rows
        }

    def check_books(self) -> None:
        """What must be true at any end, whatever died on the way."""
        assert self.scalar("SELECT count(*) FROM reservation WHERE released_at IS NULL") == 0
        assert self.scalar("SELECT count(*) FROM page WHERE state IN ('queued', 'running')") == 0
        doubled = (
            "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE outcome = 'ok'"
            " GROUP BY page_id, settings_hash HAVING count(*) > 1)"
        )
        assert self.scalar(doubled) == 0, "a page was done twice"
        lost = "SELECT count(*) FROM page WHERE state = 'ok' AND accepted_attempt_id IS NULL"
        assert self.scalar(lost) == 0
        assert self.scalar("SELECT count(*) FROM pragma_foreign_key_check") == 0
        assert self.rows("PRAGMA quick_check") == [("ok",)]


def make_campaign(folder: Path, config: str) -> Campaign:
    workspace = make_workspace(folder / "workspace")
    workspace.config_path.write_text(textwrap.dedent(config))
    fresh = Workspace(workspace.root)
    return Campaign(fresh, open_catalog(fresh.catalog_path))


DRIVE = """
import asyncio, pathlib
from bocr_tui.config.workspace import Workspace
from bocr_tui.catalog.database import open_catalog
from bocr_tui.control.driver import Driver
workspace = Workspace(pathlib.Path({root!r}))
driver = Driver(workspace, open_catalog(workspace.catalog_path))
asyncio.run(driver.run(until_idle=True, stop=asyncio.Event()))
"""


def driver_command(workspace: Workspace) -> tuple[list[str], dict[str, str]]:
    """A driver in a process of its own: argv and environment."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'worker'}"}
    return [sys.executable, "-c", DRIVE.format(root=str(workspace.root))], environment
