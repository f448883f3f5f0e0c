"""Running actions from the panel: in a thread, with a word afterwards, never lost when they fail."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bocr_tui.actions.action import Action, CatalogHandle, Context, Options, Outcome, Selection
from bocr_tui.config.errors import BocrError
from bocr_tui.config.workspace import Workspace

if TYPE_CHECKING:
    from bocr_tui.sites.asking import Asker

REASONS_SHOWN = 3
"""Different reasons of refusals in one word to the person: the commonest."""


@dataclass(frozen=True)
class Said:
    """What the person is told afterwards."""

    text: str
    severity: Literal["information", "warning", "error"] = "information"


class Doer:
    """The workspace's actions. One catalog connection for writing, opened when the first action runs."""

    def __init__(self, workspace: Workspace, asker: Asker, read_only: str = "") -> None:
        """`read_only` is why nothing may be changed, empty where it may."""
        self._workspace = workspace
        self._read_only = read_only
        self._asker = asker
        self._catalog = CatalogHandle(workspace.catalog_path, create=False)

    def why_not(self, action: Action, selection: Selection) -> str | None:
        """Why it cannot be done now; None if it can."""
        if self._read_only and action.writes:
            return f"{action.title} changes something, and {self._read_only}."
        return action.when(self._context(selection))

    def must_confirm(self, action: Action, selection: Selection) -> bool:
        return action.must_confirm(self._context(selection))

    async def run(
        self, action: Action, selection: Selection, options: Options | None = None, *, driven: bool
    ) -> Said:
        """Do it. `driven`: something drives the jobs, so no next step is needed for that."""
        if self._read_only and action.writes:
            return Said(f"{action.title} changes something, and {self._read_only}.", "warning")
        try:
            if action.begins:
                self._catalog.may_create()
            given = replace(options or Options(), asker=self._asker)
            outcome = await asyncio.to_thread(action.run, self._context(selection), given)
        except BocrError as error:
            return Said(f"{error.cause} {error.next_step}".strip(), "error")
        except Exception as error:  # noqa: BLE001 - shown to the person; the panel goes on
            return Said(f"{action.title} failed: {type(error).__name__}: {error}", "error")
        return _said(outcome, driven)

    async def foresee(
        self, action: Action, selection: Selection, options: Options
    ) -> tuple[Selection, Said | None]:
        """Those of the selected rows that it would take now, and what there is to say of the others."""
        if action.refuses is None or action.selects is None:
            return selection, None
        try:
            refused = await asyncio.to_thread(action.refuses, self._context(selection), options)
        except BocrError as error:
            nothing = selection.without(action.selects, getattr(selection, action.selects))
            return nothing, Said(f"{error.cause} {error.next_step}".strip(), "error")
        except Exception:  # noqa: BLE001 - the order itself meets it again, and tells it
            return selection, None
        if not refused:
            return selection, None
        able = selection.without(action.selects, (row for row, _ in refused))
        return able, Said(" ".join(_reasons(refused)), "warning")

    async def costs(self, action: Action, selection: Selection, options: Options) -> tuple[str, ...]:
        """What is known beforehand of what it would cost, in sentences."""
        from bocr_tui.actions.costs import costs

        try:
            return await asyncio.to_thread(costs, action, self._context(selection), options)
        except Exception as error:  # noqa: BLE001 - a question's side remark; the question stays
            return (f"What that costs could not be estimated: {type(error).__name__}.",)

    def _context(self, selection: Selection) -> Context:
        return Context(self._workspace, self._catalog, selection)

    def close(self) -> None:
        self._catalog.close()


def _said(outcome: Outcome, driven: bool) -> Said:
    parts = [] if outcome.refused and not outcome.count else [outcome.text]
    parts += _reasons(outcome.refused)
    if outcome.next_step and not driven:
        parts.append(outcome.next_step)
    well = outcome.well and not outcome.refused
    return Said(" ".join(parts), "information" if well else "warning")


def _reasons(refused: Sequence[tuple[int, str]]) -> Iterator[str]:
    """The commonest reasons, each with how many rows it is of."""
    reasons = Counter(reason for _, reason in refused)
    for reason, count in reasons.most_common(REASONS_SHOWN):
        many = "Refused" if count == 1 else f"{count:,} refused"
        yield f"{many}: {reason.rstrip('.')}."
