"""The keys of the panel as a document: made from the bindings themselves, so that it cannot be wrong."""

from __future__ import annotations

from collections.abc import Iterator

from textual.keys import format_key

from bocr_tui.ui.known_keys import KnownKey, known_keys
from bocr_tui.ui.places import places
from bocr_tui.ui.typed import VERBS

HEADINGS = {
    "app": "Anywhere",
    "panel": "Every screen",
    "list": "Every list",
    "table": "In a list",
    "virtual_table": "In a list",
    "page": "One page",
    "log": "A job's log",
    "log_view": "In a log, and in the commands of a site",
    "text_pane": "In a page's text",
}

KEYMAP = """## Your own keys

Write `keys.toml` in the workspace, or `~/.config/bocr/keys.toml` for every workspace:

```toml
[keys]
"page.resubmit" = "ctrl+e"
"list.find" = "slash,ctrl+f"
```

The names are those of the tables below. An unknown name, a key that is none and one that is taken already are
told when the panel opens, with file, line and the nearest name there is; the rest of the file holds.
`[panel] keymap` in bocr.toml names another file. A key of a question (its Cancel, say) cannot be moved.
"""


def keys_document() -> str:
    """Markdown: own keys, commands, and a table for every screen."""
    known = known_keys()
    order = ["app", *(place.id for place in places())]
    contexts = sorted({each.context for each in known}, key=lambda context: (_place(order, context), context))
    lines = [KEYMAP, "## Commands\n", _commands()]
    for context in contexts:
        rows = [each for each in known if each.context == context]
        lines += [f"## {heading(context)}\n", "| key | does | name |", "|---|---|---|"]
        lines += [*map(_row, rows), ""]
    return "\n".join(lines)


def _place(order: list[str], context: str) -> int:
    return order.index(context) if context in order else len(order)


def heading(context: str) -> str:
    """A context in words."""
    titles = {place.id: place.title for place in places()}
    return HEADINGS.get(context) or titles.get(context) or context.replace("_", " ").capitalize()


def _row(known: KnownKey) -> str:
    keys = " ".join(f"`{_escaped(format_key(key))}`" for key in known.keys)
    said = f"**{known.title}.** {known.tooltip}"
    if known.command:
        said += f" Asked first{': ' + known.asks if known.asks != 'always' else ''}." if known.asks else ""
        said += f" The same as `{known.command}`."
    return f"| {keys} | {_escaped(said)} | `{known.id}` |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _commands() -> str:
    return "\n".join(_command_lines())


def _command_lines() -> Iterator[str]:
    yield "`:` opens a line that takes these, a place's name, and every action by its name with its options:"
    yield "`:resubmit engine=tesseract`. Tab completes. ctrl+p finds the same things by a few letters.\n"
    yield "| command | does |\n|---|---|"
    for verb, tooltip in VERBS.items():
        yield f"| `:{verb}` | {_escaped(tooltip)} |"
    yield ""
