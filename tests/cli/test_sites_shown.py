"""`bocr sites`, `pause`, `resume`, `commands`, and what status and progress say of sites."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from bocr_tui.catalog import core
from bocr_tui.catalog.lists_sites import SiteRow
from bocr_tui.cli.site_words import link_words, trouble_words
from bocr_tui.sites.command_log import CommandLog, SentCommand
from tests.cli.conftest import Bocr, Said
from tests.cli.shelf import Shelf
from tests.ui.far_sites import CONFIG, status

EVIL = "\x1b[2J\x1b]0;owned\x07[red]"


@pytest.fixture
def ask(bocr: Bocr, shelf: Shelf) -> Bocr:
    """A command in a workspace with three sites, of which one waits for a person."""
    shelf.workspace.config_path.write_text(CONFIG, encoding="utf-8")
    now = time.time()
    with shelf.catalog.writing() as connection:
        connection.execute(
            insert(core.site_status),
            [
                status("inpt", link="connected", polled_at=now - 4, looked_at=now - 40),
                status("box", link="paused", reason=f"A code is needed.{EVIL}"),
            ],
        )

    def run(*arguments: object) -> Said:
        return bocr("-w", shelf.workspace.root, *arguments)

    return run


def test_sites_say_how_they_stand_and_what_resumes_them(ask: Bocr) -> None:
    said = ask("sites")
    assert said.code == 0
    assert "\x1b" not in said.out and "\x07" not in said.out
    rows = {line.split()[0]: line for line in said.out.splitlines() if line.strip()}
    assert "connected" in rows["inpt"] and "ago" in rows["inpt"]
    assert "paused" in rows["box"] and "A code is needed." in rows["box"]
    assert "idle" in rows["local"]
    assert "`bocr resume box` contacts box again." in said.out
    record = {each["site"]: each for each in ask("sites", "--json").json}
    assert record["inpt"]["link"] == "connected" and 4 <= record["inpt"]["polled_s"] < 60
    assert (record["local"]["polled_s"], record["local"]["upload"]) == (None, None)
    assert record["box"]["reason"].startswith("A code is needed.")


def test_status_shows_the_sites_that_need_a_look_and_the_autopilot(ask: Bocr) -> None:
    said = ask("status")
    assert "A code is needed." in said.out and "\x1b" not in said.out
    assert "inpt" not in said.out
    record = ask("status", "--json").json
    assert [each["site"] for each in record["sites"]] == ["box", "inpt", "local"]
    assert record["autopilot"] == {"on": False, "reason": ""}


def test_a_site_is_paused_and_resumed_until_somebody_says_otherwise(ask: Bocr) -> None:
    assert "inpt: not contacted any more" in ask("pause").out  # the configuration's site
    assert ask("pause", "local", "--uploads").code == 0
    record = {each["site"]: each for each in ask("sites", "--json").json}
    assert (record["inpt"]["paused"], record["local"]["paused"]) == (True, False)
    assert record["local"]["upload"]["paused"]
    assert ask("resume", "inpt", "box", "--json").json == {"sites": ["inpt", "box"]}
    assert ask("resume", "local", "--uploads").code == 0
    record = {each["site"]: each for each in ask("sites", "--json").json}
    assert not any(each["paused"] for each in record.values())
    said = ask("pause", "nowhere")
    assert said.code == 2 and "There is no site 'nowhere'." in said.err


def command(number: int, **columns: Any) -> str:
    base = {"at": 1_750_000_000.0 + number, "site": "inpt", "command": f"poll [{number}]", "exit": 0}
    rest = {"seconds": 0.25, "sent_bytes": 1, "received_bytes": 2048, "problem": ""}
    return json.dumps({**base, **rest, **columns}) + "\n"


@pytest.fixture
def log(shelf: Shelf) -> Path:
    path = shelf.workspace.root / "commands.jsonl"
    lines = [command(number) for number in range(60)]
    lines[3] = command(3, exit=None, problem=f"the link was lost{EVIL}")
    lines[4] = command(4, site="box", command=f"connect{EVIL}", exit=1)
    path.write_text("".join(lines) + "no json at all\n" + command(99)[:20], encoding="utf-8")
    return path


def test_commands_are_shown_with_how_they_ended(ask: Bocr, log: Path) -> None:
    said = ask("commands")
    lines = said.out.splitlines()
    assert len(lines) == 50 and "poll [59]" in lines[-1] and "exit 0" in lines[-1]
    assert len(ask("commands", "-n", 0).out.splitlines()) == 60
    lost = ask("commands", "--grep", "LINK WAS", "-n", 0).out
    assert "no answer" in lost and "\x1b" not in lost and len(lost.splitlines()) == 1
    (record,) = ask("commands", "--site", "box", "--json").json
    assert (record["exit_code"], record["command"]) == (1, f"connect{EVIL}")


def test_looks_at_running_jobs_are_shown_when_asked_for_or_when_they_went_wrong(ask: Bocr, log: Path) -> None:
    looks = [
        SentCommand("box", "poll_runs [1]", 0, at=1.0),
        SentCommand("box", "poll_runs [2]", None, problem="the link was cut", at=2.0),
    ]
    log.unlink()
    for look in looks:
        CommandLog(log).write(look)
    shown = ask("commands", "--grep", "poll_runs").out
    assert "poll_runs [2]" in shown and "poll_runs [1]" not in shown
    assert "poll_runs [1]" in ask("commands", "--all", "--grep", "poll_runs").out


def test_without_commands_that_is_said(ask: Bocr) -> None:
    said = ask("commands")
    assert (said.code, said.out) == (0, "")
    assert "No such command was sent" in said.err
    assert ask("commands", "--follow", "--json").code == 2


def test_commands_are_followed_until_somebody_has_enough(
    ask: Bocr, log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = iter(range(3))

    def one_more(_: float) -> None:
        if next(rounds, None) is None:
            raise KeyboardInterrupt
        with log.open("a", encoding="utf-8") as stream:
            stream.write("\n" + command(100))

    monkeypatch.setattr("bocr_tui.cli.command_log.time.sleep", one_more)
    said = ask("commands", "--follow", "-n", 1)
    assert said.code == 130
    assert [line.split()[-1] for line in said.out.splitlines()] == ["[59]", "[100]", "[100]", "[100]"]


def test_a_progress_line_names_the_sites_that_do_not_answer(ask: Bocr) -> None:
    now = time.time()
    rows = [
        SiteRow("a", link="waiting", next_try_at=now + 30.2),
        SiteRow("b", link="connected", polled_at=now),
        SiteRow("c", link="paused"),
        SiteRow("d", uploading="x.pdf", upload_done_bytes=1, upload_total_bytes=4),
    ]
    assert trouble_words(rows) == ["a lost, next try in 30 s", "c paused", "d uploading 25%"]
    assert (
        link_words(SiteRow("e", polled_at=now - 100, jobs={"running": 1}), now)
        == "not heard of for 1 min 40 s"
    )
