"""Running an action from the command line: its context, its progress, its answer."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import typer

from bocr_tui.actions.action import CatalogHandle, Context, Options, Outcome, Selection
from bocr_tui.actions.registry import action_named
from bocr_tui.actions.words import counted
from bocr_tui.cli.asking_terminal import TerminalAsker
from bocr_tui.cli.call import EXIT_LEFT, EXIT_OK, Call, Interrupted
from bocr_tui.cli.output import note, safe, say, write_json
from bocr_tui.cli.progress import Display, display
from bocr_tui.config.errors import UsageError

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

_REFUSED_SHOWN = 5
_PROBLEMS_SHOWN = 10
_UPDATES_EVERY_S = 0.1
"""Between two updates of the progress: an action may report a million steps."""


def act(
    workspace: Workspace,
    action_id: str,
    selection: Selection | None = None,
    options: Options | None = None,
    *,
    progress: tuple[str, str] | None = None,
) -> Outcome:
    """Run an action. `progress` is a title and what is counted, for those that take long.

    Raises UsageError when it cannot be done now, Interrupted when Ctrl-C ended it early.
    """
    action = action_named(action_id)
    handle = CatalogHandle(workspace.catalog_path)
    context = Context(workspace, handle, selection or Selection())
    reason = action.when(context)
    if reason is not None:
        raise UsageError(reason, "")
    given = options or Options()
    try:
        if progress is None:
            return action.run(context, replace(given, asker=given.asker or TerminalAsker()))
        with _stoppable() as stop, display(*progress) as shown:
            asker = given.asker or TerminalAsker(shown.paused)
            told = replace(given, progress=_throttled(shown), stop=stop, asker=asker)
            outcome = action.run(context, told)
        if stop.is_set():
            raise Interrupted("Interrupted.", f"{outcome.text} Run it again to go on.")
        return outcome
    finally:
        handle.close()


def answer(call: Call, outcome: Outcome) -> NoReturn:
    """Print an outcome; ends with exit code 3 when it is not all well."""
    if call.json:
        write_json(dict(outcome.numbers))
    else:
        say(safe(outcome.text))
        tell_refused(outcome)
        if outcome.next_step:
            say(safe(outcome.next_step))
    raise typer.Exit(EXIT_OK if outcome.well else EXIT_LEFT)


def tell_refused(outcome: Outcome) -> None:
    """What was refused, by reason: how many."""
    reasons: dict[str, int] = {}
    for _, reason in outcome.refused:
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in list(reasons.items())[:_REFUSED_SHOWN]:
        note(safe(f"{counted(count, outcome.thing)} {outcome.denied}: {reason.rstrip('.')}."))


def tell_problems(outcome: Outcome) -> None:
    """The files that an import could not take, the first ones."""
    problems = outcome.numbers.get("problems", [])
    for problem in problems[:_PROBLEMS_SHOWN]:
        note(safe(f"{problem['file']}: {problem['reason']}"))
    if len(problems) > _PROBLEMS_SHOWN:
        note("And more; `bocr documents` gives the reason of each.")


class _Throttle:
    """Passes on what a person can see, and the last step."""

    def __init__(self, shown: Display) -> None:
        self._shown = shown
        self._next_s = 0.0

    def __call__(self, done: int, total: int, text: str) -> None:
        moment = time.monotonic()
        if moment >= self._next_s or done == total:
            self._next_s = moment + _UPDATES_EVERY_S
            self._shown.update(done, total, text)


def _throttled(shown: Display) -> _Throttle:
    return _Throttle(shown)


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """The first Ctrl-C or SIGTERM asks to stop at the next whole step; a second Ctrl-C ends at once."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        note("Stopping; once more to end at once.")
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
