"""What a person can do to pages."""

from __future__ import annotations

from bocr_tui.actions.action import Action, Confirm, Context, Options, Outcome
from bocr_tui.actions.words import counted
from bocr_tui.catalog.words import PageState

_RESUBMITTABLE = frozenset(map(str, (PageState.FAILED, PageState.GAVE_UP, PageState.OK)))
_RESETTABLE = frozenset(map(str, (PageState.GAVE_UP, PageState.IGNORED)))
_IGNORABLE = frozenset(map(str, set(PageState) - {PageState.IGNORED}))


def _when(context: Context, able: frozenset[str], otherwise: str) -> str | None:
    if not context.selection.pages:
        return "No page is selected."
    states = context.selection.page_states
    return otherwise if states and not states & able else None


def _can_resubmit(context: Context) -> str | None:
    reason = "Only pages that failed, gave up or are read can be resubmitted; submit the batch of others."
    return _when(context, _RESUBMITTABLE, reason)


def _can_reset(context: Context) -> str | None:
    return _when(context, _RESETTABLE, "Only pages that gave up or are ignored can be reset.")


def _can_ignore(context: Context) -> str | None:
    return _when(context, _IGNORABLE, "These pages are ignored already.")


def _resubmit(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.engine_fitness import check_fit
    from bocr_tui.control.orders import resubmit_pages

    if options.engine is not None:
        config = context.workspace.config
        check_fit(config, options.site or config.site, [options.engine])
    done = resubmit_pages(
        context.catalog.open(),
        context.workspace.config,
        context.selection.pages,
        engine=options.engine,
        site=options.site,
    )
    return Outcome(
        text=f"{counted(done.pages, 'page')} resubmitted.",
        count=done.pages,
        refused=done.refused,
        thing="page",
        next_step="Run `bocr watch` to read them." if done.pages else "",
        numbers={"pages": done.pages, "chains": list(done.chains), "jobs": list(done.jobs)},
        well=done.pages > 0,
    )


def refuses_to_resubmit(context: Context, options: Options) -> tuple[tuple[int, str], ...]:
    """Which of the selected pages would not be taken now, with the reason; nothing is changed.

    Raises BocrError for an engine or a site that is none, and for an engine that cannot run there.
    """
    from bocr_tui.control.engine_fitness import check_fit
    from bocr_tui.control.orders import refusals, site_to_use
    from bocr_tui.control.pipeline import build_pipeline

    config = context.workspace.config
    site = site_to_use(config, options.site)
    build_pipeline(config, options.engine, site)
    if options.engine is not None:
        check_fit(config, site, [options.engine])
    return tuple(refusals(context.catalog.open(), context.selection.pages, options.engine is not None))


def _reset(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.orders import reset_pages

    count = reset_pages(context.catalog.open(), context.selection.pages)
    return Outcome(f"{counted(count, 'page')} reset.", count, numbers={"pages": count})


def _ignore(context: Context, options: Options) -> Outcome:
    from bocr_tui.actions.ignoring import text_lost
    from bocr_tui.control.orders import ignore_pages

    lost = text_lost(context.catalog.open(), context.selection.pages)
    count = ignore_pages(context.catalog.open(), context.selection.pages)
    return Outcome(f"{counted(count, 'page')} ignored. {lost}".rstrip(), count, numbers={"pages": count})


PAGE_ACTIONS = (
    Action(
        id="page.resubmit",
        title="Resubmit",
        tooltip="Read the selected pages again; with an engine named, by that one alone.",
        key="r",
        group="Pages",
        command="bocr resubmit",
        when=_can_resubmit,
        run=_resubmit,
        confirm=Confirm.MANY,
        selects="pages",
        asks=("engine", "site"),
        waits=True,
        refuses=refuses_to_resubmit,
    ),
    Action(
        id="page.reset",
        title="Reset",
        tooltip="Make pages that gave up failed again, and ignored ones what they were before.",
        key="R",
        group="Pages",
        command="bocr reset",
        when=_can_reset,
        run=_reset,
        confirm=Confirm.MANY,
        selects="pages",
    ),
    Action(
        id="page.ignore",
        title="Ignore",
        tooltip="Leave the selected pages out: they count as settled and are named in exports.",
        key="i",
        group="Pages",
        command="bocr ignore",
        when=_can_ignore,
        run=_ignore,
        confirm=Confirm.ALWAYS,
        selects="pages",
    ),
)
