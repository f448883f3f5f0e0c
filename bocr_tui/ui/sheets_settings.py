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


@dataclass(frozen=True)
class SettingRow:
    """A setting with a number for lists that go by numbers."""

    setting: Setting

    @property
    def id(self) -> int:
        return zlib.crc32(self.setting.key.encode())

    @property
    def is_of_panel(self) -> bool:
        return self.setting.key.startswith(PANEL)


class SettingSheet:
    """Settings, one a line; what bocr.toml says itself is seen."""

    columns = (
        Column("Setting", least=14, weight=1, middle=True),
        Column("Value", least=10, weight=1),
        Column("From", width=13, from_width=48),
    )

    def cells(self, row: SettingRow) -> tuple[Cell, ...]:
        setting = row.setting
        return (
            text_cell(setting.key),
            text_cell(setting.value or "–", "accent" if setting.is_set else "muted"),
            text_cell(origin(setting), "plain" if setting.is_set else "muted"),
        )


def origin(setting: Setting) -> str:
    """Who says so."""
    if not setting.is_set:
        return "default"
    return f"bocr.toml:{setting.line}" if setting.line else "bocr.toml"


def about_setting(row: SettingRow) -> list[Paragraph]:
    """Its meaning, what it may be, and how it is changed."""
    setting = row.setting
    facts = [
        ("Value", setting.value or "–", "accent" if setting.is_set else "plain"),
        ("Default", setting.default or "–", "muted"),
        ("From", origin(setting), "plain" if setting.is_set else "muted"),
        ("Is", setting.kind, "muted"),
    ]
    paragraphs: list[Paragraph] = [Words(((setting.key, "strong"),))]
    if setting.meaning:
        paragraphs.append(Words(((f"\n{setting.meaning}\n", "plain"),)))
    paragraphs += [Labelled(facts, 8), Heading("To change it")]
    if row.is_of_panel:
        later = " It holds from the next start on." if setting.key in RESTARTED else ""
        back = " Backspace makes it the default again." if setting.is_set else ""
        paragraphs.append(Words(((f"enter asks for another.{back}{later}", "muted"),)))
        twin = f"bocr config --set {setting.key}=…"
        paragraphs.append(Labelled([("The same", twin, "muted")], 8))
    else:
        paragraphs.append(Words((("enter or e opens bocr.toml in your editor.", "muted"),)))
    return paragraphs


def meaning_of(row: SettingRow | None) -> str:
    """In two lines of a narrow terminal: what it means, what it is by default, what it may be."""
    if row is None:
        return ""
    setting = row.setting
    default = f" Default: {setting.default}." if setting.is_set else ""
    return f"{setting.meaning or setting.key}{default} It is {setting.kind}."
