"""Answers one question on the login node: a frame in, a frame out, nothing left behind.

The question is `{"call": name, "root": path, "arguments": [...], "timeout_s": seconds}`, the answer one of
`{"ok": value}`, `{"refused": [cause, next step]}`, `{"timeout": words}`, `{"os_error": words}` and
`{"error": words}`. A question that does not arrive whole is not carried out. Whatever else is printed, by the
functions or by what they start, goes to stderr.
"""

import hashlib
import os
import signal
import sys
from typing import Any, BinaryIO, Callable, Dict, Optional

from .calls import FUNCTIONS, STREAMS
from .frames import BROKEN, CUT, MAX_HEADER_BYTES, BadFrame, build_frame, read_header, unpack
from .refusal import Refused

MAX_QUESTION_BYTES = 512 * 1024 * 1024


class OutOfTime(BaseException):
    """The time for an answer is over. No `except Exception` on the way shall swallow it."""


def main() -> int:
    """Returns the exit code."""
    answer_to = os.dup(1)
    os.dup2(2, 1)
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what was begun is finished when the connection is lost
    question_from = open(0, "rb", buffering=1 << 17, closefd=False)  # noqa: SIM115 - stdin, and ours alone
    try:
        nonce, question = _read_question(question_from)
    except BadFrame as error:
        sys.stderr.write("bocr: %s\n" % error)
        return CUT
    try:
        function = _find(question["call"])
    except Exception as error:
        sys.stderr.write("bocr: the helper does not load: %s\n" % error)
        return BROKEN
    frame = build_frame(nonce, _answer(function, question, question_from))
    try:
        _write_whole(answer_to, frame)
    except OSError:
        return CUT
    os._exit(0)  # nothing is left to flush, and ending in order takes as long as starting does


def _read_question(stream: BinaryIO) -> Any:
    nonce, size, digest = read_header(stream.readline(MAX_HEADER_BYTES))
    if size > MAX_QUESTION_BYTES:
        raise BadFrame("the question is too long")
    payload = stream.read(size)
    if hashlib.sha256(payload).hexdigest() != digest:
        raise BadFrame("the question did not arrive whole")
    return nonce, unpack(payload, MAX_QUESTION_BYTES)


def _find(name: str) -> Optional[Callable[..., Any]]:
    try:
        return FUNCTIONS[name]
    except KeyError:
        return None


def _answer(
    function: Optional[Callable[..., Any]], question: Dict[str, Any], stream: BinaryIO
) -> Dict[str, Any]:
    if function is None:
        words = "There is no function %s on the site." % question["call"]
        return {"refused": [words, "Update bocr: both sides must agree."]}
    before = [question["root"]] + ([stream] if question["call"] in STREAMS else [])
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_REAL, question["timeout_s"])
    try:
        return {"ok": function(*before, *question["arguments"])}
    except Refused as error:
        return {"refused": [str(error), error.next_step]}
    except OutOfTime:
        return {"timeout": "it took longer than %d s" % question["timeout_s"]}
    except Exception as error:
        return _told(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _told(error: Exception) -> Dict[str, Any]:
    subprocess = sys.modules.get("subprocess")  # what nobody has loaded nobody has raised
    if isinstance(error, TimeoutError) or (subprocess and isinstance(error, subprocess.TimeoutExpired)):
        return {"timeout": str(error)}
    if isinstance(error, OSError) or (subprocess and isinstance(error, subprocess.SubprocessError)):
        return {"os_error": str(error)}
    return {"error": "%s: %s" % (type(error).__name__, error)}


def _out_of_time(number: int, frame: Optional[Any]) -> None:
    del number, frame
    raise OutOfTime


def _write_whole(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


if __name__ == "__main__":
    sys.exit(main())
