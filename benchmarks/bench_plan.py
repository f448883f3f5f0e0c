"""How level the batches of 100,000 documents are, and how long making them takes."""

from __future__ import annotations

import math
import random
import time

from benchmarks.result import Result
from bocr_tui.planning.balance import Item, balance

NAMES = ("plan.spread", "plan.spread_documents", "plan.spread_two_engines", "plan.seconds")

DOCUMENTS = 100_000
_ROUNDS = 2


def shaped_items(count: int, *, two_engines: bool, seed: int = 1) -> list[Item]:
    """Documents shaped like an archive of gazettes: 85% of 1 to 20 pages, 14% of 50 to 500, 1% of 500 to
    2,000. With two engines, 30% are read by one that takes 0.9 s a page instead of 2.5 s."""
    chance = random.Random(seed)
    items = []
    for document_id in range(count):
        draw = chance.random()
        if draw < 0.85:
            pages = min(20, max(1, int(chance.lognormvariate(1.4, 0.9))))
        else:
            low, high = (50, 500) if draw < 0.99 else (500, 2000)
            pages = int(math.exp(chance.uniform(math.log(low), math.log(high))))
        page_s = 0.9 if two_engines and chance.random() < 0.3 else 2.5
        items.append(Item(document_id, pages, pages * page_s))
    return items


def run() -> list[Result]:
    """Spread is the longest batch over the mean batch, the strictest bound there is. Seconds are those of
    the slowest of the cases, the better of two rounds: what else the machine does only adds."""
    one, two = (shaped_items(DOCUMENTS, two_engines=two_engines) for two_engines in (False, True))
    spreads: dict[str, list[float]] = {}
    slowest_s = 0.0
    for name, items, size in (
        ("plan.spread", one, {"pages": 200}),
        ("plan.spread_documents", one, {"documents": 15}),
        ("plan.spread_documents", two, {"documents": 15}),
        ("plan.spread_two_engines", two, {"pages": 200}),
    ):
        taken_s = []
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            balanced = balance(items, **size)
            taken_s.append(time.perf_counter() - started)
        slowest_s = max(slowest_s, min(taken_s))
        mean_s = math.fsum(balanced.loads_s) / len(balanced.loads_s)
        spreads.setdefault(name, []).append(max(balanced.loads_s) / mean_s)
    results = [Result(name, max(values), "longest/mean", 1.02, "lower") for name, values in spreads.items()]
    return [*results, Result("plan.seconds", slowest_s, "s", 2.0, "lower")]
