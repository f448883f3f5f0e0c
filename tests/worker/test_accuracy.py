"""The whole worker reads as well as its engine does when it is called directly on the same image."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rapidfuzz.distance import Levenshtein

from bocr_worker.protocol.manifest import EngineOrder, Limits, Manifest
from tests.worker.runs import make_run, order_of, page_events, result_of, run_worker

PAGES = ("FRAN_0150_0003_L-medium.jpg", "BN1984_4_1345a_default.jpg")
ONE_POINT = 0.01


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def error_rate(read: str, truth: str) -> float:
    """Character error rate: edits over the truth's length, white space folded."""
    return Levenshtein.distance(plain(read), plain(truth)) / len(plain(truth))


def read_directly(path: Path) -> str:
    """The library as its own documentation shows it, lines from top to bottom."""
    from rapidocr import RapidOCR

    answer = RapidOCR(params={"Global.log_level": "error"})(str(path))
    lines = zip(answer.boxes, answer.txts, strict=True)
    ordered = sorted(lines, key=lambda line: (round(float(line[0][:, 1].mean()) / 25), float(line[0][0][0])))
    return "\n".join(text for _, text in ordered)


@pytest.mark.corpus
@pytest.mark.slow
def test_french_pages_lose_nothing_on_their_way_through_the_worker(corpus: Path, tmp_path: Path) -> None:
    papers = [corpus / "groundtruth" / name for name in PAGES]
    orders = tuple(order_of(paper, 1, kind="image", language="fr", language_binding=True) for paper in papers)
    manifest = Manifest(
        token="baccuracy",
        chain=1,
        stage=0,
        engine=EngineOrder("rapidocr"),
        documents=orders,
        languages=("fr", "ar"),
        limits=Limits(heartbeat_s=1.0),
    )
    run = make_run(tmp_path, manifest)
    run_worker(run, timeout_s=200)
    read = {
        event.document: result_of(run, event).recognition.text
        for event in page_events(run)
        if event.result is not None
    }
    for paper, order in zip(papers, orders, strict=True):
        truth = (paper.parent / f"{paper.stem}.gt.txt").read_text(encoding="utf-8")
        ours, bare = error_rate(read[order.sha256], truth), error_rate(read_directly(paper), truth)
        assert ours <= bare + ONE_POINT, f"{paper.name}: {ours:.3f} through the worker, {bare:.3f} directly"
