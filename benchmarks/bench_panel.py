"""The panel over a million pages, seen from a terminal of 200×60: what a first frame, a row, a screen of rows
and a second of rest cost, beside the least that Textual needs for the same."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.big_catalog import big_workspace, copied
from benchmarks.result import Result
from benchmarks.terminal import Terminal
from bocr_tui.catalog.filter_fields import PAGE_FIELDS
from bocr_tui.catalog.filter_language import parse
from bocr_tui.catalog.list_query import PageFilter, PageOrder
from bocr_tui.catalog.lists import open_reader
from bocr_tui.config.workspace import Workspace
from bocr_tui.ui.widgets.row_store import CHUNK_ROWS

NAMES = (
    "panel.first_frame",
    "panel.row_move",
    "panel.row_move_ratio",
    "panel.row_move_small",
    "panel.page_down",
    "panel.page_down_ratio",
    "panel.page_down_small",
    "panel.key_to_frame_ms",
    "panel.rss_mb",
    "panel.idle_cpu",
    "panel.stall_ms",
    "panel.filter_first_s",
    "panel.filter_s",
    "panel.filter_key_ms",
)

STARTS = 5
ROUNDS = 5
MOVES = 40
"""Down and up again without scrolling: fewer than a screen has rows."""
PAGES = 15
"""Screens down: fewer than a thousand rows fill."""
IDLE_S = 12.0
FEED_S = 10.0
SMALL = 1_000

DOWN, UP, PAGE_DOWN, TO_PAGES, TO_TOP, REREAD = b"j", b"k", b"\x1b[6~", b"4", b"g", b"\x12"
FIND, ALL = b"/", b"\x1b"
BARE_APP = (sys.executable, "-m", "benchmarks.bare_panel", "app")


def run() -> list[Result]:
    """Ratios compare what was measured in turns in this run; bounds in milliseconds are a quiet machine's."""
    big, small = big_workspace(), big_workspace(SMALL)
    with tempfile.TemporaryDirectory(prefix="bocr-bench-panel-") as folder:
        driven = copied(big, Path(folder) / "driven")
        results = [_first_frame(driven), *_moves(big, small), _rss(driven), _idle(big)]
        results.append(_stall(copied(big, Path(folder) / "fed"), Path(folder) / "stall.json"))
    return [*results, *_filters(big), _filter_keys(big)]


def _bocr(workspace: Workspace) -> tuple[str, ...]:
    _forget(workspace)
    return (sys.executable, "-m", "bocr_tui.cli.main", "-w", str(workspace.root))


def _forget(workspace: Workspace) -> None:
    """Open where a panel opens that was never open before."""
    (workspace.root / "panel.json").unlink(missing_ok=True)


def _panel(workspace: Workspace, *more: str) -> tuple[str, ...]:
    _forget(workspace)
    return (sys.executable, "-m", "benchmarks.panel_child", str(workspace.root), *more)


def _cpu_at(command: Sequence[str], word: str) -> float:
    """CPU seconds from the process's start to the frame that holds `word`."""
    with Terminal(command) as terminal:
        return terminal.until(word, whole=False)


def _first_frame(workspace: Workspace) -> Result:
    """The command a person types, its driver and all."""
    ours, bare = [], []
    for _ in range(STARTS):
        bare.append(_cpu_at(BARE_APP, "ready"))
        ours.append(_cpu_at(_bocr(workspace), "Batches"))
    print(f"  first frame {median(ours):.2f} CPU-s, bare app {median(bare):.2f}")
    return Result("panel.first_frame", median(ours) / median(bare), "x bare app's CPU", 2.0, "lower")


class _Paces:
    """CPU milliseconds of a row and of a screen of rows, and a key's milliseconds to its frame."""

    def __init__(self) -> None:
        self.row: list[float] = []
        self.page: list[float] = []
        self.frame: list[float] = []

    def take(self, terminal: Terminal) -> None:
        """One round: up and down the first screen, then down some screens, of which no line is drawn yet."""
        self.row.append(self._timed(terminal, [DOWN] * MOVES + [UP] * MOVES))
        self.page.append(self._timed(terminal, [PAGE_DOWN] * PAGES))
        terminal.press(TO_TOP)
        terminal.send(REREAD)
        terminal.watch(1.5)

    def _timed(self, terminal: Terminal, keys: list[bytes]) -> float:
        began = terminal.cpu_s()
        frames = [terminal.press(key) for key in keys]
        if keys[0] == DOWN:
            self.frame += frames
        return (terminal.cpu_s() - began) / len(keys) * 1000


def _moves(big: Workspace, small: Workspace) -> list[Result]:
    """Three programs side by side, measured in turns, so that whatever else the machine does hits all."""
    bare, many, few = _Paces(), _Paces(), _Paces()
    table = (sys.executable, "-m", "benchmarks.bare_panel", "table", str(big.catalog_path))
    with ExitStack() as stack:
        terminals = []
        for command, word in ((table, "chandra"), (_panel(big), "Batches"), (_panel(small), "Batches")):
            terminals.append(terminal := stack.enter_context(Terminal(command)))
            terminal.until(word)
            if word == "Batches":
                terminal.press(TO_PAGES)
                terminal.watch(4.0)
        for _ in range(ROUNDS):
            for paces, terminal in zip((bare, many, few), terminals, strict=True):
                paces.take(terminal)
    print(f"  bare table: row {min(bare.row):.2f} ms, page {min(bare.page):.2f} ms")
    results = []
    for name, bound, limit_ratio, of in (
        ("row_move", 2.5, 2.5 / 1.6, lambda paces: min(paces.row)),
        ("page_down", 14.0, 14.0 / 9.7, lambda paces: min(paces.page)),
    ):
        results += _three(name, bound, limit_ratio, of, bare, many, few)
    frames = sorted(many.frame)
    results.append(
        Result(
            "panel.key_to_frame_ms", median(frames) * 1000, "ms, median", median(bare.frame) * 1000, "lower"
        )
    )
    return results


def _three(
    name: str,
    bound_ms: float,
    bound_ratio: float,
    of: Callable[[_Paces], float],
    bare: _Paces,
    many: _Paces,
    few: _Paces,
) -> list[Result]:
    return [
        Result(f"panel.{name}", of(many), "CPU ms", bound_ms, "lower"),
        Result(f"panel.{name}_ratio", of(many) / of(bare), "x bare table's CPU", bound_ratio, "lower"),
        Result(f"panel.{name}_small", of(few), "CPU ms at 1,000 pages", of(many), "lower"),
    ]


def _rss(workspace: Workspace) -> Result:
    """With the driver's libraries loaded, every page's id read, and a screen of rows looked at."""
    with Terminal(BARE_APP) as terminal:
        terminal.until("ready")
        bare = terminal.rss_mb()
    with Terminal(_bocr(workspace)) as terminal:
        terminal.until("Batches")
        terminal.press(TO_PAGES)
        terminal.watch(8.0)
        for _ in range(PAGES):
            terminal.press(PAGE_DOWN)
        ours = terminal.rss_mb()
    print(f"  memory {ours:.0f} MB, bare app {bare:.0f} MB")
    return Result("panel.rss_mb", ours - bare, "MB over the bare app", 100.0, "lower")


def _idle(workspace: Workspace) -> Result:
    """A list in view and nothing happening."""
    with Terminal(_panel(workspace)) as terminal:
        terminal.until("Batches")
        terminal.press(TO_PAGES)
        terminal.watch(8.0)
        began = terminal.cpu_s()
        terminal.watch(IDLE_S)
        share = (terminal.cpu_s() - began) / IDLE_S
    return Result("panel.idle_cpu", share, "share of a core", 0.01, "lower")


def _stall(workspace: Workspace, report: Path) -> Result:
    """The table scrolls while page events come in."""
    import json

    from benchmarks.panel_ingest import prepare

    job = prepare(workspace)
    with Terminal(_panel(workspace, str(job), str(FEED_S), str(report))) as terminal:
        terminal.until("Batches")
        terminal.press(TO_PAGES)
        ends = time.monotonic() + 20 * FEED_S
        while not report.exists():
            terminal.press(PAGE_DOWN)
            if time.monotonic() > ends:
                raise RuntimeError("the events are not taken in")
    told = json.loads(report.read_text())
    print(f"  ingested {told['events_per_s']:,.0f} events/s while scrolling")
    return Result("panel.stall_ms", told["worst_s"] * 1000, "ms", 50.0, "lower")


FILTERS: tuple[tuple[str, PageOrder], ...] = (
    ("", "document"),
    ("doc:bulletin", "place"),
    ("doc:bulletin", "document"),
    ("state:failed", "confidence"),
    ("class:repetition", "document"),
    ("state:ok", "confidence"),
    ("state:ok", "document"),
    ("conf<0.5 -state:ok page>3", "failure"),
    ("changed<2h", "place"),
)
"""Those that the issue names, and worse ones."""


def _filters(workspace: Workspace) -> list[Result]:
    """The slowest of all: CPU of the thread that reads the first rows' ids, and all ids."""
    reader = open_reader(workspace.catalog_path)
    first, whole = [], []
    for text, order in FILTERS:
        wanted = PageFilter(terms=parse(text, PAGE_FIELDS))
        first.append(_cpu_of(lambda w=wanted, o=order: reader.pages.ids(w, o, limit=CHUNK_ROWS)))
        whole.append(_cpu_of(lambda w=wanted, o=order: reader.pages.ids(w, o)))
        print(
            f"  {text or 'everything'} by {order}: {first[-1] * 1000:.0f} ms, all {whole[-1] * 1000:.0f} ms"
        )
    reader.close()
    return [
        Result("panel.filter_first_s", max(first), "CPU-s, slowest filter", 0.1, "lower"),
        Result("panel.filter_s", max(whole), "CPU-s, slowest filter", 1.0, "lower"),
    ]


SLOW_FILTERS = ("state:ok", "class:repetition", "conf<0.5 -state:ok page>3", "doc:bulletin", "page>3")
FILTERING_S = 2.0
"""Longer than any of them takes until its list is whole, here and with other work beside."""


def _filter_keys(workspace: Workspace) -> Result:
    """Letters of a filter that is counted while it is typed, and moves in its list while that is read."""
    slowest = {}
    with Terminal(_panel(workspace)) as terminal:
        terminal.until("Batches")
        terminal.press(TO_PAGES)
        terminal.watch(4.0)
        slowest["nothing"] = _slowest_moves(terminal)
        for text in SLOW_FILTERS:
            terminal.press(FIND)
            typed = max(terminal.press(letter.encode()) for letter in text)
            terminal.press(b"\r")  # the line closes: a letter sent at once with it may still stand in it
            slowest[text] = max(typed, _slowest_moves(terminal))
            terminal.press(ALL)
            terminal.watch(2.0)
    for text, seconds in slowest.items():
        print(f"  a key while {text} is read: {seconds * 1000:.0f} ms at most")
    return Result("panel.filter_key_ms", max(slowest.values()) * 1000, "ms to a key's frame", 100.0, "lower")


def _slowest_moves(terminal: Terminal) -> float:
    frames = []
    ends = time.monotonic() + FILTERING_S
    while time.monotonic() < ends:
        frames.append(terminal.press(DOWN))
    return max(frames)


def _cpu_of(work: Callable[[], object]) -> float:
    """The least of a few rounds."""
    taken = []
    for _ in range(3):
        began = time.thread_time()
        work()
        taken.append(time.thread_time() - began)
    return min(taken)
