"""Where a job's output goes: the spool, then its place; or its place at once with -k d."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Output:
    """`out_path` and `err_path` lead to the final files or folders; `spool` is the node's own place."""

    job: str
    spool: str
    out_path: str
    err_path: str
    join: str
    keep: str
    umask: str
    home: str
    name: str
    seq: int
    patience_s: float
    out: int = -1
    err: int = -1
    keep_spool: bool = False
    """The job goes back to the queue: its next run goes on in the same files."""

    @property
    def _mode(self) -> int:
        return 0o666 & ~(int(self.umask, 8) if self.umask else 0o077)

    def _place(self, letter: str) -> Path:
        """Where this stream is written while the job runs."""
        final = Path(self.out_path if letter == "o" else self.err_path)
        if letter in self.keep and "d" in self.keep:
            return self._inside(final, letter)
        if letter in self.keep:
            return Path(self.home) / f"{self.name}.{letter}{self.seq}"
        return Path(self.spool) / self._spooled(letter)

    def _spooled(self, letter: str) -> str:
        return f"{self.job}.{'OU' if letter == 'o' else 'ER'}"

    def _inside(self, final: Path, letter: str) -> Path:
        """A folder gets a file named after the job."""
        text = self.out_path if letter == "o" else self.err_path
        return final / self._spooled(letter) if text.endswith("/") or final.is_dir() else final

    def open(self) -> bool:
        """False when a place cannot be opened: the job cannot start."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        old = os.umask(0)
        try:
            if self.join != "eo":
                self.out = os.open(self._place("o"), flags, self._mode)
            if self.join != "oe":
                self.err = os.open(self._place("e"), flags, self._mode)
        except OSError:
            return False
        finally:
            os.umask(old)
        self.err = self.out if self.join == "oe" else self.err
        self.out = self.err if self.join == "eo" else self.out
        return True

    def close(self) -> None:
        for number in {self.out, self.err}:
            os.close(number)

    def deliver(self) -> int:
        """Copies the spool to the final places. 1: done; 0: it stays on the node; -1: it will be needed."""
        if self.keep_spool:
            return -1
        letters = {"oe": "o", "eo": "e"}.get(self.join, "oe")
        done = 1
        for letter in letters:
            place = self._place(letter)
            if place.parent != Path(self.spool):
                continue
            final = Path(self.out_path if letter == "o" else self.err_path)
            done = min(done, self._copy(place, self._inside(final, letter)))
        return done

    def _copy(self, place: Path, final: Path) -> int:
        until = time.monotonic() + self.patience_s
        while True:
            try:
                shutil.copyfile(place, final)
                final.chmod(self._mode)
                place.unlink()
            except OSError:
                if time.monotonic() >= until:
                    return 0
                time.sleep(min(0.2, self.patience_s))
                continue
            return 1
