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
    explain: Annotated[
        bool, typer.Option("--explain", help="Each setting with its meaning, default and origin.")
    ] = False,
    set_: Annotated[
        str | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Write one into bocr.toml, such as panel.theme=bocr-light; without a value, take it out.",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the configuration in force, with every default; or its schema; or check or change it."""
    from bocr_tui.config.model import config_schema

    call = call_of(context)
    if schema:
        write_json(config_schema())
        return
    if set_ is not None:
        _set(call, set_)
    found, where = _in_force(call)
    if explain:
        _explain(call, found)
    elif check:
        _check(found)
        write_json({"file": where, "ok": True}) if call.json else say(f"{safe(where)} is right.")
    elif call.json:
        write_json(found.model_dump(mode="json"))
    else:
        from bocr_tui.cli.toml import to_toml

        say(f"# {safe(where)}\n{to_toml(found.model_dump(mode='json'))}")


def _set(call: Call, said: str) -> None:
    from bocr_tui.actions.action import Options
    from bocr_tui.cli.acting import act, answer
    from bocr_tui.cli.call import the_workspace

    key, _, value = said.partition("=")
    options = Options(setting=key.strip(), value=value.strip() or None)
    answer(call, act(the_workspace(call), "workspace.set", options=options))


def _explain(call: Call, found: Config) -> None:
    from bocr_tui.cli.output import show, table
    from bocr_tui.config.settings import settings_of
    from bocr_tui.config.workspace import find_workspace

    workspace = find_workspace(named=call.workspace)
    text = "" if workspace is None else workspace.config_path.read_text(encoding="utf-8")
    settings = settings_of(found, text)
    if call.json:
        write_json([vars(each) for each in settings])
        return
    rows = [
        (
            each.key,
            each.value,
            f"line {each.line}" if each.line else "set" if each.is_set else "",
            each.meaning,
        )
        for each in settings
    ]
    show(table("", ("Setting", "Value", "bocr.toml", "Meaning"), rows))


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

    if found.site not in found.sites:
        raise ConfigError(
            f"site: there is no site {found.site}.", f"Sites: {', '.join(sorted(found.sites))}."
        )
    pipelines = [build_pipeline(found, site=site) for site in found.sites]
    used = {stage.engine.name for pipeline in pipelines for stage in pipeline.stages}
    for engine in found.engines.keys() - used:
        build_pipeline(found, engine)
