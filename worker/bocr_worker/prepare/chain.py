"""Applies the preparations of an order one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bocr_worker.prepare.base import Context, Piece, Step
from bocr_worker.prepare.registry import UnknownPreparation, step_named
from bocr_worker.render.page import RenderFailed, RenderOrder

if TYPE_CHECKING:
    from bocr_worker.protocol.facts import ImageFacts
    from bocr_worker.render.drawn import Drawn

INVERT = "invert"


def prepare(drawn: Drawn, order: RenderOrder, facts: ImageFacts) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    """The pieces in reading order, and the names of the steps that changed something. Raises RenderFailed
    for an unknown step or one that fails on this page.

    A page that is light on dark is inverted even when nothing was ordered: engines read dark on light.
    """
    names = order.preparations
    if facts.inverted and INVERT not in names:
        names = (INVERT, *names)
    context = Context(drawn.dpi, order.right_to_left)
    pieces: tuple[Piece, ...] = (Piece(drawn.pixels),)
    applied = []
    for name in names:
        try:
            changed = apply(step_named(name), pieces, context)
        except UnknownPreparation as error:
            raise RenderFailed(str(error)) from None
        except MemoryError:
            raise
        except Exception as error:
            # Whatever a step trips over fails this page, not the job.
            detail = f"{type(error).__name__}: {error}"[:500]
            raise RenderFailed(f"the preparation {name} failed on this page", detail) from error
        if changed is not None:
            pieces = changed
            applied.append(name)
    return pieces, tuple(applied)


def apply(step: Step, pieces: tuple[Piece, ...], context: Context) -> tuple[Piece, ...] | None:
    """One step on every piece; None where it changed nothing."""
    answers = [step.apply(piece, context) for piece in pieces]
    if all(answer is None for answer in answers):
        return None
    return tuple(
        new
        for piece, answer in zip(pieces, answers, strict=True)
        for new in ((piece,) if answer is None else answer)
    )
