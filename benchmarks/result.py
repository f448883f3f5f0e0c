"""What a benchmark answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Result:
    """One figure. `baseline` is what it is compared with: for a ratio the bare rate that it was divided by,
    otherwise the bound that must hold; `unit` names both or the ratio's."""

    name: str
    value: float
    unit: str
    baseline: float
    better: Literal["higher", "lower"]
