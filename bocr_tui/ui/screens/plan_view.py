"""The Plan screen's panes: two lists with marks, the order's values, and what the next step would do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from bocr_tui.catalog.list_query import BatchFilter
from bocr_tui.catalog.list_rows import BatchRow, DocumentRow
from bocr_tui.catalog.lists import NoCatalog
from bocr_tui.catalog.unplanned import unplanned_documents
from bocr_tui.catalog.words import BatchState
from bocr_tui.config.errors import BocrError
from bocr_tui.ui import plan_form
from bocr_tui.ui.nothing_here import nothing_to_plan
from bocr_tui.ui.planning import Choices, PlanFacts, Previews, plan_command, plan_facts, submit_command
from bocr_tui.ui.reading import CatalogList
from bocr_tui.ui.screens.asking import Pick
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.screens.entering import Enter
from bocr_tui.ui.screens.find import FindLine
from bocr_tui.ui.sheets_plan import PlannedSheet, UnplannedSheet
from bocr_tui.ui.telling_plan import ALL_NEW, about_plan, about_submission
from bocr_tui.ui.telling_script import script_text
from bocr_tui.ui.widgets.facts import Facts, Words
from bocr_tui.ui.widgets.form import Form
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.mark_table import MarkTable
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PartsLine, PlaceLine, TopLine
from bocr_tui.ui.widgets.virtual_table import VirtualTable
from bocr_tui.ui.wording import count, things
from bocr_tui.ui.work import begin

PREVIEW_AFTER_S = 0.15
"""After the last change of what is chosen: a plan of a million pages takes seconds of a thread."""

REREAD_REST_S = 2.0
"""Between two readings of the lists while the catalog changes all the time."""


class PlanView(PanelScreen[None]):
    """Two lists with marks at the left; the order's values and a preview at the right."""

    PLACE = "plan"

    SCOPED_CSS = False
    CSS = """
    #plan-lists { width: 1fr; }
    #plan-lists #table { height: 3fr; }
    #plan-batches { height: 2fr; border-top: hkey $panel; }
    #plan-order { width: 38; background: $surface; border-left: vkey $panel; }
    #plan-title { height: 1; background: $panel; }
    #plan-order #form { height: auto; max-height: 50%; padding: 0 1 1 1; }
    #plan-script { display: none; width: 78; padding: 0 1; border-left: vkey $panel; background: $surface; }
    #script { text-wrap: nowrap; text-overflow: ellipsis; }
    PlanView.-normal #plan-order { width: 56; }
    PlanView.-wide #plan-order { width: 54; }
    PlanView.-wide #plan-script { display: block; }
    """

    BINDINGS: ClassVar = [
        Binding("slash", "find", "Find", show=False, key_display="/", tooltip="Only names with some text."),
        Binding("tab", "pane(1)", "Next pane", show=False, tooltip="Documents, batches, values, and round."),
        Binding("shift+tab", "pane(-1)", "Pane before", show=False, tooltip="The other way round."),
        Binding("escape", "back", "Back", tooltip="Clear marks, then the filter.", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._choices = Choices()
        self._facts: PlanFacts | None = None
        self._no_facts: BocrError | None = None
        self._facts_read = asyncio.Event()
        self._previews: Previews | None = None
        self._preview_timer: Timer | None = None
        self._busy = self._again = False
        self._reread_later: Timer | None = None

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        yield PlaceLine(id="place")
        with Horizontal(id="body"):
            with Vertical(id="plan-lists"):
                yield MarkTable(UnplannedSheet(), id="table", quiet=(NoCatalog,))
                with Vertical(id="plan-batches"):
                    yield MarkTable(PlannedSheet(), id="planned", quiet=(NoCatalog,))
            with Vertical(id="plan-order"):
                yield PartsLine(id="plan-title")
                yield Form(id="form")
                yield Facts(id="forecast")
            with VerticalScroll(id="plan-script", can_focus=False):
                yield Static(id="script")
        yield FindLine()
        yield KeyLine()

    def on_mount(self) -> None:
        super().on_mount()
        self._previews = Previews(self.panel.workspace)
        self._show_lists()
        self.documents.focus()
        self.query_one("#forecast", Facts).say("Loading…")
        self.app.theme_changed_signal.subscribe(self, lambda _: self._want_preview())
        begin(self, self._load_facts, group="facts")

    async def on_unmount(self) -> None:
        if self._previews is not None:
            await self._previews.close()

    @property
    def _there(self) -> bool:
        """Whether the panes are there: timers and messages may come while the screen goes away."""
        return bool(self.query("#table") and self.query("#planned") and self.query("#form"))

    @property
    def documents(self) -> MarkTable[DocumentRow]:
        return self.query_one("#table", MarkTable)

    @property
    def planned(self) -> MarkTable[BatchRow]:
        return self.query_one("#planned", MarkTable)

    @property
    def _of_batches(self) -> bool:
        """Whether the preview is of a submission, not of a plan: by where one stands."""
        return self.planned.has_focus or (self._nothing_to_plan and not self.documents.has_focus)

    @property
    def _nothing_to_plan(self) -> bool:
        return self.documents.loaded and not self.documents.row_count and not self._text

    # Lists and marks

    def _show_lists(self) -> None:
        self._show_documents()
        waiting = BatchFilter(states=(str(BatchState.PLANNED),))
        planned: CatalogList[BatchRow] = CatalogList(
            self.panel.reading,
            lambda reader, limit: reader.batches.ids(waiting, "oldest", limit=limit),
            lambda reader, ids: reader.batches.rows(ids),
        )
        self.planned.show(planned, Notice("No batch waits.", "P plans what stands above."))

    def _show_documents(self) -> None:
        text = self._text
        source: CatalogList[DocumentRow] = CatalogList(
            self.panel.reading,
            lambda reader, limit: unplanned_documents(reader, text, limit),
            lambda reader, ids: reader.documents.rows(ids),
        )
        none = Notice(f"No unplanned document with “{text}” in its name.", "esc shows all.")
        self.documents.show(source, none if text else nothing_to_plan(self.panel.sight.counts))

    def changed(self) -> None:
        if self._reread_later is None:
            self._reread_later = self.set_timer(REREAD_REST_S, self._reread)

    def action_reread(self) -> None:
        self._reread()

    def _reread(self) -> None:
        if self._reread_later is not None:
            self._reread_later.stop()
        self._reread_later = None
        if not self._there:
            return
        self.documents.reread()
        self.planned.reread()
        self._want_preview()

    @on(VirtualTable.Loaded)
    def _loaded(self) -> None:
        if not self._there:
            return
        self.tell_place()
        self._want_preview()

    def tell_standing(self) -> None:
        super().tell_standing()
        if self.is_mounted:
            self.tell_place()

    def tell_place(self) -> None:
        """The second line: what is marked, the filter, how much there is; or why it may be old."""
        if not self._there:
            return
        if not self._text:
            self.documents.tell_empty(nothing_to_plan(self.panel.sight.counts))
        parts: list[Part] = [(f"name “{self._text}”  ", "accent")] if self._text else []
        marks = len(self.documents.marked) + len(self.planned.marked)
        if marks:
            parts.append((f"{count(marks)} marked  ", "accent"))
        for table, thing, things_ in (
            (self.documents, "document", "documents"),
            (self.planned, "batch", "batches"),
        ):
            if table.trouble is not None and table.loaded:
                parts.append(("stale, ctrl+r tries again  ", "warning"))
                break
            if table.loaded:
                parts.append((f"{things(table.row_count, thing, things_)}  ", "muted"))
        self.tell_place_line(tuple(parts))
        twin = "" if self._facts is None else self._command()
        self.tell_line("#plan-title", ((" the same: ", "muted"), (twin, "plain")) if twin else ())

    @on(MarkTable.Marked)
    def _marked(self) -> None:
        self.tell_place()
        self._want_preview()

    # The order's values

    async def _load_facts(self) -> None:
        try:
            self._facts = await asyncio.to_thread(plan_facts, self.panel.workspace)
        except BocrError as error:
            self._no_facts = error
            self.query_one("#forecast", Facts).say(f"{error.cause} {error.next_step}", "failed")
        else:
            self._choices_changed(self._choices)
        finally:
            self._facts_read.set()

    def _choices_changed(self, choices: Choices) -> None:
        self._choices = choices
        if self._facts is not None:
            self.query_one(Form).show(plan_form.fields(choices, self._facts))
            self.tell_place()
            self._want_preview()

    @on(Form.Changing)
    def _changing(self, message: Form.Changing) -> None:
        facts = self._facts
        if facts is None:
            return
        if message.step is None:
            self._choices_changed(plan_form.changed(message.field, None, self._choices, facts))
        elif message.step and (new := plan_form.cycled(message.field, message.step, self._choices, facts)):
            self._choices_changed(new)
        else:
            self._ask(message.field, facts)

    @work(exclusive=True, group="ask")
    async def _ask(self, field: str, facts: PlanFacts) -> None:
        label = next(each.label for each in plan_form.fields(self._choices, facts) if each.id == field)
        offered = plan_form.offered(field, self._choices, facts)
        if offered:
            said = await self.panel.push_screen_wait(Pick(label, offered))
        else:
            check = plan_form.check_of(field, self._choices, facts)
            value = plan_form.typed(field, self._choices)
            said = await self.panel.push_screen_wait(Enter(label, value, plan_form.TYPED[field], check))
        if said is not None:
            self._choices_changed(plan_form.changed(field, said or None, self._choices, facts))

    # Previews

    def _want_preview(self) -> None:
        if self._preview_timer is not None:
            self._preview_timer.stop()
        self._preview_timer = self.set_timer(PREVIEW_AFTER_S, self._begin_preview)

    def _begin_preview(self) -> None:
        """One at a time: what is asked for meanwhile is asked for once, afterwards."""
        if self._facts is None or not self._there:
            return
        if not self.documents.loaded:
            self._tell_no_preview()
            return
        if self._busy:
            self._again = True
            return
        self._busy = True
        begin(self, self._preview, group="preview", exclusive=False)

    def _tell_no_preview(self) -> None:
        """The lists say why; here it must not look as if something were still on its way."""
        if (trouble := self.documents.trouble) is not None:
            none = isinstance(trouble, NoCatalog)
            self.query_one("#forecast", Facts).say("Nothing yet." if none else "What is new is not known.")

    async def _preview(self) -> None:
        pane = self.query_one("#forecast", Facts)
        try:
            while True:
                self._again = False
                pane.show(await self._forecast())
                await self._show_script()
                if not self._again:
                    break
        except BocrError as error:
            pane.say(
                f"{error.cause} {error.next_step}", "plain" if isinstance(error, NoCatalog) else "failed"
            )
        finally:
            self._busy = False

    async def _forecast(self) -> Sequence[Any]:
        assert self._previews is not None
        if self._of_batches:
            ids, names = self._batches()
            if ids:
                return about_submission(await self._previews.submission(self._choices, ids), named(names))
            return [Words((("No batch waits to be sent.", "muted"),))]
        if self._choices.needs_size:
            return [Words((("Say how many.", "warning"),))]
        return about_plan(await self._previews.plan(self._choices, self._chosen()), self._of_what())

    async def _show_script(self) -> None:
        """In the third pane, where there is one."""
        pane = self.query_one("#plan-script")
        if not self.shown(pane) or self._previews is None:
            return
        ids, _ = self._batches()
        outcome = await self._previews.script(self._choices, ids[0] if self._of_batches and ids else None, 1)
        for script in self.query("#script").results(Static):
            script.update(script_text(self, outcome))

    def _chosen(self) -> list[int] | None:
        """The documents that P would plan; None: all."""
        if self.documents.marked:
            return list(self.documents.marked)
        return list(self.documents.ids) if self._text else None

    def _of_what(self) -> str:
        if self.documents.marked:
            return f"{things(len(self.documents.marked), 'marked document')}"
        return f"documents with “{self._text}”" if self._text else ALL_NEW

    def _batches(self) -> tuple[list[int], list[str]]:
        """The batches that s would send: ids and names."""
        if self.planned.marked:
            return list(self.planned.marked), list(self.planned.marked.values())
        row = self.planned.current
        return ([], []) if row is None else ([row.id], [row.name])

    def _command(self) -> str:
        if self._of_batches:
            _, names = self._batches()
            return submit_command(self._choices, names) if names else ""
        return self._plan_twin()

    def _plan_twin(self) -> str:
        """The command that plans what P would."""
        return plan_command(self._choices, list(self.documents.marked.values()) or None)

    @on(VirtualTable.Highlighted)
    def _highlighted(self, message: VirtualTable.Highlighted) -> None:
        if message.table is self.planned and self._of_batches:
            self.tell_place()
            self._want_preview()

    def on_descendant_focus(self) -> None:
        self.tell_place()
        self._want_preview()

    def on_resize(self) -> None:
        super().on_resize()
        self._want_preview()

    def action_pane(self, step: int) -> None:
        panes: list[Widget] = [self.documents, self.planned, self.query_one(Form)]
        at = next((place for place, pane in enumerate(panes) if pane.has_focus), 0)
        panes[(at + step) % len(panes)].focus()

    def action_find(self) -> None:
        self.query_one(FindLine).ask(self._text)

    @on(FindLine.Asked)
    def _asked(self, message: FindLine.Asked) -> None:
        self.documents.focus()
        if message.text is not None and message.text != self._text:
            self._text = message.text
            self._show_documents()

    def action_back(self) -> None:
        if self.documents.marked or self.planned.marked:
            self.documents.unmark()
            self.planned.unmark()
        elif self._text:
            self._text = ""
            self._show_documents()
        else:
            super().action_back()


def named(names: Sequence[str]) -> str:
    """One batch's name, or how many there are."""
    return names[0] if len(names) == 1 else things(len(names), "batch", "batches")
