"""`bocr run`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace_or_new
from bocr_tui.cli.commands.plan import DocumentsOption, PagesOption, SampleOption

LanguageOption = Annotated[
    str | None,
    typer.Option("--language", help="The language of these documents (fr, ar, …); found out if not said."),
]


def run(
    context: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Folders, files, or lists with one path a line.")
    ],
    pages_per_document: SampleOption = None,
    language: LanguageOption = None,
    pages: PagesOption = None,
    documents: DocumentsOption = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Read failed pages of an earlier run again, too.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do everything: import, plan, submit, drive to the end, and tell what became of each page.

    Without a workspace, ./bocr-workspace is made. Run again, it reads only what is new.
    """
    from bocr_tui.cli.finish import exit_code, tell_end
    from bocr_tui.cli.output import note, safe
    from bocr_tui.cli.running import RunOrder, run_all
    from bocr_tui.config.workspace import DEFAULT_FOLDER

    call = call_of(context)
    found = the_workspace_or_new(call, DEFAULT_FOLDER, paths)
    note(f"Workspace {safe(found.root)}")
    order = RunOrder(tuple(paths), language, pages_per_document, pages, documents, retry_failed)
    summary, seconds = run_all(found, order)
    tell_end(call, summary, seconds)
    raise typer.Exit(exit_code(summary))
