"""Questions of a connection, asked in a terminal: is this the host's key, a passphrase, a one-time code.

Asked on standard error, answered on standard input; without a terminal every question is declined. What the
host says is shown as plain text and cut; what is typed is kept nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from getpass import getpass

from bocr_tui.cli.output import safe
from bocr_tui.sites.asking import Prompt, Question, QuestionKind

MOST_LINES = 20
MOST_CHARACTERS = 400
"""Of what a host says: an instruction is a sentence, a banner may be a novel."""

MOST_PROMPTS = 5
"""A login asks for one or two things, a password that has expired for three."""

YES = "yes"
"""The answer that accepts a host key; it has to be written out."""


class TerminalAsker:
    """`paused` stops whatever else draws on the terminal while a question stands there."""

    def __init__(self, paused: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        self._paused = paused
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, question: Question) -> list[str] | None:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        async with self._one_at_a_time:
            with self._paused(), _terminal_as_it_was():
                return await _in_thread(lambda: _ask(question))


def _ask(question: Question) -> list[str] | None:
    """None when the person answers with an end of input, or not with yes where that is needed."""
    _tell(f"{question.title} (site {question.site})")
    lines = question.text.splitlines()
    for line in lines[:MOST_LINES]:
        _tell(f"  {line}")
    if len(lines) > MOST_LINES:
        _tell(f"  ({len(lines) - MOST_LINES:,} more lines are not shown)")
    try:
        if question.kind is QuestionKind.HOST_KEY:
            said = _answer(Prompt(f"Type {YES} to accept this key, anything else to leave:", echo=True))
            return [YES] if said.strip().lower() == YES else None
        answers = [_answer(prompt) for prompt in question.prompts[:MOST_PROMPTS]]
    except EOFError:
        _tell("")
        return None
    return answers + [""] * (len(question.prompts) - len(answers))


def _tell(line: str) -> None:
    sys.stderr.write(f"{safe(line[:MOST_CHARACTERS])}\n")
    sys.stderr.flush()


def _answer(prompt: Prompt) -> str:
    text = f"{safe(prompt.text[:MOST_CHARACTERS]).rstrip()} "
    if not prompt.echo:
        return getpass(text, stream=sys.stderr)
    sys.stderr.write(text)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")


@contextlib.contextmanager
def _terminal_as_it_was() -> Iterator[None]:
    """Whatever happens, the terminal shows again what is typed."""
    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def _in_thread(ask: Callable[[], list[str] | None]) -> list[str] | None:
    """In a thread that nobody waits for at the end: a person who leaves need not press enter first."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str] | None] = loop.create_future()

    def work() -> None:
        try:
            said = ask()
        except BaseException:  # noqa: BLE001 - whatever it was, there is no answer
            said = None
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, answer, said)

    threading.Thread(target=work, name="question", daemon=True).start()
    return await answer


def _settle(answer: asyncio.Future[list[str] | None], said: list[str] | None) -> None:
    if not answer.done():
        answer.set_result(said)
