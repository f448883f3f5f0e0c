"""How the list of settings looks, and what is said of one."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from bocr_tui.config.settings import Setting
from bocr_tui.ui.widgets.columns import Cell, Column, text_cell
from bocr_tui.ui.widgets.facts import Heading, Labelled, Paragraph, Words

PANEL = "panel."
"""Settings that can be changed on the screen: what they do is seen here, and nowhere else."""

RESTARTED = ("panel.read_only", "panel.images")
"""Those that hold from the next start on."""

BY_PANEL, BY_OPTION = "panel", "--readonly"
"""Who else than the file may say how it is: what was chosen in the panel, and how it was started."""

DEFAULT_AGAIN = " Backspace makes it the default again."


@dataclass(frozen=True)
class SettingRow:
    """A setting with a number for lists that go by numbers.

    `held` is the value in force where that is not the one of bocr.toml, `held_by` who holds it.
    """

    setting: Setting
    held: str = ""
    held_by: str = ""

    @property
    def id(self) -> int:
        return zlib.crc32(self.setting.key.encode())

    @property
    def is_of_panel(self) -> bool:
        return self.setting.key.startswith(PANEL)

    @property
    def value(self) -> str:
        """What is in force."""
        return self.held if self.held_by else self.setting.value

    @property
    def origin(self) -> str:
        """Who says so."""
        return self.held_by or origin(self.setting)

    @property
    def is_default(self) -> bool:
        return not (self.held_by or self.setting.is_set)


class SettingSheet:
    """Settings, one a line; what bocr.toml says itself is seen."""

    columns = (
        Column("Setting", least=14, weight=1, middle=True),
        Column("Value", least=10, weight=1),
        Column("From", width=13, from_width=48),
    )

    def cells(self, row: SettingRow) -> tuple[Cell, ...]:
        return (
            text_cell(row.setting.key),
            text_cell(row.value or "–", "muted" if row.is_default else "accent"),
            text_cell(row.origin, "muted" if row.is_default else "plain"),
        )


def origin(setting: Setting) -> str:
    """Who says so, the file or nobody."""
    if not setting.is_set:
        return "default"
    return f"bocr.toml:{setting.line}" if setting.line else "bocr.toml"


def about_setting(row: SettingRow) -> list[Paragraph]:
    """Its meaning, what it may be, and how it is changed."""
    setting = row.setting
    facts = [
        ("Value", row.value or "–", "plain" if row.is_default else "accent"),
        ("From", row.origin, "muted" if row.is_default else "plain"),
        ("Default", setting.default or "–", "muted"),
        ("Is", setting.kind, "muted"),
    ]
    if row.held_by and setting.is_set:
        facts.insert(2, ("File", f"{setting.value} ({origin(setting)})", "muted"))
    paragraphs: list[Paragraph] = [Words(((setting.key, "strong"),))]
    if setting.meaning:
        paragraphs.append(Words(((f"\n{setting.meaning}\n", "plain"),)))
    paragraphs += [Labelled(facts, 8), Heading("To change it")]
    if row.is_of_panel:
        later = " It holds from the next start on." if setting.key in RESTARTED else ""
        back = _back(row)
        paragraphs.append(Words(((f"enter asks for another.{back}{later}", "muted"),)))
        twin = f"bocr config --set {setting.key}=…"
        paragraphs.append(Labelled([("The same", twin, "muted")], 8))
    else:
        paragraphs.append(Words((("enter or e opens bocr.toml in your editor.", "muted"),)))
    return paragraphs


def _back(row: SettingRow) -> str:
    if row.held_by == BY_PANEL:
        return " Backspace gives back what bocr.toml says." if row.setting.is_set else DEFAULT_AGAIN
    return DEFAULT_AGAIN if row.setting.is_set else ""


def meaning_of(row: SettingRow | None) -> str:
    """In two lines of a narrow terminal: what it means, what it is by default, what it may be."""
    if row is None:
        return ""
    setting = row.setting
    default = "" if row.is_default else f" Default: {setting.default or 'none'}."
    if row.held_by and setting.is_set:
        default = f" {origin(setting)} says {setting.value}."
    return f"{setting.meaning or setting.key}{default} It is {setting.kind}."
