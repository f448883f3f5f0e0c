"""What kind of server the stand-in is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """A number that is the same for the same question: `5` or `5-30`, evenly spread over questions."""

    low: float
    high: float

    @classmethod
    def parse(cls, text: str) -> Range:
        low, dash, high = text.partition("-")
        return cls(float(low), float(high if dash else low))

    def of(self, key: str) -> float:
        """`key` decides; any two keys are unrelated."""
        if self.low == self.high:
            return self.low
        digits = hashlib.sha256(f"range {key}".encode()).digest()[:6]
        return self.low + (self.high - self.low) * int.from_bytes(digits, "big") / (1 << 48)


@dataclass(frozen=True)
class Settings:
    """`slots` requests are served at the same time, the rest waits in line. A request takes `service`
    seconds, or with `tokens_per_s` as long as its tokens take at that rate; both times `time_scale`.

    `markup` is the form of the answers: plain, chandra, deepseek or olmocr. With `held`, nobody is served
    before `release`. `most_waiting` (None: no limit) is how long the line may get before 429.
    `health_stall_s` is how long /health takes while every slot is busy. `start_s`: the port is opened that
    late; a server that loads is not there. `metrics` False: there is no /metrics. `ledger`: a file that gets
    a line for each question, the SHA-256 of its image, before anything else is done about it.
    """

    slots: int = 4
    model: str = "stand-in"
    service: str = "0"
    tokens: str = "60"
    tokens_per_s: float = 0.0
    time_scale: float = 1.0
    markup: str = "plain"
    held: bool = False
    most_waiting: int | None = None
    health_stall_s: float = 0.0
    start_s: float = 0.0
    metrics: bool = True
    api_key: str = ""
    version: str = "0.11.2"
    retry_after: str = "0"
    max_model_len: int = 16384
    ledger: str = ""

    def service_s(self, key: str, tokens: int) -> float:
        seconds = tokens / self.tokens_per_s if self.tokens_per_s else Range.parse(self.service).of(key)
        return seconds * self.time_scale
