"""The whole mission as a person types it: documents to text, on a PBS cluster, over a real SSH server."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import command, environment
from tests.pbs_double import Double
from tests.sites.sshd import Sshd

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).resolve().parents[2] / "samples"

SITE = """
languages = ["fr", "ar"]
pipeline = ["rapidocr", "tesseract"]
site = "cluster"

[sites.cluster]
transport = "ssh"
host = "loopback"
root = "~/archive"
scheduler = "pbs"
pbs_exec = "{pbs_exec}"
python = "{python}"
poll_s = 0.5
look_s = 1
max_queued = 4

[sites.cluster.pbs]
queue = "workq"
select = "1:ncpus=2"
walltime = "00:30:00"
"""

Ask = Callable[..., Any]


@pytest.fixture
def cluster(sshd: Sshd, tmp_path: Path) -> Iterator[Double]:
    if shutil.which("tesseract") is None:
        pytest.skip("Tesseract is not installed")
    with Double.start(tmp_path / "pbs", slots=4) as pbs:
        yield pbs


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Runs a command in the workspace; returns what it answers as JSON."""
    (tmp_path / "work").mkdir()

    def run(*arguments: object, code: int = 0) -> Any:
        done = subprocess.run(
            command(*arguments, "--json"),
            cwd=tmp_path / "work",
            env={**environment(), **os.environ, "PYTHONPATH": environment()["PYTHONPATH"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=240,
        )
        assert done.returncode == code, done.stderr.decode()[-3000:] + done.stdout.decode()[-2000:]
        lines = done.stdout.decode().strip().splitlines()
        return json.loads(done.stdout) if len(lines) == 1 or lines[0] in "[{" else json.loads(lines[-1])

    return run


def gather(folder: Path) -> Path:
    """A scanned page in Arabic whose name does not say so, a typescript, and a PDF that lacks a page."""
    folder.mkdir()
    for name in ("Journal-0940.pdf", "FRAN_0150_0003_L-medium.jpg", "Lacunaire_Fr.pdf"):
        shutil.copy(SAMPLES / "pages" / name, folder / name)
    return folder


def test_from_documents_to_text_on_a_cluster(cluster: Double, sshd: Sshd, ask: Ask, tmp_path: Path) -> None:
    work = tmp_path / "work"
    ask("init")
    (work / "bocr.toml").write_text(SITE.format(pbs_exec=cluster.pbs_exec, python=sys.executable))
    ask("import", gather(tmp_path / "documents"))
    ask("plan", "--documents", 2)
    assert ask("submit")["chains"]
    ask("watch", code=3)

    ran = {job.name: job for job in cluster.jobs()}
    jobs = dict(read(work, "SELECT token, engine FROM job"))
    assert set(jobs) == set(ran), "every job of ours"
    assert len(ran) == len(cluster.jobs()), "and each once"
    assert set(jobs.values()) == {"rapidocr", "tesseract"}
    pages = {(page["document"], page["number"]): page for page in ask("pages")}
    assert pages["Journal-0940.pdf", 1]["engine"] == "tesseract", "stage 2 took what stage 1 could not read"
    assert pages["FRAN_0150_0003_L-medium.jpg", 1]["engine"] == "rapidocr"
    lacking = [page for page in pages.values() if page["state"] == "failed"]
    assert [(page["document"], page["class"]) for page in lacking] == [("Lacunaire_Fr.pdf", "render")]

    ask("resubmit", "--document", "FRAN_0150_0003_L-medium.jpg", "--engine", "tesseract")
    ask("watch", code=3)
    again = ask("pages", "--document", "FRAN_0150_0003_L-medium.jpg")[0]
    assert again["attempts"] == 2 and again["state"] == "ok"

    ask("export", tmp_path / "text", code=3)
    assert "العدد" in _text(tmp_path / "text", "Journal-0940")
    assert list((sshd.home / "archive" / "documents").glob("*/*.pdf")), "documents were uploaded"
    assert not list(work.glob("site*")), "nothing ran here"


def read(work: Path, statement: str) -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(work / "catalog.db")) as connection:
        return connection.execute(statement).fetchall()


def _text(folder: Path, stem: str) -> str:
    (path,) = folder.rglob(f"{stem}*.md")
    return path.read_text(encoding="utf-8")
