"""What a gazette is made of, whatever its language."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

Slots = dict[str, Callable[[random.Random], str]]
"""What may stand in a template's {slot}."""


@dataclass(frozen=True)
class Masthead:
    """The head of a first page: three centred lines, the first in large letters."""

    title: str
    notice: str
    issue: str


@dataclass(frozen=True)
class Decree:
    """A bold title and the paragraphs below it."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A ruled table across the page. `rows` start with the head; the first column is the widest."""

    title: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Wording:
    """One language's texts. Each function draws from the random numbers it is given and from nothing else."""

    code: str
    right_to_left: bool
    page_number: Callable[[int], str]
    masthead: Callable[[random.Random], Masthead]
    decree: Callable[[random.Random], Decree]
    table: Callable[[random.Random], Table]


def filled(template: str, rng: random.Random, slots: Slots) -> str:
    """`template` with every {slot} drawn anew, from left to right."""
    pieces: list[str] = []
    rest = template
    while "{" in rest:
        before, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        pieces += [before, slots[name](rng)]
    return "".join([*pieces, rest])


def held(rng: random.Random, slots: Slots, *names: str) -> Slots:
    """`slots` with these drawn once and for all: what one decree keeps saying in the same words."""
    return {**slots, **{name: one_of(slots[name](rng)) for name in names}}


def one_of(*values: str) -> Callable[[random.Random], str]:
    """A slot that holds one of these."""
    return lambda rng: rng.choice(values)


def between(least: int, most: int, step: int = 1) -> Callable[[random.Random], str]:
    """A slot that holds a number, both ends included."""
    return lambda rng: str(rng.randrange(least, most + 1, step))


def money(amount: int) -> str:
    """An amount of thousands as a French or Moroccan table prints it: 12.500."""
    return f"{amount // 1000}.{amount % 1000:03d}" if amount >= 1000 else str(amount)
