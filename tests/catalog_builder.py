"""A catalog with documents, pages, and a chain that holds them: what ingest and control tests start from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import insert

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, now
from bocr_worker.protocol.events import FAILED, OK, STARTED, Header, PageEvent, Provenance, ResultPlace
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.lines import encode_line

GENERATION = "0123456789abcdef"
JOURNAL = f"journal-{GENERATION}.jsonl"
TOKEN = "btesttoken1234"


@dataclass(frozen=True)
class Held:
    """Ids of what was built."""

    chain_id: int
    job_id: int
    page_ids: tuple[int, ...]
    shas: tuple[str, ...]


def sha_of(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def build(catalog: Catalog, documents: int = 2, pages: int = 5, engine: str = "rapidocr") -> Held:
    """`documents` documents of `pages` pages each, all queued and held by one chain with one running job."""
    stamp = now()
    with catalog.writing() as connection:
        for number in range(documents):
            connection.execute(
                insert(core.document).values(
                    sha256=sha_of(number),
                    kind="pdf",
                    extension="pdf",
                    name=f"document {number}.pdf",
                    size_bytes=1,
                    state="ready",
                    reason="",
                    page_count=pages,
                    added_at=stamp,
                )
            )
        connection.execute(
            insert(core.page),
            [
                {"document_id": d + 1, "number": n + 1, "state": "queued", "attempts": 0, "changed_at": stamp}
                for d in range(documents)
                for n in range(pages)
            ],
        )
        connection.execute(
            insert(core.chain).values(
                kind="batch",
                site="local",
                state="live",
                pipeline={"languages": ["fr", "ar"], "stages": [], "limits": {}},
                created_at=stamp,
            )
        )
        ids = [
            page_id for (page_id,) in connection.execute(core.page.select().with_only_columns(core.page.c.id))
        ]
        connection.execute(
            insert(core.reservation),
            [{"page_id": page_id, "chain_id": 1, "created_at": stamp} for page_id in ids],
        )
        connection.execute(
            insert(core.job).values(
                chain_id=1,
                stage=0,
                try_number=1,
                engine=engine,
                site="local",
                token=TOKEN,
                state="running",
                reason="",
                pages=len(ids),
                ok=0,
                failed=0,
                created_at=stamp,
                heartbeat={},
            )
        )
    return Held(1, 1, tuple(ids), tuple(sha_of(number) for number in range(documents)))


def header(token: str = TOKEN, generation: str = GENERATION) -> bytes:
    return encode_line(Header(token, generation, "0.1.0", "host", 1, 1.0).record())


def started(sha: str, page: int) -> bytes:
    return encode_line(PageEvent(sha, page, STARTED, 1, 1.0).record())


def ok(sha: str, page: int, *, score: float = 0.9, attempt: int = 1) -> bytes:
    event = PageEvent(
        document=sha,
        page=page,
        status=OK,
        attempt=attempt,
        at=2.0,
        seconds=1.5,
        score=score,
        scripts={"latin": 1.0},
        provenance=Provenance("rapidocr", "3.10"),
        result=ResultPlace(f"results-{GENERATION}.jsonl", 0, 10, "0" * 64),
    )
    return encode_line(event.record())


def failed(sha: str, page: int, failure: FailureClass = FailureClass.EMPTY, *, last: bool = True) -> bytes:
    event = PageEvent(
        document=sha,
        page=page,
        status=FAILED,
        attempt=1,
        at=2.0,
        failure=failure,
        evidence={"ink": 0.2},
        seconds=1.0,
        provenance=Provenance("rapidocr", "3.10"),
        last=last,
    )
    return encode_line(event.record())
