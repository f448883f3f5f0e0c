"""What the Plan screen says: what a plan would make, what a submission would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bocr_tui.actions.action import Outcome
from bocr_tui.ui import wording
from bocr_tui.ui.widgets.facts import Heading, Labelled, Paragraph, Words

Fact = tuple[str, str, str]

BATCHES_SHOWN = 200
"""Of the batches that would be made: as many as anybody scrolls through; the dry run lists the rest."""

LABEL_CELLS = 10

ALL_NEW = "all that is new"
"""Of which documents, when none was chosen."""


def nothing_new(of_what: str) -> str:
    """That no batch would be made."""
    return "There is no new page to plan" + ("." if of_what == ALL_NEW else f" in {of_what}.")


def about_plan(numbers: Mapping[str, Any], of_what: str) -> list[Paragraph]:
    """Of a dry run's numbers; `of_what` says in words which documents it is of."""
    batches = numbers["batches"]
    if not batches:
        return [Words(((nothing_new(of_what), "muted"),)), *_passed_over(numbers)]
    made = f"{wording.things(len(batches), 'batch', 'batches')} of {of_what}"
    return [
        Words(((made, "strong"),)),
        Labelled(_plan_facts(numbers), LABEL_CELLS),
        *_passed_over(numbers),
        Heading("Batches that would be made"),
        *_batches(batches),
    ]


def _plan_facts(numbers: Mapping[str, Any]) -> list[Fact]:
    slots = numbers["slots"]
    at_once = f", {slots} at once" if slots > 1 else ""
    facts: list[Fact] = [
        ("Pages", wording.count(numbers["pages"]), "plain"),
        ("Documents", wording.count(numbers["documents"]), "plain"),
        ("Takes", f"about {wording.duration(numbers['estimated_slots_s'])}{at_once}", "plain"),
        ("", str(numbers["estimated_from"]), "muted"),
    ]
    if numbers["gpu_hours"] is not None:
        facts.append(("GPU hours", f"about {numbers['gpu_hours']:,.1f}", "plain"))
    above = max(0.0, 100 * (numbers["spread"] - 1))
    facts.append(("Longest", f"{above:.1f} % above the ideal", "muted"))
    return facts


def _passed_over(numbers: Mapping[str, Any]) -> list[Paragraph]:
    facts = [
        (wording.count(count), wording.plain(str(what)), "muted")
        for what, count in numbers["skipped"].items()
    ]
    return [Heading("Passed over"), Labelled(facts, LABEL_CELLS)] if facts else []


def _batches(batches: list[Mapping[str, Any]]) -> list[Paragraph]:
    facts = [
        (
            str(batch["name"]),
            f"{wording.things(batch['pages'], 'page')} of {wording.count(batch['documents'])}, "
            f"{wording.duration(batch['estimated_s'])}",
            "plain",
        )
        for batch in batches[:BATCHES_SHOWN]
    ]
    more = len(batches) - BATCHES_SHOWN
    rest = [Words(((f"and {more:,} more", "muted"),))] if more > 0 else []
    return [Labelled(facts, LABEL_CELLS), *rest]


def about_submission(outcome: Outcome, what: str) -> list[Paragraph]:
    """What s would do now."""
    told = outcome.numbers
    facts: list[Fact] = [
        ("Pages", wording.count(told["pages"]), "plain" if told["pages"] else "warning"),
        ("Site", f"{told['site']}, {wording.things(told['jobs'], 'job')}", "plain"),
    ]
    for number, stage in enumerate(told["stages"], 1):
        facts.append((f"Stage {number}", _stage(stage), "plain"))
    if told["uploads"]:
        size = wording.size(told["upload_bytes"])
        facts.append(("Uploads", f"{wording.things(told['uploads'], 'document')}, {size}", "plain"))
    if told["lost"]:
        facts.append(("Not found", f"{wording.things(told['lost'], 'document')}: would fail", "failed"))
    if told["held"]:
        facts.append(("Held", f"{wording.things(told['held'], 'page')} by a live job", "warning"))
    facts.append(("Takes", f"about {wording.duration(told['estimated_s'])} of jobs", "plain"))
    if told["gpu_hours"] is not None:
        facts.append(("GPU hours", f"about {told['gpu_hours']:,.1f}", "plain"))
    return [Words(((f"Submitting {what}", "strong"),)), Labelled(facts, LABEL_CELLS)]


def _stage(stage: Mapping[str, Any]) -> str:
    asked = [f"{name} {stage[name]}" for name in ("queue", "walltime") if stage[name]]
    return ", ".join([str(stage["engine"]), *asked])
