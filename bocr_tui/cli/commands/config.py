"""`bocr config`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bocr_tui.cli.call import Call, JsonOption, WorkspaceOption, call_of
from bocr_tui.cli.output import safe, say, write_json

if TYPE_CHECKING:
    from bocr_tui.config.model import Config


def config(
    context: typer.Context,
    schema: Annotated[bool, typer.Option("--schema", help="The JSON Schema of bocr.toml.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say whether bocr.toml is right.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the configuration in force, with every default; or its schema; or check it."""
    from bocr_tui.config.model import config_schema

    call = call_of(context)
    if schema:
        write_json(config_schema())
        return
    found, where = _in_force(call)
    if check:
        _check(found)
        write_json({"file": where, "ok": True}) if call.json else say(f"{safe(where)} is right.")
    elif call.json:
        write_json(found.model_dump(mode="json"))
    else:
        from bocr_tui.cli.toml import to_toml

        say(f"# {safe(where)}\n{to_toml(found.model_dump(mode='json'))}")


def _in_force(call: Call) -> tuple[Config, str]:
    """The workspace's configuration, or the defaults where there is no workspace."""
    from bocr_tui.config.model import Config
    from bocr_tui.config.workspace import find_workspace

    workspace = find_workspace(named=call.workspace)
    if workspace is None:
        return Config(), "the defaults (there is no workspace here)"
    return workspace.config, str(workspace.config_path)


def _check(found: Config) -> None:
    """What the model cannot know: engines, ladders, the site that is named. Raises ConfigError."""
    from bocr_tui.config.errors import ConfigError
    from bocr_tui.control.pipeline import build_pipeline

    build_pipeline(found)
    if found.site not in found.sites:
        raise ConfigError(
            f"site: there is no site {found.site}.", f"Sites: {', '.join(sorted(found.sites))}."
        )
