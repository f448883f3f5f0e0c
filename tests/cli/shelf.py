"""A workspace with documents whose pages are in any state, and results on disk that verify."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert, update

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, now, open_catalog
from bocr_tui.config.workspace import Workspace, make_workspace
from bocr_worker.protocol.recognition import Block, Confidence, Recognition, Word
from bocr_worker.protocol.results import PageResult, encode_result

ENGINE = "rapidocr"


def _insert(connection: Connection, table: Table, **values: Any) -> int:
    """The new row's id."""
    return connection.execute(insert(table).values(**values)).lastrowid


@dataclass(frozen=True)
class Leaf:
    """One page to be made. `text` None: nothing was read; `tries` failed attempts came before."""

    state: str = "ok"
    text: str | None = "Au nom de la loi."
    failure: str | None = None
    markdown: str | None = None
    tries: int = 0
    stage: int = 0


FAILED = Leaf("failed", None, "coverage", tries=1)
GAVE_UP = Leaf("gave_up", None, "low_confidence", tries=2)
NEW = Leaf("new", None)
IGNORED = Leaf("ignored", None)
RECOVERED = Leaf("ok", "Lu par la deuxième étape.", tries=1, stage=1)


class Shelf:
    """Makes documents one by one; every page of them was tried by the job of its stage."""

    def __init__(self, root: Path) -> None:
        self.workspace: Workspace = make_workspace(root)
        self.catalog: Catalog = open_catalog(self.workspace.catalog_path)
        self.jobs: dict[int, int] = {}
        self.tokens: dict[int, str] = {}
        self._offset = 0
        self._number = 0
        self._chain()

    def _chain(self) -> None:
        with self.catalog.writing() as connection:
            chain = _insert(
                connection,
                core.chain,
                kind="batch",
                site="local",
                state="done",
                pipeline={},
                created_at=now(),
                ended_at=now(),
            )
            for stage in (0, 1):
                self.tokens[stage] = f"bshelf{chain}stage{stage}"
                self.jobs[stage] = _insert(
                    connection,
                    core.job,
                    chain_id=chain,
                    stage=stage,
                    try_number=1,
                    engine=ENGINE if stage == 0 else "tesseract",
                    site="local",
                    token=self.tokens[stage],
                    state="finished",
                    cause="ok",
                    reason="",
                    pages=0,
                    ok=0,
                    failed=0,
                    created_at=now(),
                    heartbeat={},
                )

    def document(
        self,
        name: str,
        leaves: Sequence[Leaf] = (),
        *,
        state: str = "ready",
        reason: str = "",
        sha256: str | None = None,
    ) -> int:
        """The id of a new document with these pages."""
        self._number += 1
        sha256 = (
            sha256 or hashlib.sha256(f"{name} {self._number}".encode("utf-8", "backslashreplace")).hexdigest()
        )
        with self.catalog.writing() as connection:
            document_id = _insert(
                connection,
                core.document,
                sha256=sha256,
                kind="pdf",
                extension="pdf",
                name=name,
                size_bytes=1,
                state=state,
                reason=reason,
                page_count=len(leaves),
                language="fr",
                added_at=now(),
            )
            for number, leaf in enumerate(leaves, 1):
                self._page(connection, document_id, sha256, number, leaf)
        return int(document_id)

    def _page(self, connection: Connection, document_id: int, sha256: str, number: int, leaf: Leaf) -> None:
        read = leaf.text is not None
        page_id = _insert(
            connection,
            core.page,
            document_id=document_id,
            number=number,
            state=leaf.state,
            failure=leaf.failure,
            engine=ENGINE if read else None,
            confidence=0.9375 if read else None,
            attempts=leaf.tries + read,
            changed_at=now(),
        )
        for _ in range(leaf.tries):
            failure = leaf.failure or "coverage"
            self._attempt(connection, page_id, 0, "failed", failure=failure, evidence={"share": 0.31})
        if not read:
            return
        place = self._write(sha256, number, leaf)
        attempt_id = self._attempt(connection, page_id, leaf.stage, "ok", **place)
        connection.execute(
            update(core.page).where(core.page.c.id == page_id).values(accepted_attempt_id=attempt_id)
        )

    def _attempt(self, connection: Connection, page_id: int, stage: int, outcome: str, **columns: Any) -> int:
        self._offset += 100
        values = {
            "page_id": page_id,
            "job_id": self.jobs[stage],
            "number": 1,
            "outcome": outcome,
            "evidence": {},
            "last": True,
            "variation": "plain",
            "language": "fr",
            "at": now(),
            "journal": f"{self.tokens[stage]}/journal-0.jsonl",
            "generation": "0",
            "offset": self._offset,
            "engine": ENGINE,
            "engine_version": "3.10",
            "confidence_mean": 0.9375,
            "seconds": 1.25,
            **columns,
        }
        return int(_insert(connection, core.attempt, **values))

    def _write(self, sha256: str, number: int, leaf: Leaf) -> dict[str, Any]:
        text = leaf.text or ""
        word = Word(text[:4], (0.1, 0.1, 0.2, 0.12), 0.9)
        seen = Recognition(
            text=text,
            markdown=text if leaf.markdown is None else leaf.markdown,
            blocks=(Block(text, (0.1, 0.1, 0.9, 0.2), confidence=0.9375, words=(word,)),) if text else (),
            confidence=Confidence(0.9375, 0.8),
            language="fr",
        )
        line = encode_result(PageResult(sha256, number, 1, True, seen))
        path = self.result_path(leaf.stage)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            offset = stream.tell()
            stream.write(line)
        return {
            "result_file": f"{self.tokens[leaf.stage]}/{path.name}",
            "result_offset": offset,
            "result_length": len(line),
            "result_sha256": hashlib.sha256(line).hexdigest(),
        }

    def result_path(self, stage: int = 0) -> Path:
        return self.workspace.results / self.tokens[stage] / "results-0.jsonl"
