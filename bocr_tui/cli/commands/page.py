"""`bocr page`"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bocr_tui.catalog.counting import why_it_counts
from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.cli.output import numbered, safe, say, show, table, write_json
from bocr_tui.config.errors import UsageError

if TYPE_CHECKING:
    from bocr_tui.catalog.list_rows import AttemptRow, DocumentRow, PageRow
    from bocr_tui.catalog.lists import Reader
    from bocr_worker.protocol.results import PageResult


def page(
    context: typer.Context,
    document: Annotated[str, typer.Argument(help="A document: name, path, or sha256 (six signs at least).")],
    number: Annotated[str, typer.Argument(help="The page's number, from 1.")],
    text: Annotated[bool, typer.Option("--text", help="Only the text that was read.")] = False,
    image: Annotated[
        Path | None,
        typer.Option(
            "--image",
            metavar="FILE",
            help="Write the page's image there, as its ending says: .jpg, .tif, .webp; otherwise PNG.",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everything about one page: its state, its attempts with their evidence, its text."""
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.choose import document_named, page_number

    call, wanted = call_of(context), page_number(number)
    found = the_workspace(call)
    reader = open_reader(found.catalog_path)
    owner = document_named(reader, document)
    row = _page_row(reader, owner, wanted)
    attempts = reader.attempts(row.id)
    if image is not None:
        from bocr_tui.cli.page_image import write_image

        written = write_image(found, reader, owner, wanted, image)
        write_json(asdict(written)) if call.json else say(safe(written.sentence))
        return
    result, problem = _text_of(found.results, row, attempts)
    if call.json:
        write_json(_record(owner, row, attempts, result, problem))
    elif text:
        _only_text(row, result, problem)
    else:
        _tell(owner, row, attempts, result, problem)


def _page_row(reader: Reader, owner: DocumentRow, number: int) -> PageRow:
    from bocr_tui.catalog.list_query import PageFilter

    ids = reader.pages.ids(PageFilter(document_id=owner.id), "place")
    for row in reader.pages.rows(ids[number - 1 : number]):
        if row.number == number:
            return row
    for row in reader.pages.each(PageFilter(document_id=owner.id), "place"):
        if row.number == number:
            return row
    has = f"it has {owner.page_count}" if owner.page_count else owner.reason or "it has none"
    raise UsageError(f"{owner.name} has no page {number}: {has.rstrip('.')}.", "`bocr documents` lists them.")


def _text_of(results: Path, row: PageRow, attempts: list[AttemptRow]) -> tuple[PageResult | None, str]:
    """The accepted text; without one, that of the last attempt that left any. The problem says in words
    why a text that should be there is not shown."""
    from bocr_tui.catalog.results import ResultLocator, ResultUnreadable, read_result

    accepted = [one for one in attempts if one.id == row.accepted_attempt_id]
    for one in (*accepted, *reversed(attempts)):
        if one.result_file is None or one.result_offset is None:
            continue
        place = ResultLocator(
            one.result_file, one.result_offset, one.result_length or 0, one.result_sha256 or ""
        )
        try:
            return read_result(results, place), ""
        except ResultUnreadable as error:
            return None, str(error)
    return None, ""


def _only_text(row: PageRow, result: PageResult | None, problem: str) -> None:
    """The accepted text, for pipes. Raises UsageError when there is none."""
    if result is None or row.accepted_attempt_id is None:
        raise UsageError(
            problem or f"The page has no accepted text: it is {row.state} ({row.failure or 'no class'}).",
            "Without --text its attempts are shown, with what they read.",
        )
    sys.stdout.write(result.recognition.text.rstrip("\n") + "\n")


def _record(
    owner: DocumentRow, row: PageRow, attempts: list[AttemptRow], result: PageResult | None, problem: str
) -> dict[str, Any]:
    return {
        "document": {"name": owner.name, "sha256": owner.sha256, "language": owner.language},
        "number": row.number,
        "state": row.state,
        "class": row.failure,
        "engine": row.engine,
        "confidence": row.confidence,
        "attempts": [{**one._asdict(), "accepted": one.id == row.accepted_attempt_id} for one in attempts],
        "accepted": result is not None and row.accepted_attempt_id is not None,
        "by_person": row.by_person,
        "text": result.recognition.text if result else None,
        "markdown": result.recognition.markdown if result else None,
        "blocks": [asdict(block) for block in result.recognition.blocks] if result else None,
        "problem": problem or None,
    }


def _tell(
    owner: DocumentRow, row: PageRow, attempts: list[AttemptRow], result: PageResult | None, problem: str
) -> None:
    language = f", {owner.language}" if owner.language else ""
    say(f"{safe(owner.name)} ({owner.sha256[:12]}{language}), page {row.number} of {owner.page_count}")
    said = [row.state, row.failure, row.engine]
    said.append(f"confidence {numbered(row.confidence)}" if row.confidence is not None else None)
    say(safe(", ".join(part for part in said if part)))
    if attempts:
        columns = ("", "Engine", "Variation", "Outcome", "Confidence", "Seconds", "Evidence")
        rows = [
            _attempt_cells(number, one, row.accepted_attempt_id) for number, one in enumerate(attempts, 1)
        ]
        show(table("Attempts", columns, rows, ("Confidence", "Seconds")))
        counts = why_it_counts(attempts, row.accepted_attempt_id, by_person=row.by_person)
        if counts:
            say(safe(counts))
    if problem:
        say(f"The text cannot be shown: {safe(problem)}")
    elif result is not None:
        say(
            "Text:"
            if row.accepted_attempt_id is not None
            else "Text of the last attempt, which was not accepted:"
        )
        for line in result.recognition.text.splitlines():
            say(f"  {safe(line)}")
    else:
        say("No text.")


def _attempt_cells(number: int, one: AttemptRow, accepted: int | None) -> tuple[object, ...]:
    from bocr_tui.catalog.reasons import reason_of

    outcome = one.outcome if one.failure is None else f"{one.outcome}: {one.failure}"
    said = reason_of(one.failure, one.evidence) if one.failure else ""
    mark = f"{number} *" if one.id == accepted else f"{number}"
    engine = f"{one.engine} {one.engine_version}".strip()
    sure, took = numbered(one.confidence_mean), numbered(one.seconds, ".2f")
    return mark, engine, one.variation, outcome, sure, took, said
