"""Documents into batches that take equally long. Pure: numbers in, page ranges out.

A batch's length is its estimated seconds. Documents stay whole where they can; one that is longer than a
batch is cut by page range, and as few others as it takes to level the batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from bocr_tui.planning.filling import Filling, Part, cut, fill, level, occupy, parts_of_cut

_TOLERANCE = 1.015
"""The longest batch may be this much above the bound before documents are cut to level it; 2% is
promised."""

_CUT_SHARES = (0.95, 0.9)
"""With a limit on documents, a document longer than a batch is cut into parts of this share of one, so that
short documents can share its batches; otherwise they would all crowd into the others. Found by trial over
limits of 2 to 50 documents: whole batches leave a spread of 1.05, shares below 0.85 one of 1.2."""

_GROWTH = (1.0, 1.025, 1.05, 1.1)
"""Steps by which batches are added while they cannot be level."""

_MOST_GROWTH = 2.0
"""At most so many times the batches that the limit on documents needs by itself. Reached only with one or
two documents a batch, where long ones cannot be levelled against short ones."""


@dataclass(frozen=True, slots=True)
class Item:
    """A document: how many pages of it are to be read, and the seconds that takes."""

    document_id: int
    pages: int
    cost_s: float


@dataclass(frozen=True, slots=True)
class Piece:
    """Pages `first` to `last` of a document, counted from 1 among the pages that are to be read."""

    document_id: int
    first: int
    last: int
    cost_s: float

    @property
    def pages(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class Balance:
    """The batches, each with its seconds, and the bound below which the longest cannot be."""

    batches: tuple[tuple[Piece, ...], ...]
    loads_s: tuple[float, ...]
    bound_s: float

    @property
    def spread(self) -> float:
        """Longest batch over the bound: 1 is perfect. 1 without batches."""
        return max(self.loads_s) / self.bound_s if self.loads_s else 1.0


def balance(
    items: Sequence[Item],
    *,
    pages: int | None = None,
    documents: int | None = None,
    batches: int | None = None,
) -> Balance:
    """Batches of about `pages` pages, or of at most `documents` documents, or so many `batches`.

    Exactly one of the three is given. `pages` sets the mean, and is the most a batch holds when all pages
    cost the same. With `documents` a piece of a document counts as one. Raises ValueError for sizes or costs
    that are not positive.
    """
    _check(items, pages, documents, batches)
    items = [item for item in items if item.pages]
    if not items:
        return Balance((), (), 0.0)
    task = _Task.of(items)
    if documents is not None:
        return _result(items, *_by_documents(task, documents))
    count = batches if batches is not None else math.ceil(task.total_pages / (pages or 1))
    count = min(count, task.total_pages)
    filling, bound_s = _by_count(task, count, pages)
    if batches is not None:
        occupy(filling, task.page_costs_s.tolist())
    return _result(items, filling, bound_s)


def _check(items: Sequence[Item], pages: int | None, documents: int | None, batches: int | None) -> None:
    sizes = [size for size in (pages, documents, batches) if size is not None]
    if len(sizes) != 1:
        raise ValueError("exactly one of pages, documents and batches is needed")
    if sizes[0] < 1:
        raise ValueError(f"a size of {sizes[0]} is none")
    for item in items:
        if item.pages < 0 or (item.pages and not 0 < item.cost_s < math.inf):
            raise ValueError(f"document {item.document_id}: {item.pages} pages at {item.cost_s} s")


@dataclass(frozen=True)
class _Task:
    """The items as columns."""

    pages: npt.NDArray[np.int64]
    page_costs_s: npt.NDArray[np.float64]
    total_pages: int
    total_s: float

    @classmethod
    def of(cls, items: Sequence[Item]) -> _Task:
        pages = np.array([item.pages for item in items], dtype=np.int64)
        costs_s = np.array([item.cost_s for item in items], dtype=np.float64)
        return cls(pages, costs_s / pages, int(pages.sum()), float(costs_s.sum()))

    @property
    def uniform(self) -> bool:
        """Whether every page costs the same."""
        low, high = float(self.page_costs_s.min()), float(self.page_costs_s.max())
        return high - low <= 1e-9 * high

    def bound_s(self, batches: int) -> float:
        """No way of making so many batches has a shorter longest one: it is no less than the mean, the
        dearest page, and the cheapest pages of the batch that has the most."""
        most = math.ceil(self.total_pages / batches)
        order = np.argsort(self.page_costs_s)
        taken = np.clip(most - np.cumsum(self.pages[order]) + self.pages[order], 0, self.pages[order])
        cheapest_s = float((taken * self.page_costs_s[order]).sum())
        return max(self.total_s / batches, float(self.page_costs_s.max()), cheapest_s)

    def bound_with_cap_s(self, batches: int, cap: int) -> float:
        """The same, when documents may be cut into at most batches × cap parts in all."""
        low = self.bound_s(batches)
        if self._parts(low) <= batches * cap:
            return low
        high = float((self.pages * self.page_costs_s).max())
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (low, middle) if self._parts(middle) <= batches * cap else (middle, high)
        return high

    def _parts(self, longest_s: float) -> int:
        return parts_of_cut(self.pages, self.page_costs_s, longest_s, longest_s)

    def cut(self, longest_s: float, share: float = 1.0) -> list[Part]:
        return cut(self.pages.tolist(), self.page_costs_s.tolist(), longest_s, share * longest_s)


def _by_count(task: _Task, count: int, pages: int | None) -> tuple[Filling, float]:
    bound_s = task.bound_s(count)
    limit_s = bound_s * _TOLERANCE
    if pages is not None and task.uniform:
        limit_s = max(bound_s, min(limit_s, pages * float(task.page_costs_s[0])))
    filling = fill(task.cut(bound_s), count, None)
    level(filling, task.page_costs_s.tolist(), limit_s)
    return filling, bound_s


def _by_documents(task: _Task, cap: int) -> tuple[Filling, float]:
    """As few batches as the limit on documents allows, and a few more where only they can be level."""
    fewest = math.ceil(len(task.pages) / cap)
    most = min(math.ceil(fewest * _MOST_GROWTH), task.total_pages)
    count = fewest
    tried: list[tuple[float, Filling, float]] = []
    for growth in _GROWTH:
        count = _enough_batches(
            task, min(most, max(count + (growth > 1), math.ceil(count * growth))), cap, most
        )
        bound_s = task.bound_with_cap_s(count, cap)
        for filling in _with_cap(task, count, cap, bound_s):
            tried.append((filling.longest_s / bound_s, filling, bound_s))
            if tried[-1][0] <= _TOLERANCE * (1 + 1e-9):
                return tried[-1][1:]
        if count >= most:
            break
    return min(tried, key=lambda entry: entry[0])[1:]


def _enough_batches(task: _Task, count: int, cap: int, most: int) -> int:
    """More batches until there is a place for every part: shorter batches cut more documents."""
    while count < most:
        longest_s = task.bound_s(count)
        parts = parts_of_cut(task.pages, task.page_costs_s, longest_s, _CUT_SHARES[0] * longest_s)
        if parts <= count * cap:
            return count
        count = max(count + 1, math.ceil(parts / cap))
    return most


def _with_cap(task: _Task, count: int, cap: int, bound_s: float) -> Iterator[Filling]:
    """Fillings with long documents cut one way and another; none with a part left over."""
    for share in (*_CUT_SHARES, 1.0):
        parts = task.cut(bound_s, share)
        if len(parts) <= count * cap:
            filling = fill(parts, count, cap)
            level(filling, task.page_costs_s.tolist(), bound_s * _TOLERANCE)
            yield filling


def _result(items: Sequence[Item], filling: Filling, bound_s: float) -> Balance:
    """Batches in the order of their first documents, each in the order of the documents given. A document
    that was cut is dealt out in page order, one range a batch."""
    contents: list[dict[int, int]] = []
    for parts in filling.parts:
        content: dict[int, int] = {}
        for _, place, pages in sorted(parts, key=itemgetter(1)):
            content[place] = content.get(place, 0) + pages
        if content:
            contents.append(content)
    contents.sort(key=lambda content: next(iter(content)))
    dealt = [0] * len(items)
    batches = []
    for content in contents:
        pieces = []
        for place, pages in content.items():
            item, first = items[place], dealt[place] + 1
            dealt[place] += pages
            pieces.append(Piece(item.document_id, first, dealt[place], item.cost_s * pages / item.pages))
        batches.append(tuple(pieces))
    loads_s = tuple(math.fsum(piece.cost_s for piece in batch) for batch in batches)
    return Balance(tuple(batches), loads_s, bound_s)
