"""The Plan screen's form: which values it has, what each may be, and what a change makes of the choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bocr_tui.config.errors import UsageError
from bocr_tui.ui.engines_known import fit_first
from bocr_tui.ui.planning import DIVIDE_WORDS, MOST_STAGES, Choices, Divide, PlanFacts, SiteChoice
from bocr_tui.ui.widgets.form import Field
from bocr_tui.ui.wording import count, things

if TYPE_CHECKING:
    from collections.abc import Callable

STAGE = "stage-"
NO_STAGE = "none"

TYPED = {
    "size": "A whole number of at least 1; empty: as configured.",
    "sample": "So many pages of each document, evenly spread; empty: all of them.",
    "queue": "A queue's name; empty: the site's.",
    "walltime": "Hours:minutes:seconds, such as 23:30:00; empty: the site's.",
}
"""Fields that are typed, with what is said below the line."""

LEAST_DIVIDE: tuple[Divide, ...] = ("pages", "documents", "batches")


def site_of(choices: Choices, facts: PlanFacts) -> SiteChoice | None:
    return facts.sites.get(choices.site or facts.site)


def fields(choices: Choices, facts: PlanFacts) -> list[Field]:
    """The form's lines, top to bottom."""
    default = count(facts.pages) if choices.divide == "pages" else "?"
    made = [
        Field("divide", "Divide by", DIVIDE_WORDS[choices.divide], choices.divide != "pages"),
        Field(
            "size",
            "How many",
            default if choices.size is None else count(choices.size),
            choices.size is not None,
            "needed" if choices.needs_size else "",
        ),
        Field("sample", "Of each", _sample(choices), choices.pages_per_document is not None),
        Field("site", "Site", choices.site or facts.site, choices.site is not None),
    ]
    site = site_of(choices, facts)
    if site is None:
        return made
    if site.has_queues:
        made += [
            _asked("queue", "Queue", choices.queue, site.queue),
            _asked("walltime", "Walltime", choices.walltime, site.walltime),
        ]
    engines = choices.stages or site.engines
    for number in range(min(MOST_STAGES, len(engines) + 1)):
        value = engines[number] if number < len(engines) else NO_STAGE
        made.append(Field(f"{STAGE}{number}", f"Stage {number + 1}", value, bool(choices.stages)))
    return made


def _sample(choices: Choices) -> str:
    pages = choices.pages_per_document
    return "all pages" if pages is None else things(pages, "page") + " spread over it"


def _asked(name: str, label: str, asked: str | None, own: str) -> Field:
    return Field(name, label, (own or "PBS decides") if asked is None else asked, asked is not None)


def offered(field: str, choices: Choices, facts: PlanFacts) -> list[tuple[str, str]]:
    """The choices of a field that has some: key and words."""
    if field == "divide":
        return [(each, DIVIDE_WORDS[each]) for each in LEAST_DIVIDE]
    if field == "site":
        return [(name, name) for name in sorted(facts.sites)]
    if field.startswith(STAGE):
        first = field == f"{STAGE}0"
        none = [] if first else [(NO_STAGE, "none: the stages end before this one")]
        reasons = facts.unfit.get(choices.site or facts.site, {})
        names = fit_first(facts.engines, reasons)
        return [*none, *((name, f"{name}  ({reasons[name]})" if name in reasons else name) for name in names)]
    return []


def chosen(field: str, choices: Choices, facts: PlanFacts) -> str:
    """The key of what a field has now."""
    return next((each.value for each in fields(choices, facts) if each.id == field), "")


def typed(field: str, choices: Choices) -> str:
    """What stands in the line to begin with."""
    values = {
        "size": choices.size,
        "sample": choices.pages_per_document,
        "queue": choices.queue,
        "walltime": choices.walltime,
    }
    value = values[field]
    return "" if value is None else str(value)


def changed(field: str, value: str | None, choices: Choices, facts: PlanFacts) -> Choices:
    """The choices with a field set to `value`; None: as configured again. Raises UsageError."""
    if field.startswith(STAGE):
        return _with_stage(int(field.removeprefix(STAGE)), value, choices, facts)
    if field == "site":
        return choices.on_site(None if value in (None, facts.site) else value)
    if field == "divide":
        return replace(choices, divide=_divide(value), size=None)
    if field == "size":
        return replace(choices, size=_number(value))
    if field == "sample":
        return replace(choices, pages_per_document=_number(value))
    if field == "queue":
        return replace(choices, queue=value or None)
    return replace(choices, walltime=value or None)


def _divide(value: str | None) -> Divide:
    return next((each for each in LEAST_DIVIDE if each == value), "pages")


def _number(value: str | None) -> int | None:
    if not value:
        return None
    plain = value.replace(",", "").replace(" ", "")
    if not plain.isdecimal() or not 1 <= int(plain) <= 10_000_000:
        raise UsageError(f"{value!r} is no number that would do.", "Give a whole number of at least 1.")
    return int(plain)


def _with_stage(number: int, value: str | None, choices: Choices, facts: PlanFacts) -> Choices:
    """A stage that is taken out takes those after it along."""
    if value is None:
        return replace(choices, stages=())
    site = site_of(choices, facts)
    own = site.engines if site is not None else ()
    engines = list(choices.stages or own)
    engines[number:] = [] if value == NO_STAGE else [value, *engines[number + 1 :]]
    made = tuple(engines)
    return replace(choices, stages=() if made == own else made)


def check_of(field: str, choices: Choices, facts: PlanFacts) -> Callable[[str], object]:
    """What a typed value is checked by, in the line where it is typed. Raises UsageError, ConfigError."""

    def check(value: str) -> None:
        changed(field, value or None, choices, facts)
        if value and field in ("queue", "walltime"):
            from bocr_tui.config.model import SiteConfig
            from bocr_tui.control.wishes import with_pbs

            with_pbs(SiteConfig(), {field: value})

    return check


def cycled(field: str, step: int, choices: Choices, facts: PlanFacts) -> Choices | None:
    """The choices with the next of a field's choices; None where it has none."""
    keys: Sequence[str] = [key for key, _ in offered(field, choices, facts)]
    if not keys:
        return None
    now = chosen(field, choices, facts)
    at = next(
        (place for place, (key, words) in enumerate(offered(field, choices, facts)) if now in (key, words)), 0
    )
    return changed(field, keys[(at + step) % len(keys)], choices, facts)
