"""What can go wrong, for whom and how often."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

STATUS = ("400", "401", "403", "404", "413", "429", "500", "502", "503")
KINDS = (
    *STATUS,
    "hang",  # takes the request and never answers; holds its slot
    "lost",  # never answers and holds no slot: an engine that hangs behind a server that lives
    "truncated",  # finish_reason `length` in the middle of a line
    "loop",  # the same line until max_tokens
    "empty",  # nothing, finish_reason `stop`
    "markup",  # markup that no parser can make sense of
    "doubt",  # token probabilities far below a half in the middle of the page
    "odd_logprobs",  # null, NaN, positive and enormous log probabilities
    "no_logprobs",
    "crash",  # the whole server is gone at once
    "dying",  # the engine is gone: 500 for everybody, no health, and soon no server
    "reset",  # the connection is cut before an answer
    "reset_body",  # …and in the middle of one
    "malformed",  # half of the JSON, with the length of it
    "html",  # a page of a proxy that knows nothing of JSON, status 200
    "no_choices",
    "huge",  # an answer that does not end
)


@dataclass
class Fault:
    """`times` None: for ever. The rest says whom it meets: images whose SHA-256 starts with `image`,
    prompts that hold `prompt`, requests at a temperature below `cooler_than`, and of those the `share` that
    the image's hash picks."""

    kind: str
    times: int | None = None
    image: str = ""
    prompt: str = ""
    cooler_than: float | None = None
    share: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no fault {self.kind!r}; known: {', '.join(KINDS)}")

    def meets(self, image: str, prompt: str, temperature: float) -> bool:
        if self.times == 0 or not image.startswith(self.image) or self.prompt not in prompt:
            return False
        if self.cooler_than is not None and temperature >= self.cooler_than:
            return False
        if self.share >= 1.0:
            return True
        digits = hashlib.sha256(f"{self.kind} {image}".encode()).digest()[:6]
        return int.from_bytes(digits, "big") / (1 << 48) < self.share


@dataclass
class FaultPlan:
    """The first fault that meets a request is its own; a fault with `times` is used up."""

    faults: list[Fault] = field(default_factory=list)

    def add(self, kind: str, times: int | None = None, **meets: Any) -> Fault:
        fault = Fault(kind, times, **meets)
        self.faults.append(fault)
        return fault

    def next(self, image: str, prompt: str, temperature: float) -> str:
        """The kind, or nothing."""
        for fault in self.faults:
            if fault.meets(image, prompt, temperature):
                if fault.times is not None:
                    fault.times -= 1
                return fault.kind
        return ""

    def clear(self) -> None:
        self.faults.clear()
