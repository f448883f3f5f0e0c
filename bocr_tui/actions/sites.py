"""What a person can do to sites, and the autopilot that feeds them."""

from __future__ import annotations

from collections.abc import Callable

from bocr_tui.actions.action import Action, Confirm, Context, Options, Outcome
from bocr_tui.config.errors import UsageError

UPLOADS_PAUSED = "uploads_paused"
"""Among a selection's site states, beside that of the link."""

_RESUMABLE = {"paused", "waiting"}


def _selected(able: Callable[[frozenset[str]], str | None]) -> Callable[[Context], str | None]:
    def when(context: Context) -> str | None:
        if not context.selection.sites:
            return "No site is selected."
        states = context.selection.site_states
        return able(states) if states else None

    return when


def _can_pause(states: frozenset[str]) -> str | None:
    return "This site is paused already." if "paused" in states else None


def _can_resume(states: frozenset[str]) -> str | None:
    return None if states & _RESUMABLE else "This site is not paused."


def _can_pause_uploads(states: frozenset[str]) -> str | None:
    return "Uploads to this site are paused already." if UPLOADS_PAUSED in states else None


def _can_resume_uploads(states: frozenset[str]) -> str | None:
    return None if UPLOADS_PAUSED in states else "Uploads to this site are not paused."


def _check(context: Context) -> tuple[str, ...]:
    """The selected sites. Raises UsageError for one that is not configured."""
    known = context.workspace.config.sites
    for name in context.selection.sites:
        if name not in known:
            raise UsageError(f"There is no site {name!r}.", f"Sites: {', '.join(sorted(known))}.")
    return context.selection.sites


def _answer(names: tuple[str, ...], text: str, next_step: str = "") -> Outcome:
    numbers = {"sites": list(names)}
    return Outcome(f"{', '.join(names)}: {text}", len(names), next_step=next_step, numbers=numbers)


def _pause(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.requests import pause_site

    names = _check(context)
    for name in names:
        pause_site(context.catalog.open(), name)
    return _answer(names, "not contacted any more until it is resumed; jobs there go on.")


def _resume(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.requests import resume_site

    names = _check(context)
    for name in names:
        resume_site(context.catalog.open(), name)
    said = "contacted again; what it asks a person is asked where the jobs are driven from."
    return _answer(names, said, "Run `bocr watch` if nothing drives them now.")


def _pause_uploads(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.upload_rows import pause_upload

    names = _check(context)
    for name in names:
        pause_upload(context.catalog.open(), name)
    return _answer(names, "no document is uploaded until uploads are resumed; jobs wait for theirs.")


def _resume_uploads(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.upload_rows import resume_upload

    names = _check(context)
    for name in names:
        resume_upload(context.catalog.open(), name)
    return _answer(names, "uploads go on.", "Run `bocr watch` if nothing drives the jobs now.")


def _start_autopilot(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.autopilot import set_autopilot

    set_autopilot(context.catalog.open(), True)
    return Outcome(
        "The autopilot is on: it submits what is planned, and what failed again.",
        1,
        next_step="Run `bocr autopilot` or `bocr watch` if nothing drives the jobs now.",
        numbers={"on": True},
    )


def _stop_autopilot(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.autopilot import set_autopilot

    set_autopilot(context.catalog.open(), False)
    return Outcome("The autopilot is off; jobs that run go on.", 1, numbers={"on": False})


def _can_start(context: Context) -> str | None:
    return "The autopilot is on already." if context.selection.autopilot_on else None


def _can_stop(context: Context) -> str | None:
    return "The autopilot is off already." if context.selection.autopilot_on is False else None


SITE_ACTIONS = (
    Action(
        id="site.resume",
        title="Resume",
        tooltip="Contact the site again now; what it asks a person is asked here.",
        key="r",
        group="Sites",
        command="bocr resume",
        when=_selected(_can_resume),
        run=_resume,
        selects="sites",
    ),
    Action(
        id="site.pause",
        title="Pause",
        tooltip="Contact the site no more until it is resumed; jobs there go on by themselves.",
        key="p",
        group="Sites",
        command="bocr pause",
        when=_selected(_can_pause),
        run=_pause,
        selects="sites",
    ),
    Action(
        id="site.upload_pause",
        title="Pause uploads",
        tooltip="Upload no documents to the site until that is resumed; what arrived stays there.",
        key="w",
        group="Sites",
        command="bocr pause --uploads",
        when=_selected(_can_pause_uploads),
        run=_pause_uploads,
        selects="sites",
    ),
    Action(
        id="site.upload_resume",
        title="Resume uploads",
        tooltip="Go on uploading documents from where it was.",
        key="W",
        group="Sites",
        command="bocr resume --uploads",
        when=_selected(_can_resume_uploads),
        run=_resume_uploads,
        selects="sites",
    ),
    Action(
        id="autopilot.start",
        title="Autopilot on",
        tooltip="Submit planned batches as the site has room, and failed pages again, until all is done.",
        key="A",
        group="Autopilot",
        command="bocr autopilot",
        when=_can_start,
        run=_start_autopilot,
        confirm=Confirm.ALWAYS,
    ),
    Action(
        id="autopilot.stop",
        title="Autopilot off",
        tooltip="Submit nothing by itself any more; jobs that run go on.",
        key=None,
        group="Autopilot",
        command="bocr autopilot --stop",
        when=_can_stop,
        run=_stop_autopilot,
    ),
)
