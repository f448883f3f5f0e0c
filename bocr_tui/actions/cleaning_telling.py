"""What cleaning did, or would do, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bocr_tui.actions.action import Outcome
from bocr_tui.actions.cleaning_things import Kind, Thing
from bocr_tui.actions.words import counted

if TYPE_CHECKING:
    from bocr_tui.actions.action import Options
    from bocr_tui.actions.cleaning import Cleaned


def cleaned_outcome(done: Cleaned, options: Options) -> Outcome:
    """`refused` are the things that stay, by their number in the answer."""
    size_bytes = done.freed_bytes if options.act else sum(thing.size_bytes for thing in done.gone)
    megabytes = f"{size_bytes / 1e6:,.1f} MB"
    said = _counted(done.gone)
    if not options.act:
        able = f"{said} can go ({megabytes}): what came of it lies verified here."
        text = able if done.gone else "Nothing can go."
    else:
        text = f"{said} removed, {megabytes} freed."
    return Outcome(
        text=text,
        count=len(done.gone),
        refused=tuple((thing.job_id or thing.document_id or 0, thing.keep or "") for thing in done.kept),
        thing="thing",
        denied="kept",
        next_step="Run it again with --yes to remove them." if done.gone and not options.act else "",
        numbers={
            "runs": [thing.label for thing in done.gone if thing.kind is Kind.RUN],
            "documents": [thing.name for thing in done.gone if thing.kind is Kind.DOCUMENT],
            "splits": [thing.name for thing in done.gone if thing.kind is Kind.SPLIT],
            "kept": {_key(thing): thing.keep for thing in done.kept},
            "removed": options.act,
            "bytes": size_bytes,
            "freed_bytes": done.freed_bytes,
        },
    )


def _key(thing: Thing) -> str:
    return thing.label if thing.kind is Kind.RUN else thing.name


def _counted(things: Sequence[Thing]) -> str:
    runs, documents, splits = (
        [thing for thing in things if thing.kind is kind] for kind in (Kind.RUN, Kind.DOCUMENT, Kind.SPLIT)
    )
    parts = [f"{counted(len(runs), 'run folder')} of {counted(sum(run.pages for run in runs), 'page')}"]
    parts += [counted(len(documents), "uploaded document")] if documents else []
    parts += [f"the drawn pages of {counted(len(splits), 'document')}"] if splits else []
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
