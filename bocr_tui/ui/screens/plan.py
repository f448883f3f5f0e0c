"""Plan: what is in no batch yet, batches that nobody has sent, and what the next step would do."""

from __future__ import annotations

from typing import ClassVar

from textual import on

from bocr_tui.actions.action import Options, Selection
from bocr_tui.actions.registry import action_named
from bocr_tui.catalog.list_query import PageFilter
from bocr_tui.catalog.list_rows import BatchRow, DocumentRow
from bocr_tui.catalog.words import BatchState
from bocr_tui.config.errors import BocrError
from bocr_tui.ui import plan_form
from bocr_tui.ui.acting import LEFT_AS_IT_IS, action_binding
from bocr_tui.ui.planning import submit_command
from bocr_tui.ui.screens.asking import Confirm, Pick
from bocr_tui.ui.screens.entering import Paper
from bocr_tui.ui.screens.pages import PagesScreen
from bocr_tui.ui.screens.plan_view import PlanView, named
from bocr_tui.ui.telling_plan import nothing_new
from bocr_tui.ui.widgets.virtual_table import VirtualTable
from bocr_tui.ui.wording import duration, things

OWN = ("workspace.plan", "batch.submit", "batch.foretell", "batch.script")
"""The actions that the values at the right are for."""


class PlanScreen(PlanView):
    """Plans what is marked, or all; sends the batches that are marked, or the one under the cursor. Both are
    shown before they are done, and asked about."""

    BINDINGS: ClassVar = [
        action_binding("workspace.plan"),
        action_binding("batch.submit"),
        action_binding("batch.foretell"),
        action_binding("batch.script"),
        action_binding("batch.unplan", show=False),
    ]

    def selection(self) -> Selection:
        if not self._there:
            return Selection()
        ids, _ = self._batches()
        states = frozenset({str(BatchState.PLANNED)}) if ids else frozenset()
        return Selection(documents=tuple(self._chosen() or ()), batches=tuple(ids), batch_states=states)

    async def perform(self, action_id: str, selection: Selection, options: Options | None = None) -> None:
        """What is planned and sent by the values at the right; with options that were typed, by these. A key
        that comes before the configuration is read waits for it."""
        if action_id not in OWN or (options or Options()) != Options():
            await super().perform(action_id, selection, options)
            return
        await self._facts_read.wait()
        if not self.is_current:
            return
        reason = self.panel.doer.why_not(action_named(action_id), selection)
        try:
            if self._no_facts is not None:
                raise self._no_facts
            if action_id == "batch.script":
                await self._script()
            elif action_id == "batch.foretell" and not self._of_batches:
                await self._dry_plan()
            elif reason is not None:
                self.panel.tell(reason, "warning")
            elif action_id == "workspace.plan":
                await self._plan(selection)
            elif action_id == "batch.foretell":
                await self._dry_submission()
            else:
                await self._submit(action_id, selection)
        except BocrError as error:
            self.panel.tell(f"{error.cause} {error.next_step}".strip(), "error")

    def acted(self, action_id: str) -> None:
        self._want_preview()
        if action_id == "workspace.plan":
            self.documents.unmark()
        elif action_id in ("batch.submit", "batch.unplan"):
            self.planned.unmark()

    async def _plan(self, selection: Selection) -> None:
        assert self._previews is not None
        if self._choices.needs_size:
            self.panel.tell("Say how many first: tab, then How many.", "warning")
            return
        numbers = await self._previews.plan(self._choices, self._chosen())
        if not numbers["batches"]:
            self.panel.tell(nothing_new(self._of_what()))
            return
        made = things(len(numbers["batches"]), "batch", "batches")
        consequence = (
            f"{things(numbers['pages'], 'page')} of {things(numbers['documents'], 'document')}, "
            f"about {duration(numbers['estimated_slots_s'])} ({numbers['estimated_from']}). "
            "Nothing is sent yet."
        )
        command = self._plan_twin()
        question = Confirm(f"Make {made}?", consequence, "Plan", command=command)
        if await self.panel.push_screen_wait(question):
            await self._do("workspace.plan", selection)
            self.documents.unmark()
        else:
            self.panel.tell(LEFT_AS_IT_IS)

    async def _submit(self, action_id: str, selection: Selection) -> None:
        assert self._previews is not None
        _, names = self._batches()
        told = await self._previews.submission(self._choices, selection.batches)
        command = submit_command(self._choices, names)
        what = things(len(selection.batches), "batch", "batches")
        said = told.text.removesuffix("Nothing was changed.").replace(" would ", " will ").strip()
        question = Confirm(f"Submit {what}?", said, "Submit", command=command)
        if await self.panel.push_screen_wait(question):
            await self._do(action_id, selection)
            self.planned.unmark()
        else:
            self.panel.tell(LEFT_AS_IT_IS)

    async def _do(self, action_id: str, selection: Selection) -> None:
        action = action_named(action_id)
        said = await self.panel.doer.run(
            action, selection, self._choices.options, driven=self.panel.is_driven
        )
        self.panel.tell(said.text, said.severity)
        await self.panel.look_now()
        self._reread()

    async def _dry_plan(self) -> None:
        assert self._previews is not None
        numbers = await self._previews.plan(self._choices, self._chosen())
        lines = [
            f"{batch['name']:<8}{batch['pages']:>9,} pages {batch['documents']:>7,} documents   "
            f"{duration(batch['estimated_s'])}"
            for batch in numbers["batches"]
        ]
        command = f"{self._plan_twin()} --dry-run"
        said = f"{things(len(lines), 'batch', 'batches')} would be made. Nothing was changed."
        self.panel.push_screen(Paper("Dry run of the plan", "\n".join([*lines, "", command]), said))

    async def _dry_submission(self) -> None:
        assert self._previews is not None
        ids, names = self._batches()
        told = await self._previews.submission(self._choices, ids)
        sentences = told.text.replace(". ", ".\n")
        command = f"{submit_command(self._choices, names)} --dry-run"
        title = f"Dry run of submitting {named(names)}"
        self.panel.push_screen(Paper(title, f"{sentences}\n\n{command}", wrap=True))

    async def _script(self) -> None:
        """Ask which stage where there are several."""
        assert self._previews is not None and self._facts is not None
        site = plan_form.site_of(self._choices, self._facts)
        engines = self._choices.stages or (site.engines if site is not None else ())
        stage = 1
        if len(engines) > 1:
            choices = [(str(number), f"{number}  {engine}") for number, engine in enumerate(engines, 1)]
            said = await self.panel.push_screen_wait(Pick("The script of which stage?", choices))
            if said is None:
                return
            stage = int(said)
        ids, _ = self._batches()
        outcome = await self._previews.script(
            self._choices, ids[0] if self._of_batches and ids else None, stage
        )
        title = f"Script of stage {stage}, {outcome.numbers['engine']}, on {outcome.numbers['site']}"
        self.panel.push_screen(Paper(title, outcome.text, outcome.next_step))

    @on(VirtualTable.Selected)
    def _selected(self, message: VirtualTable.Selected) -> None:
        row = message.row
        if isinstance(row, BatchRow):
            within, came_from = PageFilter(batch_id=row.id), f"batch {row.name}"
        else:
            assert isinstance(row, DocumentRow)
            within, came_from = PageFilter(document_id=row.id), row.name
        self.app.push_screen(PagesScreen(within, came_from, place=self.PLACE))
