"""Growing, shrinking and joining of ink masks along one axis, by running sums: numpy has no such thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from bocr_worker.prepare.ink import Mask


def counts(mask: Mask, reach: int, axis: int) -> npt.NDArray[np.int32]:
    """For each cell how many cells are set from `reach` before it to `reach` after it, itself included."""
    padding = [(0, 0), (0, 0)]
    padding[axis] = (reach + 1, reach)
    running = np.cumsum(np.pad(mask, padding), axis=axis, dtype=np.int32)
    width = 2 * reach + 1
    if axis == 0:
        return np.asarray(running[width:] - running[:-width])
    return np.asarray(running[:, width:] - running[:, :-width])


def grown(mask: Mask, reach: int, axis: int) -> Mask:
    """Set wherever a cell within `reach` is set."""
    return counts(mask, reach, axis) > 0


def shrunk(mask: Mask, reach: int, axis: int) -> Mask:
    """Set only where every cell within `reach` is set; beyond the edges nothing is."""
    return np.asarray(counts(mask, reach, axis) == 2 * reach + 1)


def joined(mask: Mask, gap: int, axis: int) -> Mask:
    """Gaps of up to `gap` cells between set cells become set."""
    reach = (gap + 1) // 2
    padding = [(0, 0), (0, 0)]
    padding[axis] = (reach, reach)
    closed = shrunk(grown(np.pad(mask, padding), reach, axis), reach, axis)
    inside = slice(reach, -reach)
    return (closed[inside] if axis == 0 else closed[:, inside]) | mask


def long_runs(mask: Mask, least: int, axis: int) -> Mask:
    """Only the runs of at least `least` cells along the axis."""
    reach = max(1, least // 2)
    return grown(shrunk(mask, reach, axis), reach, axis)


def without_specks(mask: Mask) -> Mask:
    """Without cells that have at most one neighbour among the eight around them."""
    around = counts(mask, 1, 0)
    total = np.cumsum(np.pad(around, ((0, 0), (2, 1))), axis=1)
    return mask & (total[:, 3:] - total[:, :-3] > 2)


def holding(mask: Mask, axis: int) -> npt.NDArray[np.bool_]:
    """The rows (axis 1) or columns (axis 0) in which any cell is set."""
    return np.asarray(np.any(mask, axis=axis))


def runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The stretches of set cells, as (first, one past the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(first), int(end)) for first, end in zip(edges[::2], edges[1::2], strict=True)]
