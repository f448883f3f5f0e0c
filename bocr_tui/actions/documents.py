"""What a person can do to documents on sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bocr_tui.actions.action import Action, Context, Options, Outcome
from bocr_tui.actions.words import counted
from bocr_tui.config.errors import UsageError

if TYPE_CHECKING:
    from bocr_tui.actions.uploading import Uploaded


def _always(context: Context) -> str | None:
    return None


def site_of(context: Context, options: Options) -> str:
    """The site that is meant. Raises UsageError for one that is not configured."""
    config = context.workspace.config
    site = options.site or config.site
    if site not in config.sites:
        raise UsageError(f"There is no site {site!r}.", f"Sites: {', '.join(sorted(config.sites))}.")
    return site


def _upload(context: Context, options: Options) -> Outcome:
    from bocr_tui.actions.uploading import upload_now
    from bocr_tui.sites.documents import uploads_documents

    site = site_of(context, options)
    if not uploads_documents(context.workspace.config.sites[site]):
        return Outcome(
            f"{site} reads documents where they lie: nothing has to be uploaded.",
            numbers={"site": site, "documents": 0, "left": 0, "failed": [], "bytes": 0},
        )
    wanted = _wanted(context, options)
    return _said(site, upload_now(context.workspace, context.catalog.open(), site, wanted, options))


def _wanted(context: Context, options: Options) -> list[int]:
    from bocr_tui.control.upload_rows import documents_of_batches, unsettled_documents

    selection = context.selection
    if selection.documents:
        return list(selection.documents)
    with context.catalog.open().reading() as connection:
        if selection.batches:
            return documents_of_batches(connection, selection.batches)
        return unsettled_documents(connection, planned=not options.everything)


def _said(site: str, done: Uploaded) -> Outcome:
    megabytes = f"{done.size_bytes / 1e6:,.1f} MB sent"
    text = f"{counted(len(done.there), 'document')} on {site} ({megabytes})"
    text += f", {len(done.left):,} not yet" if done.left else ""
    text += f", {len(done.failed):,} that cannot be uploaded" if done.failed else ""
    next_step = ""
    if done.left:
        next_step = "Uploading is paused." if done.paused else "Run `bocr upload` again to go on."
    return Outcome(
        text=f"{text}." if done.there or done.left or done.failed else "No document waits to be uploaded.",
        count=len(done.there),
        refused=tuple(done.failed.items()),
        thing="document",
        next_step=next_step,
        numbers={
            "site": site,
            "documents": len(done.there),
            "left": len(done.left),
            "failed": [{"document": key, "reason": words} for key, words in done.failed.items()],
            "bytes": done.size_bytes,
        },
        well=not done.failed and not done.left,
    )


DOCUMENT_ACTIONS = (
    Action(
        id="documents.upload",
        title="Upload",
        tooltip="Bring the documents of the selected batches to the site now, before jobs need them.",
        key=None,
        group="Batches",
        command="bocr upload",
        when=_always,
        run=_upload,
        selects="batches",
        asks=("site",),
    ),
)
