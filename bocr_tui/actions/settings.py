"""Changing a setting of bocr.toml without an editor."""

from __future__ import annotations

from typing import Any

from bocr_tui.actions.action import Action, Context, Options, Outcome
from bocr_tui.config.errors import UsageError


def _always(context: Context) -> str | None:
    return None


def _set(context: Context, options: Options) -> Outcome:
    from bocr_tui.config.editing import with_setting, write_config

    if not options.setting:
        raise UsageError("No setting was named.", "Name one, such as panel.theme.")
    workspace = context.workspace
    path = workspace.config_path
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Mend it, or run `bocr init`.") from error
    made = with_setting(text, options.setting, _value(options.value), where=str(path))
    try:
        write_config(path, made)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error}.", "Mend its permissions.") from error
    workspace.read_again()
    said = "is the default again" if options.value is None else f"is {options.value}"
    return Outcome(
        text=f"{options.setting} {said}.",
        count=int(made != text),
        numbers={"setting": options.setting, "value": options.value, "file": str(path)},
    )


def _value(said: str | None) -> Any:
    """What was typed as TOML takes it: `3`, `true`, `["a"]`; anything else is a text."""
    import tomllib

    if said is None:
        return None
    try:
        value = tomllib.loads(f"value = {said}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return said
    return value if isinstance(value, (str, int, float, bool, list)) else said


SETTING_ACTIONS = (
    Action(
        id="workspace.set",
        title="Set",
        tooltip="Change a setting of bocr.toml; comments and everything else in it stay.",
        key=None,
        group="Workspace",
        command="bocr config --set",
        when=_always,
        run=_set,
        asks=("setting",),
    ),
)
