"""What a person can say of a page: that a text is right, or what the right text is."""

from __future__ import annotations

from bocr_tui.actions.action import Action, Confirm, Context, Options, Outcome
from bocr_tui.actions.words import counted
from bocr_tui.catalog.words import PageState
from bocr_tui.config.errors import UsageError

_UNREAD = frozenset(map(str, (PageState.NEW, PageState.PLANNED)))


def _can_accept(context: Context) -> str | None:
    if not context.selection.pages:
        return "No page is selected."
    states = context.selection.page_states
    return "Nothing was read on this page yet." if states and states <= _UNREAD else None


def _can_edit(context: Context) -> str | None:
    if len(context.selection.pages) != 1:
        return "One page is edited at a time." if context.selection.pages else "No page is selected."
    return None


def _accept(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.reviewing import accept

    pages = context.selection.pages
    if options.attempt is not None and len(pages) > 1:
        raise UsageError("An attempt is chosen for one page at a time.", "Leave it out, or name one page.")
    done = accept(context.catalog.open(), context.workspace.results, pages, options.attempt)
    return Outcome(
        f"{counted(done.pages, 'page')} accepted.",
        done.pages,
        refused=done.refused,
        thing="page",
        numbers={"pages": done.pages, "attempts": list(done.attempts)},
    )


def _edit(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.reviewing import write_text

    if options.text is None:
        raise UsageError("There is no text to keep.", "Name a file with the page's text.")
    (page,) = context.selection.pages
    made = write_text(context.catalog.open(), context.workspace.results, page, options.text, options.attempt)
    return Outcome("The text is kept as a new attempt, and accepted.", 1, numbers={"attempt": made})


REVIEWING_ACTIONS = (
    Action(
        id="page.accept",
        title="Accept",
        tooltip="Make the shown attempt's text the page's, whatever was thought of it; it then stays.",
        key="t",
        group="Pages",
        command="bocr accept",
        when=_can_accept,
        run=_accept,
        confirm=Confirm.ALWAYS,
        selects="pages",
        asks=("attempt",),
    ),
    Action(
        id="page.edit",
        title="Edit",
        tooltip="Write the page's text in $EDITOR; what was read before is kept beside it.",
        key="E",
        group="Pages",
        command="bocr edit",
        when=_can_edit,
        run=_edit,
        selects="pages",
        asks=("attempt",),
    ),
)
