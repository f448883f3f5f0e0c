"""Progress on standard error: bars on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from bocr_tui.cli.output import console, duration, note, safe

if TYPE_CHECKING:
    from rich.progress import Progress

LINE_EVERY_S = 5.0
"""Between two lines in a log at first: often enough to see that it lives."""

LINE_SHARE = 20
LINE_SELDOM_S = 60.0
"""Later the pause is this part of the time that has passed, up to a minute, so that a night's log can be
read."""

RATE_WINDOW_S = 60.0
"""The rate is that of the last minute, so that the estimate follows a change of pace."""


class Display(Protocol):
    """One thing that advances. `update` may be called as often as one likes."""

    def update(self, done: int, total: int, text: str) -> None: ...

    def message(self, text: str) -> None:
        """A line that stays."""
        ...

    def paused(self) -> AbstractContextManager[object]:
        """While this lasts nothing is drawn: a question stands in the terminal."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def display(title: str, unit: str) -> Display:
    """For the standard error there is. `unit` is what is counted, in the plural."""
    return _Bar(title, unit) if sys.stderr.isatty() else _Lines(title, unit)


class Pace:
    """How fast something goes, from what was seen of it lately."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def saw(self, done: int, at_s: float | None = None) -> None:
        moment = time.monotonic() if at_s is None else at_s
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()  # pages are tried again: what was measured says nothing of that
        self._seen.append((moment, done))
        while len(self._seen) > 2 and moment - self._seen[0][0] > RATE_WINDOW_S:
            self._seen.popleft()

    @property
    def per_s(self) -> float:
        """0 while nothing is known."""
        if len(self._seen) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        return max(0.0, (last - first) / (last_s - first_s)) if last_s > first_s else 0.0

    def left_s(self, total: int) -> float | None:
        """None while it cannot be said."""
        rate = self.per_s
        return (total - self._seen[-1][1]) / rate if rate > 0 and total else None


def _words(pace: Pace, done: int, total: int, unit: str, text: str) -> str:
    counted = f"{done:,} of {total:,} {unit}" if total else f"{done:,} {unit}"
    parts = [counted, text, rate_words(pace.per_s, unit)]
    left_s = pace.left_s(total)
    parts.append(f"about {duration(left_s)} left" if left_s else "")
    return safe(", ".join(part for part in parts if part))


def rate_words(per_s: float, unit: str) -> str:
    """In figures that one can imagine: a slow thing by the minute."""
    many, time_unit = (per_s, "second") if per_s >= 1 else (per_s * 60, "minute")
    said = f"{many:,.0f}" if many >= 10 else f"{many:.2g}"
    return f"{said} {unit} a {time_unit}" if per_s else ""


class _Lines:
    """For logs and pipes."""

    def __init__(self, title: str, unit: str) -> None:
        self._title = title
        self._unit = unit
        self._pace = Pace()
        self._last: tuple[int, int, str] = (0, 0, "")
        self._said: tuple[int, int, str] | None = None
        self._next_s = self._began_s = 0.0

    def __enter__(self) -> Self:
        self._began_s = time.monotonic()
        self._next_s = self._began_s + LINE_EVERY_S
        return self

    def update(self, done: int, total: int, text: str) -> None:
        self._pace.saw(done)
        self._last = (done, total, text)
        if time.monotonic() >= self._next_s and self._last != self._said:
            self._say()

    def message(self, text: str) -> None:
        note(safe(text))

    def paused(self) -> AbstractContextManager[object]:
        return nullcontext()

    def _say(self) -> None:
        done, total, text = self._said = self._last
        note(f"{self._title}: {_words(self._pace, done, total, self._unit, text)}")
        passed_s = time.monotonic() - self._began_s
        self._next_s = time.monotonic() + min(LINE_SELDOM_S, max(LINE_EVERY_S, passed_s / LINE_SHARE))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The last figures, if there were any and nobody has seen them."""
        if self._last[0] and self._last != self._said:
            done, total, text = self._last
            counted = f"{done:,} of {total:,}" if total else f"{done:,}"
            note(safe(f"{self._title}: {counted} {self._unit}{', ' + text if text else ''}"))


class _Bar:
    """For terminals."""

    def __init__(self, title: str, unit: str) -> None:
        self._title = title
        self._unit = unit
        self._pace = Pace()
        self._progress: Progress | None = None
        self._task: Any = None

    def __enter__(self) -> Self:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[title]}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[words]}", markup=False),
            console=console(sys.stderr),
            refresh_per_second=5,
        )
        self._progress.start()
        self._task = self._progress.add_task("", total=None, title=self._title, words="")
        return self

    def update(self, done: int, total: int, text: str) -> None:
        assert self._progress is not None
        self._pace.saw(done)
        words = _words(self._pace, done, total, self._unit, text)
        self._progress.update(self._task, completed=done, total=total or None, words=words)

    def message(self, text: str) -> None:
        assert self._progress is not None
        self._progress.console.print(safe(text))

    @contextmanager
    def paused(self) -> Iterator[None]:
        assert self._progress is not None
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._progress is not None
        self._progress.stop()
