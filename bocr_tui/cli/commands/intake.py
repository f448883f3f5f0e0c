"""`bocr import`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.cli.commands.run import LanguageOption


def import_(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Folders, files, or lists with one path a line; site:NAME:/PATH leaves documents on a site.",
        ),
    ],
    language: LanguageOption = None,
    as_job: Annotated[
        bool, typer.Option("--as-job", help="On a site, look at documents in a job, not on the login node.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find documents, count their pages, say which cannot be read; again later, only what has changed."""
    from bocr_tui.actions.action import Options
    from bocr_tui.cli.acting import act, answer, tell_problems

    call = call_of(context)
    options = Options(paths=tuple(paths), language=language, as_job=as_job)
    outcome = act(the_workspace(call), "workspace.import", options=options, progress=("Import", "files"))
    tell_problems(outcome)
    answer(call, outcome)
