"""A campaign in a catalog: documents, pages in every state, batches, jobs, attempts, results that verify."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, open_catalog
from bocr_tui.config.workspace import Workspace, make_workspace
from bocr_worker.protocol.recognition import Block, Confidence, Recognition
from bocr_worker.protocol.results import PageResult, encode_result

START = 1_750_000_000.0

STATES = (*["ok"] * 13, "failed", "failed", "gave_up", "running", "queued", "planned", "ignored")
"""The states of each twenty pages, in order."""

CLASSES = ("coverage", "low_confidence", "repetition")

NAMES = (
    "BO_2418-bis_1959-03-05.pdf",
    "procédure pénale.pdf",
    "نظام-الإحصاء-لعام-1447هـ_م29.pdf",
    "JO-7750-du-25-juillet-2024.pdf",
    "decret-84-787-du-29-juin-1984-portant-organisation.pdf",
    "قرار اعتماد القواعد المنظمة.pdf",
    "官報 第123号.pdf",
)

FRENCH = (
    "ROYAUME DU MAROC",
    "BULLETIN OFFICIEL",
    "Dahir n° 1-58-261 du 1er chaabane 1378 (10 février 1959)",
    "formant Code de procédure pénale.",
    "LOUANGE A DIEU SEUL !",
    "Que l'on sache par les présentes, puisse Dieu en élever",
    "et en fortifier la teneur !",
    "Que Notre Majesté Chérifienne",
    "A DÉCIDÉ CE QUI SUIT :",
    "Article premier. Toute infraction donne ouverture à une action publique",
    "et peut donner ouverture à une action civile.",
)
ARABIC = (
    "المملكة العربية السعودية",
    "نظام الإحصاء لعام 1447هـ",
    "المادة الأولى: يقصد بالألفاظ والعبارات الآتية",
    "أينما وردت في هذا النظام المعاني المبينة أمام كل منها",
)


@dataclass
class Campaign:
    """What was built, and the catalog to change it with."""

    workspace: Workspace
    catalog: Catalog
    pages: list[dict[str, Any]] = field(default_factory=list)

    def ids(self, *states: str) -> list[int]:
        return [page["id"] for page in self.pages if page["state"] in states]


def build(
    root: Path,
    *,
    documents: int = 7,
    pages_each: int = 20,
    names: Sequence[str] = NAMES,
    states: Sequence[str] = STATES,
    batch_pages: int = 40,
    attempts: bool = True,
    file: Path | None = None,
    kind: str = "pdf",
) -> Campaign:
    """Fill a new workspace at `root`. `file` is every document's source."""
    workspace = make_workspace(root)
    catalog = open_catalog(workspace.catalog_path)
    campaign = Campaign(workspace, catalog)
    campaign.pages = list(_pages(documents, pages_each, states, batch_pages))
    with catalog.writing() as connection:
        connection.execute(insert(core.document), list(_documents(documents, pages_each, names, kind)))
        connection.execute(insert(core.source), list(_sources(documents, names, file)))
        batches = -(-len(campaign.pages) // batch_pages)
        if batches:
            connection.execute(insert(core.batch), list(_batches(batches, batch_pages)))
        for chunk in _chunks(campaign.pages):
            connection.execute(insert(core.page), list(chunk))
        if attempts:
            _work(connection, campaign, batches)
        connection.execute(
            insert(core.event),
            [
                {
                    "at": START + 40,
                    "kind": "job",
                    "text": "Job b1 began on local.",
                    "batch_id": 1 if batches else None,
                }
            ],
        )
    return campaign


WAITING = ("loi de finances 1961.pdf", "قرار وزاري رقم 12.pdf", "arrêté viziriel.pdf")


def add_waiting(campaign: Campaign, pages_each: int = 20) -> None:
    """Documents whose pages are new; those of the last one wait in a batch."""
    there = len(NAMES)
    every = there + len(WAITING)
    batch = -(-len(campaign.pages) // 40) + 1
    documents = list(_documents(every, pages_each, NAMES + WAITING, "pdf"))[there:]
    pages = [page for page in _pages(every, pages_each, ("new",), 40) if page["document_id"] > there]
    for page in pages:
        last = page["document_id"] == every
        page.update(state="planned" if last else "new", batch_id=batch if last else None)
    planned = {"id": batch, "name": f"b{batch:05d}", "state": "planned", "pages": pages_each}
    with campaign.catalog.writing() as connection:
        connection.execute(insert(core.document), documents)
        connection.execute(
            insert(core.batch), [{**planned, "documents": 1, "estimated_s": 80.0, "created_at": START + 20}]
        )
        connection.execute(insert(core.page), pages)


def build_many(root: Path, *, documents: int, pages_each: int) -> Workspace:
    """Very many pages, made by SQLite itself: every seventh failed, the others ok."""
    campaign = build(root, documents=documents, pages_each=0, attempts=False)
    with campaign.catalog.writing() as connection:
        connection.exec_driver_sql(
            """
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
            INSERT INTO page
              (id, document_id, number, state, failure, engine, confidence, attempts, changed_at)
            SELECT i + 1, i / ? + 1, i % ? + 1, iif(i % 7, 'ok', 'failed'), iif(i % 7, NULL, 'coverage'),
                   'rapidocr', (i % 97) / 97.0, 1, 0
            FROM n
            """,
            (documents * pages_each, pages_each, pages_each),
        )
    campaign.catalog.close()
    return campaign.workspace


def _chunks(rows: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(rows), 5000):
        yield rows[start : start + 5000]


def _sha(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _documents(count: int, pages: int, names: Sequence[str], kind: str) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        name = names[(number - 1) % len(names)]
        yield {
            "id": number,
            "sha256": _sha(number),
            "kind": kind,
            "extension": "pdf" if kind == "pdf" else "png",
            "name": name,
            "size_bytes": 120_000 * number,
            "state": "ready",
            "reason": "",
            "page_count": pages,
            "language": "ar" if any("\u0600" <= c <= "\u06ff" for c in name) else "fr",
            "language_source": "detected",
            "added_at": START + number,
        }


def _sources(count: int, names: Sequence[str], file: Path | None) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        name = names[(number - 1) % len(names)]
        path = str(file).encode() if file and number == 1 else f"/archive/{number}/{name}".encode()
        yield {
            "document_id": number,
            "path": path,
            "import_root": b"/archive",
            "name": name,
            "size_bytes": 1,
            "mtime_ns": 1,
            "state": "present",
            "seen_at": START,
        }


def _batches(count: int, pages: int) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        yield {
            "id": number,
            "name": f"b{number:05d}",
            "state": "submitted" if number % 3 else "attention",
            "pages": pages,
            "documents": 2,
            "estimated_s": 95.0 * number,
            "created_at": START + 20,
        }


def _pages(documents: int, each: int, states: Sequence[str], batch_pages: int) -> Iterator[dict[str, Any]]:
    for index in range(documents * each):
        state = states[index % len(states)]
        bad = state in ("failed", "gave_up")
        read = state == "ok"
        yield {
            "id": index + 1,
            "document_id": index // each + 1,
            "number": index % each + 1,
            "width_pt": 595.0,
            "height_pt": 842.0,
            "state": state,
            "failure": CLASSES[index % len(CLASSES)] if bad else None,
            "engine": ("rapidocr" if index % 3 else "tesseract") if read or bad else None,
            "confidence": round(0.6 + (index * 37 % 40) / 100, 2) if read else (0.31 if bad else None),
            "score": 0.9 if read else None,
            "attempts": 2 if bad else (1 if read else 0),
            "batch_id": index // batch_pages + 1,
            "accepted_attempt_id": None,
            "changed_at": START + 60 + index,
        }


def _work(connection: Any, campaign: Campaign, batches: int) -> None:
    """A chain and two jobs a batch, an attempt a page that was read, a result an attempt."""
    for batch in range(1, batches + 1):
        _chain(connection, campaign, batch)
    writers: dict[str, Any] = {}
    rows = [
        _attempt(campaign, page, number, writers)
        for page in campaign.pages
        for number in range(1, page["attempts"] + 1)
    ]
    for stream in writers.values():
        stream.close()
    if rows:
        connection.execute(insert(core.attempt), rows)


def _chain(connection: Any, campaign: Campaign, batch: int) -> None:
    """The last batch's chain lives and holds its pages; the others are done."""
    live = batch == int(campaign.pages[-1]["batch_id"])
    chain = {"id": batch, "kind": "batch", "site": "local", "pipeline": {}, "created_at": START}
    connection.execute(insert(core.chain), [{**chain, "state": "live" if live else "done"}])
    jobs = [_job(batch, 1, "rapidocr", "running" if live else "finished")]
    jobs.append(_job(batch, 2, "tesseract", "planned" if live else "finished"))
    connection.execute(insert(core.job), jobs)
    connection.execute(insert(core.job_batch), [{"job_id": job["id"], "batch_id": batch} for job in jobs])
    held = [page["id"] for page in campaign.pages if page["batch_id"] == batch]
    released = None if live else START + 200
    rows = [
        {"page_id": page, "chain_id": batch, "created_at": START, "released_at": released} for page in held
    ]
    connection.execute(insert(core.reservation), rows)


def _job(batch: int, stage: int, engine: str, state: str) -> dict[str, Any]:
    begun, ended = state in ("running", "finished"), state == "finished"
    return {
        "id": batch * 2 - 2 + stage,
        "chain_id": batch,
        "stage": stage - 1,
        "engine": engine,
        "site": "local",
        "token": f"b{batch:04d}s{stage}",
        "scheduler_id": str(4000 + batch * 2 + stage) if begun else None,
        "state": state,
        "cause": "ok" if ended else None,
        "reason": "",
        "pages": 40 if stage == 1 else 10,
        "ok": 30 if stage == 1 and begun else 4 * ended,
        "failed": 10 if stage == 1 and begun else 6 * ended,
        "created_at": START,
        "submitted_at": START + 30 if begun else None,
        "started_at": START + 40 if begun else None,
        "ended_at": START + 200 if ended else None,
        "heartbeat_at": START + 190 if begun else None,
        "heartbeat": {"pages_per_s": 1.4},
    }


def recognition(page: dict[str, Any]) -> Recognition:
    """Lines of a gazette in boxes, Arabic ones set from the right."""
    arabic = page["document_id"] % 7 in (3, 6)
    lines = ARABIC * 3 if arabic else FRENCH * 2
    blocks = []
    for number, text in enumerate(lines):
        top = 0.06 + number * 0.04
        width = min(0.8, 0.02 + len(text) * 0.0105)
        left = 0.9 - width if arabic else 0.1
        confidence = round(0.99 - (number * 7 % 11) * 0.045, 3)
        blocks.append(Block(text, (left, top, left + width, top + 0.024), "line", confidence))
    text = "\n".join(lines)
    return Recognition(text=text, markdown=text, blocks=tuple(blocks), confidence=Confidence(0.87, 0.4))


def _attempt(
    campaign: Campaign, page: dict[str, Any], number: int, writers: dict[str, Any]
) -> dict[str, Any]:
    ok = page["state"] == "ok"
    token = f"b{page['batch_id']:04d}s{number}"
    file = f"{token}/results-1.jsonl"
    if file not in writers:
        path = campaign.workspace.results / file
        path.parent.mkdir(parents=True, exist_ok=True)
        writers[file] = path.open("wb")
    line = encode_result(PageResult(_sha(page["document_id"]), page["number"], number, ok, recognition(page)))
    offset = writers[file].tell()
    writers[file].write(line)
    return {
        "page_id": page["id"],
        "job_id": page["batch_id"] * 2 - 2 + number,
        "number": number,
        "outcome": "ok" if ok else "failed",
        "failure": page["failure"],
        "evidence": {} if ok else {"covered": 0.41, "least": 0.7, "quote": "Dahir n° 1-58-261"},
        "last": True,
        "variation": "plain" if number == 1 else "dpi300",
        "language": "fr",
        "seconds": 1.23 * number,
        "confidence_mean": page["confidence"],
        "confidence_min": 0.2,
        "score": 0.9,
        "at": START + 60 + number,
        "journal": f"{token}/journal-1.jsonl",
        "generation": "g1",
        "offset": page["id"] * 1000 + number,
        "result_file": file,
        "result_offset": offset,
        "result_length": len(line),
        "result_sha256": hashlib.sha256(line).hexdigest(),
        "engine": "rapidocr" if number == 1 else "tesseract",
        "engine_version": "3.10.0",
        "weights": "PP-OCRv5",
        "render_hash": "r" * 12,
    }
