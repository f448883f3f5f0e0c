"""Questions in a terminal: shown as text, answered, declined; and never asked where there is none."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bocr_tui.cli.asking_terminal import TerminalAsker
from bocr_tui.sites.asking import Prompt, Question, QuestionKind
from tests.cli.conftest import environment

PROGRAM = """
import asyncio, fcntl, json, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # standard input is this session's terminal, as after a login
from bocr_tui.cli.asking_terminal import TerminalAsker
from bocr_tui.sites.asking import Prompt, Question, QuestionKind
kind, text, prompts = json.loads(sys.argv[1])
question = Question(QuestionKind(kind), "inpt", "What is asked", text, tuple(Prompt(*p) for p in prompts))
answer = asyncio.run(TerminalAsker()(question))
sys.stdout.write("ANSWER " + json.dumps(answer) + "\\n")
"""

WAIT_S = 30.0


class Terminal:
    """A process on a terminal of its own; what it writes is read as it comes."""

    def __init__(self, kind: str, text: str, prompts: list[tuple[str, bool]]) -> None:
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps([kind, text, prompts])],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(),
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def until(self, text: str) -> str:
        ends = time.monotonic() + WAIT_S
        while text not in self.seen:
            assert time.monotonic() < ends, self.seen
            if select.select([self.ours], [], [], 0.1)[0]:
                try:
                    data = os.read(self.ours, 65536)
                except OSError:
                    data = b""
                if not data:
                    break
                self.seen += data.decode("utf-8", "replace")
        assert text in self.seen, self.seen
        return self.seen

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.ours)[3] & termios.ECHO)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.ours)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def opened(terminals: list[Terminal], *what: object) -> Terminal:
    terminals.append(Terminal(*what))  # type: ignore[arg-type]
    return terminals[-1]


def test_a_host_key_has_to_be_accepted_with_a_whole_word(terminals: list[Terminal]) -> None:
    for typed, answer in (("yes\n", 'ANSWER ["yes"]'), ("y\n", "ANSWER null"), ("\n", "ANSWER null")):
        terminal = opened(terminals, "host_key", "ed25519 SHA256:9vVn1Y2b0l", [])
        shown = terminal.until("anything else to leave:")
        assert "SHA256:9vVn1Y2b0l" in shown and "site inpt" in shown
        terminal.type(typed)
        terminal.until(answer)


def test_a_secret_is_not_shown_and_what_may_be_shown_is(terminals: list[Terminal]) -> None:
    prompts = [("Password:", False), ("Code:", True)]
    terminal = opened(terminals, "keyboard", "Welcome \x1b[2J\x1b]0;owned\x07\nto inpt", prompts)
    shown = terminal.until("Password:")
    assert "\x1b[2J" not in shown and "\x07" not in shown
    terminal.type("geheim\n")
    terminal.until("Code:")
    terminal.type("123\n")
    seen = terminal.until('ANSWER ["geheim", "123"]')
    assert "geheim" not in seen.split("ANSWER")[0]


def test_a_terminal_that_is_left_in_the_middle_of_a_secret_shows_again_what_is_typed(
    terminals: list[Terminal],
) -> None:
    terminal = opened(terminals, "passphrase", "", [("Passphrase:", False)])
    terminal.until("Passphrase:")
    assert not terminal.echoes()
    os.killpg(terminal.process.pid, signal.SIGINT)
    terminal.process.wait(timeout=WAIT_S)
    assert terminal.echoes()


def test_the_end_of_input_declines(terminals: list[Terminal]) -> None:
    terminal = opened(terminals, "keyboard", "", [("Code:", True)])
    terminal.until("Code:")
    terminal.type("\x04")
    terminal.until("ANSWER null")


async def test_without_a_terminal_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    question = Question(QuestionKind.KEYBOARD, "inpt", "A code?", "", (Prompt("Code:"),))
    with (tmp_path / "in").open("w+") as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert await asyncio.wait_for(TerminalAsker()(question), WAIT_S) is None
    assert capsys.readouterr().err == ""
