"""`bocr serve`"""

from __future__ import annotations

from typing import Annotated

import typer

from bocr_tui.cli.call import WorkspaceOption, call_of, the_workspace

HOST, PORT = "127.0.0.1", 8117


def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="The address to listen on; others than this machine's warn.")
    ] = HOST,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = PORT,
    write: Annotated[
        bool,
        typer.Option(
            "--write", help="Let the browser change things and drive jobs; otherwise it only looks."
        ),
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Show the panel in a browser, on this machine. There is no password: whoever reaches the port sees it.

    Needs a library besides: pip install textual-serve. Ctrl-C ends it; jobs go on.
    """
    from bocr_tui.cli.output import note, safe, say
    from bocr_tui.config.errors import UsageError

    found = the_workspace(call_of(context))
    try:
        from bocr_tui.cli.serving import is_loopback, serve_panel
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed.", "Run `pip install 'bocr[serve]'`.") from None
    if not is_loopback(host):
        does = "use this panel and your sites" if write else "read this workspace"
        note(f"Warning: everyone who reaches {safe(host)} can {does}. There is no password.")

    def ready(address: str) -> None:
        only = "" if write else ", to look at only"
        say(f"{safe(found.root)} is served at {address}{only}. Ctrl-C ends it.")

    serve_panel(found.root, host, port, write=write, ready=ready)
