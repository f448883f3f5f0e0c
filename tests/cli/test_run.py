"""`bocr run` and what follows it, from files to text, with real jobs in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from tests.cli.conftest import Bocr, Said, command, environment

KEYS = ["documents", "pages", "ok", "failed", "gave_up", "unreadable", "failures", "seconds"]
LONG_S = 60.0


def make_pdf(path: Path, pages: int = 1, mark: str = "") -> None:
    """A scan of a few lines of text, with `pages` pages of 300x420 pixels."""
    images = []
    for number in range(1, pages + 1):
        image = Image.new("L", (300, 420), 255)
        draw = ImageDraw.Draw(image)
        for line in range(12):
            draw.text((30, 30 + 28 * line), f"{path.stem}{mark} page {number} line {line}", fill=0)
        images.append(image)
    images[0].save(path, format="PDF", save_all=True, append_images=images[1:], resolution=72.0)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    make_pdf(folder / "un.pdf")
    make_pdf(folder / "deux.pdf", 2)
    return folder


@pytest.fixture
def workspace(tmp_path: Path, bocr: Bocr) -> Path:
    """A workspace whose pipeline reads nothing, quickly."""
    root = tmp_path / "workspace"
    bocr("init", root)
    set_pipeline(root)
    return root


def set_pipeline(root: Path, **options: Any) -> None:
    said = ", ".join(f"{name} = {json.dumps(value)}" for name, value in options.items())
    stage = f'[[pipeline]]\nengine = "noop"\nprocesses = 1\noptions = {{ {said} }}\n'
    (root / "bocr.toml").write_text(stage, encoding="utf-8")


@pytest.fixture
def ask(bocr: Bocr, workspace: Path) -> Bocr:
    """A command in that workspace."""

    def run(*arguments: object) -> Said:
        return bocr("-w", workspace, *arguments)

    return run


@pytest.fixture
def started(workspace: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command and does not wait; whatever is left at the end is killed."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command("-w", workspace, *arguments),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(condition: Callable[[], object], seconds: float = LONG_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.05)


def jobs_live(ask: Bocr) -> bool:
    states = ask("status", "--json").json["jobs"]
    return any(state in states for state in ("submitted", "queued", "running"))


def test_a_run_reads_every_page_and_a_second_one_only_what_is_new(ask: Bocr, scans: Path) -> None:
    said = ask("run", scans, "--json")
    assert said.code == 0, said.err
    record = said.json
    assert list(record) == KEYS
    assert 0 < record.pop("seconds") < LONG_S
    assert record == {
        "documents": 2,
        "pages": 3,
        "ok": 3,
        "failed": 0,
        "gave_up": 0,
        "unreadable": 0,
        "failures": {},
    }
    (costs,) = (job["heartbeat"] for job in ask("jobs", "--json").json)
    assert costs["done"] == 3 and {"first_page_s", "engine_idle_s"} <= set(costs)
    make_pdf(scans / "trois.pdf")
    again = ask("run", scans)
    assert again.code == 0
    assert "4  pages" in again.out and "4  ok" in again.out
    assert "2 known" in again.err
    pages = ask("pages", "--json").json
    assert [(row["engine"], row["attempts"]) for row in pages] == [("noop", 1)] * 4


def test_files_that_nobody_can_read_are_counted_and_add_no_pages(ask: Bocr, scans: Path) -> None:
    (scans / "cassé.pdf").write_bytes(b"%PDF-1.7 and no more")
    (scans / "téléchargé.pdf").write_text("<html><body>404</body></html>", encoding="utf-8")
    said = ask("run", scans, "--json")
    assert said.code == 3
    assert (said.json["documents"], said.json["unreadable"]) == (4, 2)
    assert (said.json["pages"], said.json["ok"]) == (3, 3)
    reasons = {row["name"]: row["reason"] for row in ask("documents", "--json").json}
    assert reasons["cassé.pdf"] and reasons["téléchargé.pdf"]


def test_pages_are_sampled_evenly_and_the_others_stay_new(ask: Bocr, scans: Path) -> None:
    make_pdf(scans / "cinq.pdf", 5)
    said = ask("run", scans, "--pages-per-document", 2, "--json")
    assert said.code == 0
    assert (said.json["pages"], said.json["ok"]) == (5, 5)
    numbers = [
        row["number"] for row in ask("pages", "--json", "--document", "cinq.pdf", "--state", "ok").json
    ]
    assert numbers == [1, 5]


def test_what_fails_is_given_up_on_named_and_can_be_read_again(
    ask: Bocr, scans: Path, workspace: Path
) -> None:
    set_pipeline(workspace, answer="empty")
    said = ask("run", scans, "--json")
    assert said.code == 3
    assert said.json["ok"] == 0
    assert said.json["failed"] + said.json["gave_up"] == 3
    assert sum(said.json["failures"].values()) == 3
    set_pipeline(workspace)
    assert ask("run", scans, "--json").json["ok"] == 0
    again = ask("run", scans, "--retry-failed", "--json")
    assert (again.code, again.json["ok"]) == (0, 3)


def test_without_a_workspace_a_run_makes_one(
    bocr: Bocr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cassé.pdf").write_bytes(b"%PDF-1.7 and no more")
    said = bocr("run", "cassé.pdf", "--json")
    assert (said.code, said.json["documents"], said.json["unreadable"]) == (3, 1, 1)
    assert (tmp_path / "bocr-workspace" / "catalog.db").exists()
    assert bocr("documents", "--json").json[0]["state"] == "damaged"


def test_a_path_that_is_not_there_is_wrong_usage(ask: Bocr, tmp_path: Path) -> None:
    said = ask("run", tmp_path / "nowhere", "--json")
    assert said.code == 2
    assert "nowhere" in said.json["error"]["cause"]
    assert ask("run", tmp_path, "--language", "frankish").code == 2


def test_a_path_that_is_not_there_leaves_no_workspace(
    bocr: Bocr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (("run", "nowhere"), ("-w", "new", "run", "nowhere"), ("demo", "--headless", "nowhere")):
        said = bocr(*arguments)
        assert said.code == 2 and "nowhere does not exist." in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_documents_is_said_to_have_none(ask: Bocr, tmp_path: Path) -> None:
    empty = tmp_path / "vide"
    empty.mkdir()
    (empty / "notes.md").write_text("no scan", encoding="utf-8")
    said = ask("import", empty)
    assert said.code == 0
    assert said.out.startswith(f"No documents were found in {empty}: PDFs and PNG")
    run = ask("run", empty)
    assert run.code == 2 and "No documents were found in" in run.err


def test_a_plan_says_how_level_it_is_and_what_it_passed_over(ask: Bocr, scans: Path) -> None:
    (scans / "page.pdf").write_text("<html><body>404</body></html>", encoding="utf-8")
    ask("import", scans)
    said = ask("plan").out
    assert "the longest batch is 0.0 % above the ideal." in said
    assert "Passed over: 1 document not a pdf." in said


def test_step_by_step_ends_where_a_run_ends(ask: Bocr, scans: Path, tmp_path: Path) -> None:
    assert ask("import", scans, "--json").json["pages"] == 3
    plan = ask("plan", "--pages", 2, "--json").json
    assert sum(batch["pages"] for batch in plan["batches"]) == 3
    assert ask("submit", "--json").json["pages"] == 3
    assert ask("watch", "--json").json["ok"] == 3
    said = ask("export", tmp_path / "out", "--json")
    assert (said.code, said.json["ok"]) == (0, 3)
    assert ask("clean", "--yes", "--json").json["runs"]
    assert ask("page", "un.pdf", 1, "--text").code == 0
    assert ask("page", "un.pdf", 1, "--text", "--json").json["number"] == 1
    for name, form in (("p.png", "PNG"), ("p.JPG", "JPEG"), ("p.tif", "TIFF"), ("p.img", "PNG")):
        written = ask("page", "un.pdf", 1, "--image", tmp_path / name, "--json").json
        with Image.open(tmp_path / name) as image:
            assert image.format == written["format"] == form
            assert image.size == (written["width_px"], written["height_px"])


def test_every_step_names_the_next_one_and_none_that_is_done(ask: Bocr, scans: Path) -> None:
    assert "3 pages are new: run `bocr plan` next." in ask("import", scans).out
    assert "bocr submit" in ask("plan").out
    again = ask("plan").out
    assert (
        "no new page" in again and "3 pages are planned and not submitted: run `bocr submit` next." in again
    )
    assert "bocr plan" not in ask("import", scans).out
    assert "run `bocr submit` next" in ask("status").out
    watched = ask("watch", "--json")
    assert list(watched.json) == KEYS
    assert "3 pages are planned and not submitted: run `bocr submit` next." in watched.err
    assert "jobs did not get" not in watched.err
    assert ask("submit").code == 0
    assert "bocr submit" not in ask("status").out
    second = ask("submit")
    assert second.code == 0 and "Nothing is planned." in second.out
    assert ask("submit", "--json").json["pages"] == 0
    ended = ask("watch")
    assert ended.code == 0 and "planned" not in ended.err
    assert "bocr plan" not in ask("import", scans).out
    quiet = ask("submit", "--wait", "--json")
    assert (quiet.code, quiet.json["ok"]) == (0, 3), "a night on which nothing is new"


def test_an_interrupted_run_leaves_its_jobs_and_a_watch_sees_them_through(
    ask: Bocr, scans: Path, workspace: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    set_pipeline(workspace, sleep_s=0.5)
    run = started("run", scans, "--json")
    until(lambda: jobs_live(ask))
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=LONG_S)
    assert run.returncode == 130, err
    assert "bocr watch" in json.loads(out)["error"]["next_step"]
    said = ask("watch", "--json")
    assert (said.code, said.json["ok"]) == (0, 3)
    assert [row["attempts"] for row in ask("pages", "--json").json] == [1, 1, 1]


def test_without_a_terminal_nobody_waits_for_a_site_that_a_person_paused(
    ask: Bocr, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bocr_tui.cli.follow.PAUSED_GRACE_S", 0.1)
    ask("import", scans)
    ask("plan")
    ask("pause", "local")
    ask("submit")
    watched = ask("watch")
    assert watched.code not in (0, 3)
    assert "Site local is paused" in watched.err and "bocr resume local" in watched.err
    ask("resume", "local")
    assert ask("watch").code == 0


def test_a_second_driver_looks_on_and_ends_with_the_first(
    ask: Bocr, scans: Path, workspace: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    set_pipeline(workspace, sleep_s=0.5)
    first = started("run", scans, "--json")
    until(lambda: jobs_live(ask))
    said = ask("watch", "--json")
    assert (said.code, said.json["ok"]) == (0, 3)
    assert "drives this workspace" in said.err
    out, err = first.communicate(timeout=LONG_S)
    assert first.returncode == 0, err
    assert json.loads(out)["ok"] == 3


def test_a_watcher_takes_over_from_a_driver_that_was_killed(
    ask: Bocr, scans: Path, workspace: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    set_pipeline(workspace, sleep_s=0.5)
    first = started("run", scans)
    until(lambda: jobs_live(ask))
    watcher = started("watch", "--json")
    os.kill(first.pid, signal.SIGKILL)
    out, err = watcher.communicate(timeout=LONG_S)
    assert watcher.returncode == 0, err
    assert json.loads(out)["ok"] == 3


def test_cancelled_jobs_end_and_their_pages_can_be_submitted_again(
    ask: Bocr, scans: Path, workspace: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    set_pipeline(workspace, sleep_s=20)
    run = started("run", scans, "--json")
    until(lambda: jobs_live(ask))
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=LONG_S)
    said = ask("cancel", "--all", "--json")
    assert (said.code, said.json) == (0, {"jobs": 1}), said.err
    assert not jobs_live(ask)
    set_pipeline(workspace)
    again = ask("run", scans, "--json")
    assert (again.code, again.json["ok"]) == (0, 3)


def test_a_demo_of_a_folder_ends_with_a_table_and_an_export(
    bocr: Bocr, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo-workspace").mkdir()
    set_pipeline(tmp_path / "demo-workspace")
    said = bocr("demo", "scans", "--pages-per-document", 1, "--headless")
    assert said.code == 0, said.err
    assert "2  ok" in said.out
    assert (tmp_path / "demo-workspace" / "export" / "deux.md").exists()


def test_a_real_engine_reads_a_small_page(bocr_process: Bocr, tmp_path: Path) -> None:
    from PIL import ImageFont

    image = Image.new("L", (900, 300), 255)
    draw = ImageDraw.Draw(image)
    for line, text in enumerate(("Bulletin officiel", "Article premier", "Au nom de la loi")):
        draw.text((40, 40 + 80 * line), text, fill=0, font=ImageFont.load_default(44))
    image.save(tmp_path / "petit.png", dpi=(150, 150))
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "bocr.toml").write_text('pipeline = ["rapidocr"]\n', encoding="utf-8")
    said = bocr_process("-w", "w", "run", "petit.png", "--language", "fr", "--json")
    assert said.code == 0, said.err
    text = bocr_process("-w", "w", "page", "petit.png", 1, "--text").out
    assert "Bulletin officiel" in text


def test_a_page_that_is_read_again_is_told_whose_text_counts_and_why(ask: Bocr, scans: Path) -> None:
    assert ask("run", scans, "--json").code == 0
    again = ("resubmit", "--document", "un.pdf", "--page", 1, "--engine", "noop", "--wait")
    assert "un.pdf, page 1: The text of attempt 1 (noop) counts: its score" in ask(*again).out
    assert "The text of attempt 1 (noop) counts: its score" in ask("page", "un.pdf", 1).out
    many = ask("resubmit", "--state", "ok", "--engine", "noop", "--wait", "--json")
    assert list(many.json) == KEYS
