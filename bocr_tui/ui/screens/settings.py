"""Settings: what is in force, who says so, what it means; the panel's own can be changed here."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Static

from bocr_tui.actions.action import Options, Selection
from bocr_tui.actions.registry import action_named
from bocr_tui.config.errors import BocrError
from bocr_tui.ui.panel_settings import read_panel_settings
from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.screens.asking import Pick
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.screens.entering import Enter
from bocr_tui.ui.screens.find import FindLine
from bocr_tui.ui.settings_reading import SettingList, SettingsRead, in_force, read_settings, stamp_of
from bocr_tui.ui.sheets_settings import (
    BY_PANEL,
    RESTARTED,
    SettingRow,
    SettingSheet,
    about_setting,
    meaning_of,
)
from bocr_tui.ui.widgets.facts import Facts
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PlaceLine, TopLine
from bocr_tui.ui.widgets.virtual_table import VirtualTable
from bocr_tui.ui.wording import things
from bocr_tui.ui.work import begin

LOOK_S = 1.0
"""Between two looks at whether bocr.toml changed: one question to the file system."""

KEYMAP_HINT = "A TOML file, relative to the workspace; empty: keys.toml there, if it exists."


class SettingsScreen(PanelScreen[None]):
    """A list of all settings, and beside it what each means."""

    PLACE = "settings"

    SCOPED_CSS = False
    CSS = """
    SettingsScreen #about { display: none; border-left: vkey $panel; }
    SettingsScreen.-normal #about { display: block; width: 50; }
    SettingsScreen.-wide #about { display: block; width: 80; }
    SettingsScreen #meaning { height: 2; padding: 0 1; background: $surface; color: $muted; display: none; }
    SettingsScreen.-narrow #meaning { display: block; }
    SettingsScreen #wrong { height: auto; padding: 0 1; background: $surface; color: $error; display: none; }
    """

    BINDINGS: ClassVar = [
        Binding("e", "edit", "Edit file", tooltip="Open bocr.toml in $EDITOR; it is read again afterwards."),
        Binding(
            "f",
            "toggle_only",
            "Only set",
            tooltip="Show only what is not left at its default, or everything.",
        ),
        Binding("slash", "find", "Find", key_display="/", tooltip="Only settings with some text."),
        Binding("backspace", "reset", "Reset", show=False, tooltip="Make it the default again."),
        Binding("escape", "back", "Back", tooltip="Show everything.", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._read = SettingsRead()
        self._text = ""
        self._only_set = False
        self._begun = False

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        yield PlaceLine(id="place")
        with Horizontal(id="body"):
            yield VirtualTable(SettingSheet(), id="table")
            yield Facts(id="about")
        yield Static(id="meaning")
        yield Static(id="wrong")
        yield FindLine("Find in settings:")
        yield KeyLine()

    def on_mount(self) -> None:
        super().on_mount()
        self.table.focus()
        begin(self, self._load, group="settings")
        self.set_interval(LOOK_S, self._look)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._show())

    @property
    def table(self) -> VirtualTable[SettingRow]:
        return self.query_one("#table", VirtualTable)

    # Reading

    def _look(self) -> None:
        if self.is_current:
            begin(self, self._load_if_changed, group="look")

    async def _load_if_changed(self) -> None:
        if self._begun and await asyncio.to_thread(stamp_of, self.panel.workspace) != self._read.stamp:
            await self._load()

    async def _load(self) -> None:
        read = await asyncio.to_thread(read_settings, self.panel.workspace, self._read)
        first, self._read, self._begun = not self._begun, read, True
        self._show()
        if not first and read.trouble is None:
            await self._take_up()

    def _show(self) -> None:
        if not self.query("#table"):
            return
        panel = self.panel
        rows = in_force(self._read.rows, panel.theme, read_only=bool(panel.read_only))
        held = self.table.current_id
        notice = Notice("There are no settings.", "")
        trouble = self._read.trouble
        if trouble is not None and not self._read.rows:
            notice = Notice(trouble.cause, f"{trouble.next_step} e opens it.".strip())
        elif self._filters():
            notice = Notice(f"No setting {', '.join(self._filters())}.", "esc shows everything.")
        self.table.show(SettingList(rows, self._text, self._only_set), notice)
        if held is not None:
            self.call_after_refresh(partial(self.table.go_to, held))
        for line in self.query("#wrong").results(Static):
            line.display = trouble is not None
            if trouble is not None:
                line.update(Text(clean(f"{trouble.cause} {trouble.next_step}".strip())))
        self.tell_place()

    async def _take_up(self) -> None:
        """What can change while the panel is open does."""
        panel = self.panel
        before = panel.settings
        panel.settings = await asyncio.to_thread(read_panel_settings, panel.workspace)
        theme = panel.settings.theme
        if theme != before.theme:
            panel.wear_configured()
        if panel.settings.keymap != before.keymap:
            await panel.take_keymap()

    def action_reread(self) -> None:
        begin(self, self._load, group="settings")

    def _filters(self) -> list[str]:
        words = ["is other than the default"] if self._only_set else []
        return [*words, f"holds “{self._text}”"] if self._text else words

    @on(VirtualTable.Loaded)
    def _loaded(self) -> None:
        self.tell_place()

    def tell_standing(self) -> None:
        super().tell_standing()
        if self.is_mounted:
            self.tell_place()

    def tell_place(self) -> None:
        if not self.query("#table"):
            return
        words: list[str] = ["only what is no default"] if self._only_set else []
        words += [f"“{self._text}”"] if self._text else []
        parts: list[Part] = [(f"{', '.join(words)}  ", "accent")] if words else []
        if self._read.trouble is not None:
            parts.append(("bocr.toml is wrong: the last one that was right holds ", "failed"))
        elif self._begun:
            parts.append((f"{things(self.table.row_count, 'setting')} ", "muted"))
        self.tell_place_line(tuple(parts))

    @on(VirtualTable.Highlighted)
    def _highlighted(self) -> None:
        row = self.table.current
        for line in self.query("#meaning").results(Static):
            line.update(Text(clean(meaning_of(row))))
        for pane in self.query("#about").results(Facts):
            if row is not None:
                pane.show(about_setting(row))
            else:
                pane.say("" if self._begun else "Loading…")

    # Changing

    @on(VirtualTable.Selected)
    def _selected(self, message: VirtualTable.Selected) -> None:
        row = message.row
        assert isinstance(row, SettingRow)
        if row.is_of_panel:
            self._ask(row)
        else:
            self.action_edit()

    @work(exclusive=True, group="ask")
    async def _ask(self, row: SettingRow) -> None:
        setting = row.setting
        choices = setting.choices
        if setting.key == "panel.theme":
            choices = tuple(sorted(self.panel.available_themes, key=lambda name: (name[:4] != "bocr", name)))
        now = row.value.strip('"')
        if choices:
            marked = [(each, f"{each}  (now)" if each == now else each) for each in choices]
            said = await self.panel.push_screen_wait(Pick(setting.key, marked))
        else:
            check = partial(self._check, setting.key)
            value = "" if row.is_default else now
            said = await self.panel.push_screen_wait(Enter(setting.key, value, KEYMAP_HINT, check))
        if said is not None:
            await self._set(setting.key, said or None)

    def _check(self, key: str, value: str) -> None:
        """Raises ConfigError, in the line where it is typed."""
        from bocr_tui.config.editing import with_setting

        with_setting("", key, value or None, where="bocr.toml")

    async def _set(self, key: str, value: str | None) -> None:
        action, options = action_named("workspace.set"), Options(setting=key, value=value)
        reason = self.panel.doer.why_not(action, Selection())
        if reason is not None:
            self.panel.tell(reason, "warning")
            return
        said = await self.panel.doer.run(action, Selection(), options, driven=True)
        later = " It holds from the next start on." if key in RESTARTED and said.severity != "error" else ""
        self.panel.tell(f"{said.text}{later}", said.severity)
        await self._load()
        if key == "panel.theme" and said.severity == "information":
            self.panel.wear_configured()

    def action_reset(self) -> None:
        row = self.table.current
        if row is None or not row.is_of_panel:
            self.panel.tell("Only the panel's own settings are changed here; e opens bocr.toml.", "warning")
        elif row.held_by == BY_PANEL:
            self.panel.wear_configured()
        elif not row.setting.is_set:
            self.panel.tell(f"{row.setting.key} is the default already.")
        else:
            begin(self, partial(self._set, row.setting.key, None), group="ask")

    def action_edit(self) -> None:
        """The terminal is the editor's meanwhile."""
        from bocr_tui.actions.editing import edit_file, editor
        from bocr_tui.ui.lending import lend_terminal

        reason = self.panel.doer.why_not(action_named("workspace.set"), Selection())
        if reason is not None:
            self.panel.tell(reason, "warning")
            return
        path = self.panel.workspace.config_path
        try:
            editor()  # before the terminal is lent for it
            lend_terminal(self.app, partial(edit_file, path))
        except SuspendNotSupported:
            self.panel.tell(f"There is no terminal here for an editor: edit {path}.", "warning")
            return
        except BocrError as error:
            self.panel.tell(f"{error.cause} {error.next_step}".strip(), "error")
        begin(self, self._load, group="settings")

    # The list

    def action_toggle_only(self) -> None:
        self._only_set = not self._only_set
        self._show()

    def action_find(self) -> None:
        self.query_one(FindLine).ask(self._text)

    @on(FindLine.Asked)
    def _asked(self, message: FindLine.Asked) -> None:
        self.table.focus()
        if message.text is not None and message.text != self._text:
            self._text = message.text
            self._show()

    def action_back(self) -> None:
        if self._text or self._only_set:
            self._text, self._only_set = "", False
            self._show()
        else:
            super().action_back()

    def to_copy(self) -> str:
        row = self.table.current
        return "" if row is None else f"{row.setting.key} = {row.value}"

    def remember(self) -> dict[str, Any]:
        return {"only_set": self._only_set}

    def recall(self, state: dict[str, Any]) -> None:
        self._only_set = state.get("only_set") is True
