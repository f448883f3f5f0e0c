"""What the terminal says of itself, asked before the panel takes it over.

Three questions are sent at once, the last one (DA1) being one that every terminal answers, in order: when
that answer is there, none is outstanding. A terminal at the other end of a slow line may answer later than
anybody wants to wait: then the panel starts, and `late_answers` keeps the answers from becoming keys.
"""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
import tty
from collections.abc import Mapping
from dataclasses import dataclass

QUESTIONS = b"\x1b_Gi=7331,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[c"
"""Does it know kitty's images; how large is a cell; which terminal is it (a 4 among the numbers: sixel)."""

HERE_S, AFAR_S = 0.3, 1.2
"""A terminal here answers within a frame; over SSH it takes a round trip, on a bad line several."""

KITTY = re.compile(rb"\x1b_Gi=7331[^;\x1b]*;([^\x1b]*)\x1b\\")
CELL = re.compile(rb"\x1b\[6;(\d{1,4});(\d{1,4})t")
DEVICE = re.compile(rb"\x1b\[\?([\d;]*)c")

_MOST_BYTES = 65_536


@dataclass(frozen=True)
class Answers:
    """`cell_px` is width and height, None where it was not said. `complete`: nothing more will come."""

    kitty: bool = False
    sixel: bool = False
    cell_px: tuple[int, int] | None = None
    complete: bool = True


def read_answers(said: bytes) -> Answers:
    """What a terminal's bytes say."""
    kitty, cell, device = KITTY.search(said), CELL.search(said), DEVICE.search(said)
    return Answers(
        kitty=kitty is not None and kitty[1] == b"OK",
        sixel=device is not None and b"4" in device[1].split(b";")[1:],
        cell_px=(int(cell[2]), int(cell[1])) if cell is not None else None,
        complete=device is not None,
    )


def patience_s(environment: Mapping[str, str]) -> float:
    """How long to wait for the answers."""
    afar = environment.get("SSH_CONNECTION") or environment.get("SSH_TTY")
    return AFAR_S if afar else HERE_S


def ask_terminal(timeout_s: float, source: int | None = None, sink: int | None = None) -> Answers:
    """Ask, and wait until all is answered or the time is over. `source` and `sink` are the terminal's file
    descriptors. Keys pressed meanwhile are dropped. A terminal that cannot be asked has no answers."""
    source = sys.__stdin__.fileno() if source is None and sys.__stdin__ is not None else source
    sink = sys.__stdout__.fileno() if sink is None and sys.__stdout__ is not None else sink
    if source is None or sink is None or os.environ.get("TERM", "") in ("", "dumb", "linux"):
        return Answers()
    try:
        before = termios.tcgetattr(source)
    except termios.error:
        return Answers()
    try:
        tty.setcbreak(source, termios.TCSANOW)
        os.write(sink, QUESTIONS)
        said = _hear(source, time.monotonic() + timeout_s)
    except OSError:
        return Answers()
    finally:
        termios.tcsetattr(source, termios.TCSANOW, before)
    found = read_answers(said)
    return found if found.cell_px else _with_cell(found, sink)


def _hear(source: int, until: float) -> bytes:
    said = b""
    while not DEVICE.search(said) and len(said) < _MOST_BYTES:
        left = until - time.monotonic()
        if left <= 0 or not select.select([source], [], [], left)[0]:
            break
        piece = os.read(source, 4096)
        if not piece:
            break
        said += piece
    return said


def _with_cell(found: Answers, sink: int) -> Answers:
    """The size of a cell as the terminal's driver knows it, where the terminal did not say."""
    import fcntl
    import struct

    try:
        said = fcntl.ioctl(sink, termios.TIOCGWINSZ, b"\0" * 8)
    except OSError:
        return found
    rows, columns, width, height = struct.unpack("HHHH", said)
    if not (rows and columns and width and height):
        return found
    return Answers(found.kitty, found.sixel, (width // columns, height // rows), found.complete)
