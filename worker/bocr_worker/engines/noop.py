"""noop: reads nothing and says so. For benchmarks of the pipeline and tests of what may go wrong in it.

Its text is made from the image's bytes, so that a test can tell pages apart. Options (of the engine order, or
of a variation):

- `answer`: `text` (default), `empty`, `loop` (the same line again and again), `junk` (private-use characters)
- `sleep_s`: how long an answer takes
- `only`: a prefix of the image's SHA-256 in hex; the options below, and `answer`, apply to such images alone
- `raise`: the reader raises; `die`: its process ends; `hang`: it never answers
- `refuse`: the engine is not available here; `load`: `raise`, `die` or `hang` while it is loaded
- `mortal`: its process dies of the signals that a scheduler sends to a whole job
- `tokens`: so many out, and twice as many in, for each page

Given any of these in its order it runs in a child process, otherwise inside the worker.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from bocr_worker.engines import library_options as accepts
from bocr_worker.engines.base import Ask, EngineSpec, EngineUnavailable
from bocr_worker.protocol.recognition import Block, Confidence, Recognition, Usage

_LINES = 12


class NoopReader:
    """Answers at once, whatever the image."""

    version = "1"
    weights = "none"

    def __init__(self, options: Mapping[str, Any], threads: int = 1) -> None:
        self._options = dict(options)
        if options.get("refuse"):
            raise EngineUnavailable("noop", "it was told to refuse", "Leave out the option refuse.")
        if options.get("load") == "die":
            os._exit(71)
        if options.get("load") == "raise":
            raise RuntimeError("told not to load")
        while options.get("load") == "hang":
            time.sleep(3600)
        if options.get("mortal"):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def read(self, ask: Ask) -> Recognition:
        options = {**self._options, **ask.options}
        digest = hashlib.sha256(ask.image.encoded).hexdigest()
        if options.get("sleep_s"):
            time.sleep(float(options["sleep_s"]))
        answer = "text"
        if digest.startswith(str(options.get("only", ""))):
            _misbehave(options)
            answer = str(options.get("answer", "text"))
        lines = _lines(answer, digest)
        text = "\n".join(lines)
        height = 1.0 / max(1, len(lines))
        blocks = tuple(
            Block(line, (0.0, number * height, 1.0, (number + 1) * height), "line", 1.0)
            for number, line in enumerate(lines)
        )
        language = ask.languages[0] if ask.languages else None
        confidence = Confidence(1.0, 1.0) if lines else Confidence()
        tokens = int(options.get("tokens", 0))
        usage = Usage(2 * tokens, tokens) if tokens else Usage()
        return Recognition(text, text, blocks, confidence=confidence, language=language, usage=usage)


def _misbehave(options: Mapping[str, Any]) -> None:
    if options.get("raise"):
        raise RuntimeError("told to fail on this page")
    if options.get("die"):
        os._exit(70)
    while options.get("hang"):
        time.sleep(3600)


def _lines(answer: str, digest: str) -> list[str]:
    if answer == "text":
        parts = [digest[at : at + 5] for at in range(0, 60, 5)]
        return [f"page {part} of no reading at all, line {number}" for number, part in enumerate(parts, 1)]
    if answer == "loop":
        return [f"page {digest[:5]} goes round and round"] * (8 * _LINES)
    if answer == "junk":
        return ["\ue000\ue001\ufffd \ue002\ufffd\ue003 \ufffd\ue004\ue005" for _ in range(_LINES)]
    if answer == "empty":
        return []
    raise ValueError(f"the noop engine has no answer called {answer!r}")


def _check() -> EngineUnavailable | None:
    return None


SPEC = EngineSpec(
    name="noop",
    title="No reading at all (for benchmarks and tests)",
    languages=None,
    dpi=144,
    load=NoopReader,
    check=_check,
    processes_for=lambda cores: (1, 1),
    runtime="inline",
    options={
        "answer": accepts.one_of("text", "empty", "loop", "junk"),
        "sleep_s": accepts.number(0.0, 86_400.0),
        "only": accepts.text,
        "raise": accepts.flag,
        "die": accepts.flag,
        "hang": accepts.flag,
        "refuse": accepts.flag,
        "load": accepts.one_of("raise", "die", "hang"),
        "mortal": accepts.flag,
        "tokens": accepts.whole(0, 1_000_000),
    },
)
