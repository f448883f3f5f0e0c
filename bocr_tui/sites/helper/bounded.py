"""Programs that may hang, chatter without end or leave children behind: run under a deadline, their output
bounded."""

import contextlib
import os
import signal
import subprocess
import threading
from typing import IO, Any, Dict, List, Optional

REAPED_WITHIN_S = 1.0
"""How long output is still read after the program ended: its own children may hold the pipe open."""

PLAIN = "set +euC"
"""What profiles and people's lines may have switched on and what is ours is not written for."""


def login_shell(lines: List[str], line: bytes) -> List[Any]:
    """The command that runs lines of a person's and then ours, as a job does: in a login shell of bash."""
    return ["bash", "-l", "-c", "\n".join([PLAIN, *lines, PLAIN]).encode() + b"\n" + line]


def run_bounded(
    command: List[Any], timeout_s: float, max_bytes: int, environment: Optional[Dict[str, str]] = None
) -> Dict[str, Any]:
    """Run it with nothing on standard input, in a session of its own, which is killed at the end.

    Returns {"status": exit status or None, "late": whether the deadline passed, "out", "err": bytes, the
    last `max_bytes` of each}. Raises OSError when it cannot be started.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    kept = [_Tail(stream, max_bytes) for stream in (process.stdout, process.stderr) if stream is not None]
    late = False
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        if not late:
            for tail in kept:
                tail.join(REAPED_WITHIN_S)
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for tail in kept:
        tail.join(REAPED_WITHIN_S)
    status = None if late else process.returncode
    return {"status": status, "late": late, "out": kept[0].bytes(), "err": kept[1].bytes()}


class _Tail(threading.Thread):
    """Reads a stream to its end and keeps the last bytes."""

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        threading.Thread.__init__(self)
        self.daemon = True
        self._stream = stream
        self._max_bytes = max_bytes
        self._kept = b""
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                chunk = os.read(self._stream.fileno(), 65536)
                if not chunk:
                    break
                self._kept = (self._kept + chunk)[-self._max_bytes :]

    def bytes(self) -> bytes:
        return self._kept
