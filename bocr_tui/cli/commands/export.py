"""`bocr export`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace


def export(
    context: typer.Context,
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="A folder; it is made if it is not there.")
    ],
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="markdown, text, jsonl or csv; may be repeated. All if not said."),
    ] = None,
    document: Annotated[
        list[str] | None,
        typer.Option("--document", help="Only this one: name, path or sha256; may be repeated."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the texts: one markdown and one text file a document, tables and JSON lines of all pages."""
    from bocr_tui.actions.action import Options, Selection
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.acting import act, answer
    from bocr_tui.cli.choose import documents_named

    call = call_of(context)
    found = the_workspace(call)
    ids: tuple[int, ...] = ()
    if document:
        reader = open_reader(found.catalog_path)
        ids = tuple(dict.fromkeys(row.id for said in document for row in documents_named(reader, said)))
        reader.close()
    outcome = act(
        found,
        "workspace.export",
        Selection(documents=ids),
        Options(destination=destination, formats=tuple(formats or ())),
        progress=("Export", "pages"),
    )
    answer(call, outcome)
