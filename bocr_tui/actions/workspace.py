"""What a person can do with a whole workspace: import, plan, export, clean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bocr_tui.actions.action import Action, Confirm, Context, Options, Outcome
from bocr_tui.actions.words import counted
from bocr_tui.config.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bocr_tui.report.waiting import Waiting


_NAMED = 3
"""Paths named in a sentence."""


def _always(context: Context) -> str | None:
    return None


def _import(context: Context, options: Options) -> Outcome:
    from bocr_tui.actions.importing import import_now
    from bocr_tui.report.waiting import waiting_in

    if not options.paths:
        raise UsageError("Nothing was named to import.", "Name folders, files, or lists of paths.")
    catalog = context.catalog.open()
    report = import_now(context.workspace, catalog, options)
    lost = report.found - report.added - report.known - report.changed
    added = f"{counted(report.added, 'file')} added"
    changed = f", {report.changed:,} changed" if report.changed else ""
    known = f", {report.known:,} known" if report.known else ""
    unreadable = f"; {report.unreadable:,} cannot be read" if report.unreadable else ""
    documents = counted(len(report.document_ids), "document")
    taken = f"{documents} of {counted(report.pages, 'page')}: {added}{changed}{known}{unreadable}."
    nothing = not (report.found or report.document_ids or report.stopped)
    return Outcome(
        text=_nothing_in(options.paths) if nothing else taken,
        count=report.added + report.changed,
        rows=report.document_ids,
        next_step=waiting_in(catalog).next_step,
        numbers={
            "found": report.found,
            "added": report.added,
            "known": report.known,
            "changed": report.changed,
            "missing": report.missing,
            "documents": len(report.document_ids),
            "pages": report.pages,
            "unreadable": report.unreadable,
            "unopened": max(0, lost),
            "problems": [{"file": name, "reason": sentence} for name, sentence in report.problems],
            "seconds": round(report.seconds, 3),
            "stopped": report.stopped,
        },
        well=not report.unreadable,
    )


def _nothing_in(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
    named = ", ".join(str(path) for path in paths[:_NAMED]) + more
    return f"No documents were found in {named}: PDFs and PNG, JPEG, TIFF, BMP, WebP images are."


def _plan(context: Context, options: Options) -> Outcome:
    from bocr_tui.actions.foretelling import wishes_of
    from bocr_tui.control.foretelling import gpu_hours
    from bocr_tui.control.wishes import wished
    from bocr_tui.planning.planner import plan
    from bocr_tui.report.waiting import waiting_in

    config = wished(context.workspace.config, wishes_of(options))
    made = plan(
        context.catalog.open(),
        config,
        pages=options.batch_pages,
        documents=options.batch_documents,
        batches=options.batches,
        document_ids=context.selection.documents or None,
        pages_per_document=options.pages_per_document,
        dry_run=not options.act,
    )
    said = f"{counted(made.pages, 'page')} of {counted(made.documents, 'document')}"
    batches = counted(len(made.batches), "batch", "batches")
    verb = "planned" if options.act else "would be planned"
    return Outcome(
        text=f"{said} {verb} in {batches}." if made.batches else "There is no new page to plan.",
        count=len(made.batches),
        next_step=_after_plan(waiting_in(context.catalog.open())) if options.act else "",
        numbers={
            "batches": [
                {
                    "id": batch.batch_id,
                    "name": batch.name,
                    "pages": batch.pages,
                    "documents": batch.documents,
                    "estimated_s": round(batch.estimated_s, 3),
                }
                for batch in made.batches
            ],
            "pages": made.pages,
            "documents": made.documents,
            "estimated_s": round(made.estimated_s, 3),
            "estimated_slots_s": round(made.estimated_slots_s, 3),
            "estimated_from": made.costs.stages[0].words,
            "slots": made.slots,
            "gpu_hours": gpu_hours(config, made.estimated_s),
            "site": config.site,
            "spread": round(made.spread, 4),
            "skipped": dict(made.skipped),
            "dry_run": made.dry_run,
        },
    )


def _after_plan(waiting: Waiting) -> str:
    """Pages left new were left out on purpose."""
    return waiting.next_step if waiting.unsubmitted else ""


def _export(context: Context, options: Options) -> Outcome:
    from bocr_tui.export.exporter import export

    if options.destination is None:
        raise UsageError("An export needs a folder to write to.", "Name one.")
    report = export(
        context.workspace,
        context.catalog.open(),
        options.destination,
        formats=options.formats,
        document_ids=context.selection.documents or None,
        progress=options.progress,
        stop=options.stop,
    )
    missing = f", {counted(report.missing, 'page')} without text" if report.missing else ""
    missing += f", {counted(report.ignored, 'page')} ignored" if report.ignored else ""
    unreadable = f", {counted(report.unreadable, 'document')} unreadable" if report.unreadable else ""
    return Outcome(
        text=(
            f"{counted(report.documents, 'document')} written to {report.destination}: "
            f"{counted(report.ok, 'page')} with text{missing}{unreadable}."
        ),
        count=report.documents,
        next_step="; ".join(report.problems),
        numbers={
            "destination": str(report.destination),
            "documents": report.documents,
            "unreadable": report.unreadable,
            "pages": report.pages,
            "ok": report.ok,
            "missing": report.missing,
            "ignored": report.ignored,
            "unverified": report.unverified,
            "files": report.files,
            "problems": report.problems,
        },
        well=report.well,
    )


def _clean(context: Context, options: Options) -> Outcome:
    from bocr_tui.actions.cleaning import clean, sites_to_clean
    from bocr_tui.actions.cleaning_telling import cleaned_outcome

    catalog, config = context.catalog.open(), context.workspace.config
    if options.site is not None and options.site not in config.sites:
        raise UsageError(f"There is no site {options.site!r}.", f"Sites: {', '.join(sorted(config.sites))}.")
    sites = [options.site] if options.site else sites_to_clean(catalog, config)
    return cleaned_outcome(clean(context.workspace, catalog, sites, options), options)


WORKSPACE_ACTIONS = (
    Action(
        id="workspace.import",
        title="Import",
        tooltip="Find documents in folders and files, and count their pages; known ones are passed over.",
        key="I",
        group="Workspace",
        command="bocr import",
        when=_always,
        run=_import,
        begins=True,
        asks=("paths", "language"),
    ),
    Action(
        id="workspace.plan",
        title="Plan",
        tooltip="Put every page that is new into batches that take equally long.",
        key="P",
        group="Workspace",
        command="bocr plan",
        when=_always,
        run=_plan,
        asks=("batch_pages", "batch_documents", "batches", "pages_per_document", "site", "stages"),
    ),
    Action(
        id="workspace.export",
        title="Export",
        tooltip="Write markdown, plain text, JSON lines and tables to a folder.",
        key="e",
        group="Workspace",
        command="bocr export",
        when=_always,
        run=_export,
        asks=("destination", "formats"),
    ),
    Action(
        id="workspace.clean",
        title="Clean",
        tooltip="Free on the sites what is no longer needed: its results lie verified in the workspace.",
        key=None,
        group="Workspace",
        command="bocr clean",
        when=_always,
        run=_clean,
        confirm=Confirm.ALWAYS,
        asks=("site",),
    ),
)
