"""A site's checks as they come: connection, scheduler, environments, each with what mends it.

Nothing is brought to the site and no job is submitted; `bocr doctor SITE` does that, too. The checks use a
connection of their own, so that they can be had while the driver's is down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from bocr_tui.config.errors import BocrError
from bocr_tui.ui.driving import LoopThread
from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.widgets.tones import tone_style

if TYPE_CHECKING:
    from bocr_tui.config.check import Check
    from bocr_tui.config.workspace import Workspace
    from bocr_tui.sites.asking import Asker

SIGNS = {"good": ("✓", "ok"), "note": ("!", "warning"), "bad": ("✗", "failed")}


class DoctorScreen(ModalScreen[None]):
    """Runs the checks of `site` for as long as it is open."""

    BINDINGS: ClassVar = [Binding("escape,q,enter", "leave", "Leave", show=False)]

    class Came(Message):
        """Another check is known; None: that was the last."""

        def __init__(self, check: Check | None) -> None:
            super().__init__()
            self.check = check

    class Doing(Message):
        """Something that takes long has begun."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, workspace: Workspace, site: str, asker: Asker) -> None:
        super().__init__()
        self._workspace = workspace
        self._site = site
        self._asker = asker
        self._checks: list[Check] = []
        self._thread = LoopThread("doctor", self._examine)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Label(f"Checks of {clean(self._site)}", markup=False, classes="dialog-title")
            with VerticalScroll():
                yield Static(id="checks")
            yield Label("checking…  esc leaves", markup=False, classes="dialog-hint")

    def on_mount(self) -> None:
        self._thread.start()

    def on_unmount(self) -> None:
        self._thread.cancel()

    async def _examine(self) -> None:
        """In a thread of its own: the site's libraries are imported here, and its answers parsed."""
        from bocr_tui.config.check import BAD, Check

        try:
            await self._examine_site()
        except BocrError as error:
            self.post_message(self.Came(Check("site", BAD, error.cause, error.next_step)))
        except Exception as error:  # noqa: BLE001 - shown to the person; the panel goes on
            said = f"{type(error).__name__}: {error}"
            self.post_message(self.Came(Check("doctor", BAD, said, "Please report this.")))
        self.post_message(self.Came(None))

    async def _examine_site(self) -> None:
        from bocr_tui.sites.doctor.examine import Examination, engines_of, examine
        from bocr_tui.sites.doctor.ways import ways_of
        from bocr_tui.sites.site import open_site

        site = open_site(self._workspace, self._site, self._asker)
        config = self._workspace.config
        engines, ways = engines_of(config, self._site), ways_of(config, self._site)
        what = Examination(engines, bring=False, job=False, ways=ways)
        try:
            async for check in examine(site, what, self._tell):
                self.post_message(self.Came(check))
        finally:
            await site.transport.close()

    def _tell(self, words: str) -> None:
        self.post_message(self.Doing(words))

    @on(Doing)
    def _doing(self, message: Doing) -> None:
        self._hint(f"{clean(message.words)}  esc leaves")

    @on(Came)
    def _came(self, message: Came) -> None:
        if message.check is not None:
            self._checks.append(message.check)
            self.query_one("#checks", Static).update(self._table())
        else:
            self._hint(f"done; bocr doctor {clean(self._site)} also runs a test job  esc leaves")

    def _hint(self, text: str) -> None:
        self.query_one(".dialog-hint", Label).update(Text(text))

    def _table(self) -> Table:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, max_width=24)
        grid.add_column(overflow="fold")
        for check in self._checks:
            sign, tone = SIGNS.get(check.state, ("·", "muted"))
            style = tone_style(self, tone)
            said = Text(clean(check.said))
            if check.next_step:
                said.append(f"\n→ {clean(check.next_step)}", tone_style(self, "muted"))
            grid.add_row(Text(sign, style=style), Text(clean(check.name)), said)
        return grid

    def action_leave(self) -> None:
        self.dismiss(None)
