"""What a person says of the page they look at: accepted, edited, compared, read again by another engine."""

from __future__ import annotations

from functools import partial

from textual import work
from textual.app import SuspendNotSupported

from bocr_tui.actions.action import Options, Selection
from bocr_tui.actions.registry import action_named
from bocr_tui.config.errors import BocrError
from bocr_tui.ui.page_read import Read
from bocr_tui.ui.page_story import PageStory
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.screens.compare import CompareScreen
from bocr_tui.ui.screens.picking_engine import resubmit_with


class ReviewingScreen(PanelScreen[None]):
    """A screen on one page: `story` and `attempt` (an index, None without attempts) say what is shown."""

    story: PageStory | None
    attempt: int | None
    read: Read
    place: str

    def selection(self) -> Selection:
        if self.story is None:
            return Selection()
        page = self.story.page
        return Selection(pages=(page.id,), page_states=frozenset({page.state}))

    async def perform(self, action_id: str, selection: Selection, options: Options | None = None) -> None:
        """Accepting takes the attempt that is shown; editing asks the editor first."""
        if self.story is None:
            return
        options = None if options == Options() else options  # typed without any
        if action_id == "page.accept" and options is None and self.attempt is not None:
            options = Options(attempt=self.attempt + 1)
        if action_id == "page.edit" and options is None:
            reason = self.panel.doer.why_not(action_named(action_id), selection)
            if reason is not None:
                self.panel.tell(reason, "warning")
                return
            text = self._edited()
            if text is None:
                return
            options = Options(attempt=None if self.attempt is None else self.attempt + 1, text=text)
        await super().perform(action_id, selection, options)

    def _edited(self) -> str | None:
        """What the editor left; None: nothing to keep, and the person is told why. The panel waits meanwhile:
        the terminal is the editor's."""
        from bocr_tui.actions.editing import edit_text
        from bocr_tui.ui.lending import lend_terminal

        try:
            edited = lend_terminal(self.app, partial(edit_text, *self.read.to_edit))
        except SuspendNotSupported:
            self.panel.tell("There is no terminal here for an editor: use `bocr edit`.", "warning")
            return None
        except BocrError as error:
            self.panel.tell(f"{error.cause} {error.next_step}".strip(), "error")
            return None
        if edited is None:
            self.panel.tell("Nothing was changed, and nothing kept.")
        return edited

    @work(exclusive=True, group="pick")
    async def action_resubmit_with(self) -> None:
        """Ask which engine, and read the page again by that one alone."""
        if self.story is not None:
            await resubmit_with(self, [attempt.engine for attempt in self.story.attempts])

    def action_compare(self) -> None:
        """The shown attempt beside the one that is the page's text, or else the one before it."""
        story, shown = self.story, self.attempt
        if story is None or shown is None or len(story.attempts) < 2:
            self.panel.tell("There are no two attempts to compare.", "warning")
            return
        others = [index for index, each in enumerate(story.attempts) if each.result_file and index != shown]
        if not others:
            self.panel.tell("No other attempt left a text to compare with.", "warning")
            return
        accepted = [index for index in others if story.attempts[index].id == story.page.accepted_attempt_id]
        other = (accepted or [index for index in others if index < shown][-1:] or others)[0]
        first, second = sorted((shown, other))
        self.app.push_screen(CompareScreen(story, first, second, self.place))

    def to_copy(self) -> str:
        return self.read.text
