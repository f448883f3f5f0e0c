"""`bocr documents`, `bocr pages`, `bocr page`: what programs and people get to see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bocr_tui.cli.choose import numbers_in
from bocr_tui.config.errors import UsageError
from tests.cli.conftest import Bocr, Said
from tests.cli.shelf import FAILED, GAVE_UP, NEW, RECOVERED, Leaf, Shelf


@pytest.fixture
def ask(bocr: Bocr, shelf: Shelf) -> Bocr:
    """A command in the shelf's workspace."""

    def run(*arguments: object) -> Said:
        return bocr("-w", shelf.workspace.root, *arguments)

    return run


def test_documents_as_json_have_the_keys_that_are_promised(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED], sha256="ab" * 32)
    shelf.document("clé.pdf", state="protected", reason="A password is needed.")
    found = {row["name"]: row for row in ask("documents", "--json").json}
    assert found["loi.pdf"] == {
        "name": "loi.pdf",
        "sha256": "ab" * 32,
        "pages": 2,
        "state": "ready",
        "reason": "",
    }
    assert found["clé.pdf"]["reason"] == "A password is needed."


def test_pages_as_json_have_the_keys_that_are_promised(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), GAVE_UP])
    first, second = ask("pages", "--json").json
    assert first == {
        "id": first["id"],
        "document": "loi.pdf",
        "number": 1,
        "state": "ok",
        "class": None,
        "engine": "rapidocr",
        "attempts": 1,
        "confidence": 0.9375,
    }
    assert (second["state"], second["class"], second["attempts"]) == ("gave_up", "low_confidence", 2)


def test_a_filter_in_words_is_the_panel_s_and_says_what_it_does_not_understand(
    ask: Bocr, shelf: Shelf
) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED, GAVE_UP])
    shelf.document("décret.pdf", [Leaf(), FAILED])
    found = ask("pages", "--filter", "-state:ok doc:loi page>2", "--json").json
    assert [(row["document"], row["number"]) for row in found] == [("loi.pdf", 3)]
    assert [row["name"] for row in ask("documents", "--filter", "pages<3", "--json").json] == ["décret.pdf"]
    said = ask("pages", "--filter", "state:faild")
    assert (said.code, "Did you mean failed?" in said.err) == (2, True)


def test_pages_are_filtered_by_state_class_document_engine_and_number(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED, GAVE_UP])
    shelf.document("décret.pdf", [Leaf(), FAILED])

    def found(*options: object) -> list[tuple[str, int]]:
        return [(row["document"], row["number"]) for row in ask("pages", "--json", *options).json]

    assert found("--state", "failed") == [("loi.pdf", 2), ("décret.pdf", 2)]
    assert found("--state", "failed", "--state", "gave_up", "--document", "loi.pdf") == [
        ("loi.pdf", 2),
        ("loi.pdf", 3),
    ]
    assert found("--class", "low_confidence") == [("loi.pdf", 3)]
    assert found("--class", "low-confidence") == [("loi.pdf", 3)]
    assert found("--engine", "rapidocr") == [("loi.pdf", 1), ("décret.pdf", 1)]
    assert found("--limit", 1) == [("loi.pdf", 1)]
    assert found("--state", "running") == []


def test_a_word_that_is_no_state_or_class_is_refused_with_those_there_are(ask: Bocr) -> None:
    said = ask("pages", "--state", "faild")
    assert said.code == 2 and "gave_up" in said.err
    assert "coverage" in ask("pages", "--class", "cover").err
    assert "protected" in ask("documents", "--state", "ok").err


def test_a_table_says_how_much_of_it_is_shown(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("code.pdf", [NEW] * 1234)
    said = ask("pages")
    assert "Showing 50 of 1,234 pages; --all shows them all." in said.out
    assert len(ask("pages", "--all").out.splitlines()) > 1234
    assert len(ask("pages", "--json").json) == 1234


def test_hostile_names_are_shown_and_not_obeyed(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("a\x1b[2J[red]b.pdf", [Leaf()], reason="x\x07y")
    for name in ("pages", "documents"):
        said = ask(name)
        assert "\x1b" not in said.out and "\x07" not in said.out
        assert "a\\x1b[2J[red]b.pdf" in said.out
    assert ask("pages", "--json").json[0]["document"] == "a\x1b[2J[red]b.pdf"


def test_a_page_shows_its_attempts_with_evidence_and_its_text(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [RECOVERED])
    said = ask("page", "loi.pdf", 1)
    assert said.code == 0
    for word in ("failed: coverage", "share 0.31", "Lu par la deuxième étape."):
        assert word in said.out
    record = ask("page", "loi.pdf", 1, "--json").json
    assert [one["outcome"] for one in record["attempts"]] == ["failed", "ok"]
    assert [one["accepted"] for one in record["attempts"]] == [False, True]
    assert record["text"] == "Lu par la deuxième étape."
    assert record["blocks"][0]["words"][0]["text"] == "Lu p"
    assert ask("page", "loi.pdf", 1, "--text").out == "Lu par la deuxième étape.\n"


def test_a_page_without_text_says_so(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [FAILED])
    assert "No text." in ask("page", "loi.pdf", 1).out
    said = ask("page", "loi.pdf", 1, "--text")
    assert said.code == 2 and "no accepted text" in said.err


def test_a_text_that_does_not_verify_is_not_shown(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(text="authentique")])
    path = shelf.result_path()
    path.write_bytes(path.read_bytes().replace(b"authentique", b"falsifie!!!"))
    said = ask("page", "loi.pdf", 1)
    assert "falsifie" not in said.out
    assert "cannot be shown" in said.out
    assert ask("page", "loi.pdf", 1, "--text").code == 2


def test_a_document_is_named_by_name_hash_or_part_of_its_name(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("BO_2418-bis.pdf", [Leaf()], sha256="abcdef" + "0" * 58)
    for said in ("BO_2418-bis.pdf", "abcdef", "abcdef" + "0" * 58, "2418"):
        assert ask("page", said, 1).code == 0
    assert ask("page", "abcde", 1).code == 2
    assert "no document" in ask("page", "BO_9999", 1).err


def test_arguments_that_are_no_text_are_understood_or_refused(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("d\\xe9cret.pdf", [Leaf()])
    assert ask("page", "d\udce9cret.pdf", 1).code == 0
    for said in (
        ask("page", "a/\udce9", 1),
        ask("pages", "--engine", "\udce9"),
        ask("pages", "--state", "\udce9"),
    ):
        assert said.code == 2
        assert "Traceback" not in said.err


def test_two_documents_of_one_name_are_told_apart_by_hash(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(text="un")], sha256="aaaaaaaa" + "0" * 56)
    shelf.document("loi.pdf", [Leaf(text="deux")], sha256="bbbbbbbb" + "0" * 56)
    said = ask("page", "loi.pdf", 1)
    assert said.code == 2 and "bbbbbbbb0000" in said.err
    assert ask("page", "bbbbbbbb", 1, "--text").out == "deux\n"
    assert len(ask("pages", "--json", "--document", "loi.pdf").json) == 2


def test_a_page_that_is_not_there_is_refused(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf()])
    shelf.document("vide.pdf", state="empty", reason="It has no pages.")
    assert "it has 1" in ask("page", "loi.pdf", 2).err
    assert "It has no pages." in ask("page", "vide.pdf", 1).err
    assert ask("page", "loi.pdf", 0).code == 2


def test_a_file_is_never_overwritten_by_a_page_image(ask: Bocr, shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("loi.pdf", [Leaf()])
    target = tmp_path / "page.png"
    target.write_text("mine", encoding="utf-8")
    said = ask("page", "loi.pdf", 1, "--image", target)
    assert said.code == 1 and "exists already" in said.err
    assert "not where it was imported" in ask("page", "loi.pdf", 1, "--image", tmp_path / "new.png").err


def test_status_counts_everything(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED, GAVE_UP])
    shelf.document("clé.pdf", state="protected")
    record = ask("status", "--json").json
    assert record["documents"] == {"protected": 1, "ready": 1}
    assert record["pages"] == {"failed": 1, "gave_up": 1, "ok": 1}
    assert record["failures"] == {"coverage": 1, "low_confidence": 1}
    assert record["driver"] is None
    assert "2  documents" in ask("status").out


def test_an_answer_in_json_is_one_value_and_nothing_else(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf()])
    for name in ("status", "documents", "pages", "doctor", "config"):
        assert json.loads(ask(name, "--json").out), name


def test_page_numbers_are_read_as_people_write_them() -> None:
    assert numbers_in("3") == {3}
    assert numbers_in("3, 5-7") == {3, 5, 6, 7}
    for wrong in ("", "0", "7-3", "a", "3,,4", "-2"):
        with pytest.raises(UsageError):
            numbers_in(wrong)


def test_jobs_and_batches_are_listed_with_why_they_wait_or_ended(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED])
    with shelf.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE job SET state = 'queued', cause = NULL, reason = 'Not Running'")
    (job, *_) = ask("jobs", "--json").json
    assert {"token", "site", "scheduler_id", "state", "cause", "reason"} <= set(job)
    assert (job["state"], job["reason"]) == ("queued", "Not Running")
    assert "Not Running" in ask("jobs").out
    assert ask("jobs", "--state", "running", "--json").json == []
    assert ask("jobs", "--state", "nowhere").code == 2
    assert job["heartbeat"] == {}
    for words, found in (("state:queued", True), ("reason:running -state:lost", True), ("stage>2", False)):
        assert bool(ask("jobs", "--filter", words, "--json").json) is found, words
    assert "0 jobs." in ask("jobs", "--filter", "state:held").out
    wrong = ask("jobs", "--filter", "staet:held")
    assert (wrong.code, "Did you mean state?" in wrong.err) == (2, True)


def test_a_job_says_what_starting_idling_and_restarts_cost_it(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf()])
    said = {
        "done": 3,
        "first_page_s": 61.5,
        "engine_idle_s": 70.0,
        "idle_gpu_s": 140.0,
        "restart_lost_s": 30.5,
    }
    server = {"start_s": 58.0, "restarts": 1, "lost_s": 44.0}
    kept = json.dumps({**said, "server": server, "phase": "ended", "cpu_s": "none"})
    with shelf.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE job SET heartbeat = ?", (kept,))
    (job, *_) = ask("jobs", "--json").json
    assert job["heartbeat"] == {**said, "server": server}


def test_batches_are_listed(ask: Bocr, shelf: Shelf) -> None:
    assert ask("batches", "--json").json == []
    assert "0 batches" in ask("batches").out
    with shelf.catalog.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO batch (name, state, pages, documents, estimated_s, created_at)"
            " VALUES ('b0001', 'planned', 40, 2, 9.0, 1.0), ('b0002', 'done', 400, 3, 9.0, 1.0)"
        )
    said = ask("batches", "--filter", "pages>100 -state:planned", "--json").json
    assert [row["name"] for row in said] == ["b0002"]
    assert "1 batch." in ask("batches", "--filter", "batch:b0001").out


def test_a_list_that_is_cut_off_says_of_how_many(
    ask: Bocr, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.document("loi.pdf", [Leaf(), Leaf(), FAILED, FAILED])
    shelf.document("décret.pdf", [Leaf()])
    assert ask("pages", "--limit", 2).out.endswith("\n2 of 5 pages.\n")
    assert ask("pages", "--limit", 5).out.endswith("\n5 pages.\n")
    assert ask("pages", "--limit", 1, "--state", "failed").out.endswith("\n1 of 2 pages.\n")
    assert ask("documents", "--limit", 1).out.endswith("\n1 of 2 documents.\n")
    assert ask("jobs", "--limit", 1).out.endswith("\n1 of 2 jobs.\n")
    monkeypatch.setattr("bocr_tui.cli.commands.lists.COUNTED_TO", 3)
    assert ask("pages", "--limit", 2).out.endswith("\n2 of more than 3 pages.\n")
