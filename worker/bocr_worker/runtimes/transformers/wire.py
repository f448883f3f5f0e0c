"""What the runtime and its child processes say to each other: plain data that survives a pipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.runtimes.openai.answers import Completion


@dataclass(frozen=True)
class InferCall:
    """engines/vision/native.Infer without its function: that is called on this side of the pipe."""

    method: str
    before: str
    auto_class: str


@dataclass(frozen=True)
class Opening:
    """What a child loads. `model` is a folder, or a name that the hub's cache may know; `native` has no
    functions in it, `infer` stands for its own. `prompt_tokens` and `answer_tokens` are what one page is
    expected to take of the memory."""

    engine: str
    model: str
    native: NativeCall
    infer: InferCall | None
    trust_remote_code: bool
    device: str
    dtype: str
    attention: str
    batch_size: int
    logprobs: bool
    stop_loops: bool
    threads: int
    scratch: str
    answer_tokens: int = 4096
    random_weights: bool = False


@dataclass(frozen=True)
class Loaded:
    """What a child says once it can be asked."""

    version: str
    weights: str
    device: str
    dtype: str
    load_s: float
    batch_size: int
    takes_batches: bool


@dataclass(frozen=True)
class Row:
    """One question of a batch. `fields` are those of a server's request body, `processor_options` what the
    model's processor is given besides; `keywords` what the remote code's method is."""

    image: bytes
    text: str
    system: str
    sampling: Sampling
    deadline_s: float
    fields: Mapping[str, Any] = field(default_factory=dict)
    processor_options: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Late:
    """The deadline passed; `tokens` were written until then."""

    tokens: int


@dataclass(frozen=True)
class Problem:
    """This row cannot be read: the exception's name and words."""

    kind: str
    message: str


@dataclass(frozen=True)
class Again:
    """Something went wrong with the batch, and only alone the row can show whether it was its fault."""

    kind: str
    message: str


RowAnswer = Completion | Late | Problem | Again


@dataclass(frozen=True)
class Answers:
    """One for each row, in their order. `peak_bytes` is the most GPU memory that was held."""

    rows: tuple[RowAnswer, ...]
    peak_bytes: int = 0


@dataclass(frozen=True)
class TooMany:
    """The memory did not suffice for so many rows; nothing was read."""

    rows: int
    message: str
