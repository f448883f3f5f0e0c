"""The method that a model's own code brings along (DeepSeek-OCR v1: `infer`): one page at a time.

It takes a file, prints while it writes, leaves files behind, and tells nothing of how the answer ended. So
it gets a folder of its own, its words go nowhere, and the `generate` that it calls is listened to: that tells
the end, the tokens and their probabilities. Code that calls none leaves all three unknown.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bocr_worker.protocol.recognition import Usage
from bocr_worker.runtimes.openai.answers import Completion
from bocr_worker.runtimes.transformers.generating import (
    Model,
    criteria_list,
    ends_of,
    processors_list,
    sampling_keywords,
)
from bocr_worker.runtimes.transformers.watching import LATE, Watch
from bocr_worker.runtimes.transformers.wire import InferCall, Late, Row, RowAnswer

_LEFT_BEHIND = ("result.mmd", "result.md", "result.txt")
_LONGEST_BYTES = 4 * 1024 * 1024


class NoText(Exception):
    """The method gave back no text, and left none behind."""


class Nowhere(io.TextIOBase):
    """Takes what is printed and forgets it."""

    def write(self, text: str) -> int:
        return len(text)


def infer(loaded: Model, call: InferCall, row: Row, scratch: Path) -> RowAnswer:
    """Raises what the code raises, and NoText."""
    listened = _Listened(loaded, row)
    with tempfile.TemporaryDirectory(prefix="page-", dir=scratch) as name:
        folder = Path(name)
        page = folder / f"page.{_ending(row.image)}"
        page.write_bytes(row.image)
        output = folder / "output"
        output.mkdir()
        method = getattr(loaded.model, call.method)
        with contextlib.redirect_stdout(Nowhere()), listened.to_generate():
            said = method(
                loaded.tokenizer,
                prompt=call.before + row.text,
                image_file=str(page),
                output_path=str(output),
                **dict(row.keywords),
            )
        left = None if isinstance(said, str) else _left_behind(output)
    return listened.answer(said if isinstance(said, str) else left)


def _ending(encoded: bytes) -> str:
    return "png" if encoded.startswith(b"\x89PNG") else "jpg"


def _left_behind(folder: Path) -> str | None:
    """The text of the file that the method wrote, if it is one."""
    for name in _LEFT_BEHIND:
        path = folder / name
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= _LONGEST_BYTES:
            return path.read_text(encoding="utf-8", errors="replace")
    return None


class _Listened:
    """Stands between the method and the model's `generate`."""

    def __init__(self, loaded: Model, row: Row) -> None:
        self._loaded = loaded
        self._row = row
        self._watch: Watch | None = None
        self._ends: frozenset[int] = frozenset()
        self._prompt_tokens: int | None = None

    @contextlib.contextmanager
    def to_generate(self) -> Iterator[None]:
        model = self._loaded.model
        original = getattr(model, "generate", None)
        if original is None:
            yield
            return
        object.__setattr__(model, "generate", self._instead_of(original))
        try:
            yield
        finally:
            object.__delattr__(model, "generate")

    def _instead_of(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def generate(*inputs: Any, **keywords: Any) -> Any:
            row = self._row
            self._ends = self._ends_said(keywords)
            self._watch, processors = self._loaded.watch([row], self._ends)
            given = inputs[0] if inputs else keywords.get("input_ids", keywords.get("inputs"))
            shape = getattr(given, "shape", None)
            self._prompt_tokens = int(shape[-1]) if shape is not None else None
            if row.sampling.temperature > 0:
                keywords.update(sampling_keywords(row.sampling))
            keywords["stopping_criteria"] = criteria_list(
                [*(keywords.get("stopping_criteria") or ()), self._watch]
            )
            keywords["logits_processor"] = processors_list(
                [*(keywords.get("logits_processor") or ()), *processors]
            )
            return original(*inputs, **keywords)

        return generate

    def _ends_said(self, keywords: dict[str, Any]) -> frozenset[int]:
        said = keywords.get("eos_token_id")
        if said is None:
            return ends_of(self._loaded.model, self._loaded.tokenizer)
        return frozenset(said if isinstance(said, (list, tuple)) else [said])

    def answer(self, text: str | None) -> RowAnswer:
        watch = self._watch
        if watch is None:
            if text is None:
                raise NoText("the model's code gave back no text")
            return Completion(text, "unknown", Usage())
        row = watch.rows[0]
        if row.finish == LATE:
            return Late(len(row.ids))
        if not row.finish:  # a limit of the code's own, before ours
            row.finish = "length"
        heard = self._loaded.answer(row, self._prompt_tokens or 0, self._ends)
        assert isinstance(heard, Completion)
        usage = Usage(self._prompt_tokens, heard.usage.completion_tokens)
        return Completion(heard.text if text is None else text, heard.finish, usage, heard.tokens)
