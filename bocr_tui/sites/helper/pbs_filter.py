"""Our jobs out of everybody's: `qstat -f` read piece by piece, little of it kept.

A job is a line `Job Id: ID`, lines of four blanks, a name, ` = ` and a value, and an empty line. A value may
be folded (line end and tab) and may hold line ends of its own: anybody's environment is in the listing, so
any text can stand in it. What is kept is therefore checked again where it is used.
"""

import re
from typing import Dict, List, Optional, Set

from .pbs_commands import job_number

KEPT = frozenset(
    (
        b"Job_Name",
        b"Job_Owner",
        b"job_state",
        b"substate",
        b"queue",
        b"Hold_Types",
        b"depend",
        b"comment",
        b"run_count",
        b"exec_host",
        b"Exit_status",
    )
)

MAX_LINE_BYTES = 16 * 1024
MAX_BLOCK_BYTES = 64 * 1024

_HEAD = b"Job Id: "
_ATTRIBUTE = re.compile(rb" {4}([A-Za-z_][\w.\-]*) = ")
_OVER = (b"    job_state = F", b"    job_state = X", b"    job_state = M")


class JobFilter:
    """Fed with what qstat prints; keeps the blocks of jobs with these numbers."""

    def __init__(self, ids: List[str]) -> None:
        self._wanted: Set[str] = {job_number(one) for one in ids}
        self._found: Dict[str, List[bytes]] = {}
        self._rest = bytearray()
        self._dropping = False
        self._number: Optional[str] = None
        self._block = bytearray()
        self._keeping = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes. Lines that are too long are cut."""
        self._rest += piece
        lines = bytes(self._rest).split(b"\n")
        self._rest = bytearray(lines.pop())
        for line in lines:
            if self._dropping:
                self._dropping = False
                continue
            self._line(line[:MAX_LINE_BYTES])
        if len(self._rest) > MAX_LINE_BYTES:
            if not self._dropping:
                self._line(bytes(self._rest[:MAX_LINE_BYTES]))
            self._dropping = True
            del self._rest[:]

    def blocks(self) -> Dict[str, List[bytes]]:
        """By job number; call it at the end. A job that is there twice has two."""
        self._close()
        return self._found

    def _line(self, line: bytes) -> None:
        if line.startswith(_HEAD):
            self._close()
            number = job_number(line[len(_HEAD) :].decode("utf-8", "replace").strip())
            self._number = number if number in self._wanted else None
            self._block = bytearray(line + b"\n")
            self._keeping = False
            return
        if self._number is None:
            return
        attribute = _ATTRIBUTE.match(line)
        if attribute is not None:
            self._keeping = attribute.group(1) in KEPT
        elif not line:
            # An empty line ends a job; inside a value it is followed by more of the job.
            self._block += b"\n"
            return
        if self._keeping and len(self._block) + len(line) < MAX_BLOCK_BYTES:
            self._block += line + b"\n"

    def _close(self) -> None:
        if self._number is not None:
            self._found.setdefault(self._number, []).append(bytes(self._block))
        self._number = None


def is_over(block: bytes) -> bool:
    """Whether it says that the job has ended: a listing of living jobs has no such job, so either PBS is
    between two states or somebody's value is lying. Asked by its id, PBS says how."""
    return any(line.startswith(_OVER) for line in block.split(b"\n"))
