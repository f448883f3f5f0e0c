"""`bocr demo`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, workspace_for
from bocr_tui.cli.commands.plan import SampleOption
from bocr_tui.cli.commands.run import LanguageOption


def demo(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Read this; the sample pages if none is named.")
    ] = None,
    pages_per_document: SampleOption = None,
    language: LanguageOption = None,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open the panel.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the sample pages, or any folder, in ./demo-workspace: in the panel, or headless with a table.

    Some of the samples cannot be read, on purpose. With the samples the exit code is 0 when every page came
    to an end and some were read; with a folder it is that of `bocr run`.
    """
    from bocr_tui.cli.panel import in_terminal
    from bocr_tui.cli.running import RunOrder
    from bocr_tui.cli.showing import show_demo, show_demo_in_panel
    from bocr_tui.config.resources import resource
    from bocr_tui.config.workspace import DEMO_FOLDER

    call = call_of(context)
    path = folder or resource("samples") / "pages"
    found = workspace_for(call.workspace or Path(DEMO_FOLDER), [path])
    order = RunOrder((path,), language, pages_per_document)
    if in_terminal() and not headless and not call.json:
        show_demo_in_panel(found, order)
    else:
        raise typer.Exit(show_demo(call, found, order, own_samples=folder is None))
