"""Reading bocr.toml for the Settings screen: in a thread, again when the file changed, with what is wrong."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bocr_tui.config.errors import BocrError, ConfigError
from bocr_tui.ui.sheets_settings import BY_OPTION, BY_PANEL, SettingRow

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

Stamp = tuple[int, int]


@dataclass(frozen=True)
class SettingsRead:
    """The settings of the file as it was at `stamp`. With `trouble` they are those that hold all the same:
    what was read before."""

    rows: tuple[SettingRow, ...] = ()
    stamp: Stamp = (0, 0)
    trouble: BocrError | None = None


def stamp_of(workspace: Workspace) -> Stamp:
    """Changes when the file does; (0, 0) where there is none."""
    try:
        found = workspace.config_path.stat()
    except OSError:
        return (0, 0)
    return found.st_mtime_ns, found.st_size


def read_settings(workspace: Workspace, before: SettingsRead) -> SettingsRead:
    """Read the file again. What is right in it holds from here on for whatever is done next; what is wrong is
    told, and what held before holds."""
    from bocr_tui.config.settings import settings_of

    stamp = stamp_of(workspace)
    try:
        config = workspace.read_again()
        text = workspace.config_path.read_text(encoding="utf-8")
        _check(workspace)
    except ConfigError as error:
        return SettingsRead(before.rows, stamp, error)
    except (OSError, UnicodeDecodeError) as error:
        problem = ConfigError(f"{workspace.config_path} cannot be read: {error}.", "Mend it.")
        return SettingsRead(before.rows, stamp, problem)
    rows = tuple(map(SettingRow, settings_of(config, text)))
    # The panel's own first: they are the ones that are changed here.
    return SettingsRead((*(r for r in rows if r.is_of_panel), *(r for r in rows if not r.is_of_panel)), stamp)


def _check(workspace: Workspace) -> None:
    """What the model cannot know: engines, ladders. Raises ConfigError."""
    from bocr_tui.control.pipeline import build_pipeline

    config = workspace.config
    if config.site not in config.sites:
        known = ", ".join(sorted(config.sites))
        raise ConfigError(f"site: there is no site {config.site}.", f"Sites: {known}.")
    build_pipeline(config)


def in_force(rows: Sequence[SettingRow], theme: str, *, read_only: bool) -> tuple[SettingRow, ...]:
    """The settings as they hold in a panel that wears `theme` and may change nothing if `read_only`."""
    holds = {
        "panel.theme": (f'"{theme}"', BY_PANEL),
        "panel.read_only": ("true" if read_only else "false", BY_OPTION),
    }
    return tuple(_held(row, *holds.get(row.setting.key, ("", ""))) for row in rows)


def _held(row: SettingRow, value: str, by: str) -> SettingRow:
    return SettingRow(row.setting, value, by) if by and value != row.setting.value else row


class SettingList:
    """The settings under a filter, as a list that goes by numbers."""

    def __init__(self, rows: Sequence[SettingRow], text: str, only_set: bool) -> None:
        wanted = text.casefold()
        self._rows = {
            row.id: row
            for row in rows
            if not (only_set and row.is_default)
            and (wanted in row.setting.key.casefold() or wanted in row.setting.meaning.casefold())
        }

    async def ids(self, limit: int | None) -> array[int]:
        return array("q", self._rows)

    async def rows(self, ids: Sequence[int]) -> list[SettingRow]:
        return [self._rows[each] for each in ids if each in self._rows]
