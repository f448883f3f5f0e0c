"""Pieces of documents into a given number of batches: the longest first, each into the batch that is least
full, then pages moved from the batches that are too full.

The first step is Graham's LPT rule (1969), here with an optional limit on the pieces of a batch; archives
hold so many short documents that it levels nearly everything by itself. Only what is still above the limit
is cut.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt

_HAIR = 1e-9
"""Relative slack for sums of floats."""

Part = tuple[float, int, int]
"""Cost in seconds, place of the document in the list given, number of pages. Which pages of a document
they are does not matter until the end, because they all cost the same."""


@dataclass
class Filling:
    """Batches being filled."""

    parts: list[list[Part]]
    loads_s: list[float]
    cap: int | None

    @property
    def longest_s(self) -> float:
        return max(self.loads_s)

    def has_room(self, batch: int, document: int) -> bool:
        """Whether the batch may hold a page of this document without exceeding its number of documents."""
        parts = self.parts[batch]
        return self.cap is None or len(parts) < self.cap or any(part[1] == document for part in parts)


def cut(pages: Sequence[int], page_costs_s: Sequence[float], longest_s: float, step_s: float) -> list[Part]:
    """Every document as one part, those longer than `longest_s` as parts of about `step_s`."""
    parts: list[Part] = []
    for document, (count, cost_s) in enumerate(zip(pages, page_costs_s, strict=True)):
        if count * cost_s <= longest_s * (1 + _HAIR):
            parts.append((count * cost_s, document, count))
            continue
        step = pages_within(step_s, cost_s)
        full, rest = divmod(count, step)
        parts += [(step * cost_s, document, step)] * full
        if rest:
            parts.append((rest * cost_s, document, rest))
    return parts


def parts_of_cut(
    pages: npt.NDArray[np.int64], page_costs_s: npt.NDArray[np.float64], longest_s: float, step_s: float
) -> int:
    """How many parts `cut` would make."""
    steps = np.maximum(1, np.floor(step_s / page_costs_s * (1 + _HAIR)))
    counts = np.where(pages * page_costs_s <= longest_s * (1 + _HAIR), 1, np.ceil(pages / steps))
    return int(counts.sum())


def pages_within(seconds: float, page_cost_s: float) -> int:
    """Whole pages that fit into so many seconds; at least one, because a page cannot be cut."""
    return max(1, int(seconds / page_cost_s * (1 + _HAIR)))


def fill(parts: list[Part], batches: int, cap: int | None) -> Filling:
    """Longest part first, always into the least full batch that may still take one. There must be room:
    no more parts than batches × cap."""
    content: list[list[Part]] = [[] for _ in range(batches)]
    loads_s = [0.0] * batches
    heap = [(0.0, batch) for batch in range(batches)]
    for part in sorted(parts, key=itemgetter(0), reverse=True):
        load_s, batch = heap[0]
        load_s += part[0]
        loads_s[batch] = load_s
        content[batch].append(part)
        if cap is not None and len(content[batch]) >= cap:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (load_s, batch))
    return Filling(content, loads_s, cap)


def level(filling: Filling, page_costs_s: Sequence[float], limit_s: float) -> None:
    """Move pages out of the batches above `limit_s` into the least full ones, whole documents if that does
    it, otherwise by cutting one. Stops where no move would shorten the batch at hand."""
    limit_s *= 1 + _HAIR
    loads_s = filling.loads_s
    receivers = [(load_s, batch) for batch, load_s in enumerate(loads_s) if load_s < limit_s]
    heapq.heapify(receivers)
    donors = sorted(
        (batch for batch, load_s in enumerate(loads_s) if load_s > limit_s), key=lambda batch: -loads_s[batch]
    )
    for donor in donors:
        while loads_s[donor] > limit_s and receivers:
            load_s, receiver = heapq.heappop(receivers)
            if load_s != loads_s[receiver]:
                continue
            if not _relieve(filling, donor, receiver, page_costs_s, limit_s):
                if filling.cap is None:
                    heapq.heappush(receivers, (load_s, receiver))
                    break
                continue
            if loads_s[receiver] < limit_s:
                heapq.heappush(receivers, (loads_s[receiver], receiver))


def _relieve(
    filling: Filling, donor: int, receiver: int, page_costs_s: Sequence[float], limit_s: float
) -> bool:
    """One move from donor to receiver; False when none helps."""
    loads_s = filling.loads_s
    excess_s = loads_s[donor] - limit_s
    room_s = limit_s - loads_s[receiver]
    parts = [part for part in filling.parts[donor] if filling.has_room(receiver, part[1])]
    whole = [part for part in parts if excess_s <= part[0] <= room_s]
    if whole:
        part = min(whole)
        _move(filling, donor, receiver, part, part[2], page_costs_s[part[1]])
        return True
    for part in sorted(parts, reverse=True):
        cost_s = page_costs_s[part[1]]
        if loads_s[receiver] + cost_s >= loads_s[donor] * (1 - _HAIR):
            continue
        wanted = math.ceil(excess_s / cost_s * (1 - _HAIR))
        count = max(1, min(wanted, pages_within(max(room_s, 0.0), cost_s), part[2]))
        _move(filling, donor, receiver, part, count, cost_s)
        return True
    return False


def occupy(filling: Filling, page_costs_s: Sequence[float]) -> None:
    """Give every empty batch a share of the longest one that can be shared."""
    longest = [(-load_s, batch) for batch, load_s in enumerate(filling.loads_s)]
    heapq.heapify(longest)
    for receiver in [batch for batch, parts in enumerate(filling.parts) if not parts]:
        while longest:
            load_s, donor = heapq.heappop(longest)
            parts = filling.parts[donor]
            if -load_s != filling.loads_s[donor] or sum(part[2] for part in parts) < 2:
                continue
            part = max(parts)
            count = (part[2] + 1) // 2
            _move(filling, donor, receiver, part, count, page_costs_s[part[1]])
            for batch in (donor, receiver):
                heapq.heappush(longest, (-filling.loads_s[batch], batch))
            break


def _move(filling: Filling, donor: int, receiver: int, part: Part, count: int, cost_s: float) -> None:
    """So many pages of the part go over, and join what the receiver has of that document."""
    _, document, pages = part
    filling.parts[donor].remove(part)
    if pages > count:
        filling.parts[donor].append(((pages - count) * cost_s, document, pages - count))
    there = next((other for other in filling.parts[receiver] if other[1] == document), None)
    if there is not None:
        filling.parts[receiver].remove(there)
        count += there[2]
    filling.parts[receiver].append((count * cost_s, document, count))
    for batch in (donor, receiver):
        filling.loads_s[batch] = math.fsum(entry[0] for entry in filling.parts[batch])
