#!/usr/bin/env python3
"""Write docs/commands.md and docs/configuration.md from the code; with --check only compare.

`make docs` writes, `make check` compares: what the reference says is what the code does.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
_MADE = "<!-- Made by docs/generate.py; change the code, then run `make docs`. -->\n"


def commands() -> str:
    """Every command of `bocr` with its arguments and options, from the command line's own tree."""
    import typer

    from bocr_tui.cli.app import app

    root = typer.main.get_command(app)
    context = typer.Context(root, info_name="bocr")
    lines = ["# The commands", _MADE, *_command(root, context)]
    for name in root.list_commands(context):  # type: ignore[attr-defined]
        command = root.get_command(context, name)  # type: ignore[attr-defined]
        if not command.hidden:
            lines += _command(command, typer.Context(command, info_name=name, parent=context))
    return "\n".join(lines).rstrip() + "\n"


def _command(command: Any, context: Any) -> Iterator[str]:
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"## `{context.command_path}`\n"
    yield inspect.cleandoc(command.help or "") + "\n"
    yield f"```\n{context.command_path} {pieces}\n```\n"
    rows = [row for row in map(_parameter, command.get_params(context)) if row]
    if rows:
        yield "| argument or option | meaning |\n|---|---|"
        yield from rows
        yield ""
    if command.epilog:
        yield inspect.cleandoc(command.epilog) + "\n"


def _parameter(parameter: Any) -> str | None:
    """One row of a table; None for what is hidden."""
    if getattr(parameter, "hidden", False):
        return None
    names = [*parameter.opts, *parameter.secondary_opts]
    name = (
        ", ".join(names) if names[0].startswith("-") else (parameter.metavar or parameter.human_readable_name)
    )
    if names[0].startswith("-") and not parameter.is_flag and not parameter.count:
        name += f" {parameter.metavar or parameter.type.name.upper()}"
    meaning = (parameter.help or "").replace("\n", " ").replace("|", "\\|")
    default = parameter.default
    if isinstance(default, (int, float, str)) and not isinstance(default, bool) and default != "":
        meaning += f" Default: {default}."
    return f"| `{name}` | {meaning} |"


def configuration() -> str:
    """Every setting of bocr.toml with its type, default and meaning, from the model's source."""
    from bocr_tui.config import model

    classes = {
        node.name: node for node in ast.parse(inspect.getsource(model)).body if isinstance(node, ast.ClassDef)
    }
    keys = {
        "Config": "the top of the file",
        "StageConfig": "[[pipeline]]",
        "SiteConfig": "[sites.NAME]",
        "LanguageRule": "[[language_rules]]",
        "PlanningConfig": "[planning]",
        "LimitsConfig": "[limits]",
    }
    unknown = [name for name, node in classes.items() if name not in keys and not name.startswith("_")]
    assert not unknown, f"docs/generate.py does not know where {unknown} stand in bocr.toml"
    lines = ["# bocr.toml", _MADE]
    lines += [
        "A workspace's settings. Unknown ones are refused with the nearest name there is, and `bocr config`",
        "shows what is in force.\n",
    ]
    for name, key in keys.items():
        lines += _table(classes[name], key)
    return "\n".join(lines).rstrip() + "\n"


def _table(node: ast.ClassDef, key: str) -> Iterator[str]:
    yield f"## {key}\n" if not key.startswith("[") else f"## `{key}`\n"
    yield inspect.cleandoc(ast.get_docstring(node) or "") + "\n"
    yield "| setting | type | default | meaning |\n|---|---|---|---|"
    for index, field in enumerate(node.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            after = node.body[index + 1] if index + 1 < len(node.body) else None
            yield f"| `{field.target.id}` | {_type(field)} | {_default(field)} | {_meaning(after)} |"
    yield ""


def _type(field: ast.AnnAssign) -> str:
    text = ast.unparse(field.annotation).replace("|", "\\|")
    return f"`{text}`"


def _default(field: ast.AnnAssign) -> str:
    value = field.value
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "Field":
        given = {word.arg: word.value for word in value.keywords}
        value = given.get("default") or given.get("default_factory")
    if value is None:
        return "must be given"
    text = ast.unparse(value).removeprefix("lambda: ")
    return "as its table says" if text.endswith("Config()") else f"`{'{}' if text == 'dict' else text}`"


def _meaning(node: ast.stmt | None) -> str:
    if (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ):
        return " ".join(node.value.value.split()).replace("|", "\\|")
    return ""


def main() -> int:
    """0, or 1 when a file is not what the code says."""
    stale = []
    for name, text in (("commands.md", commands()), ("configuration.md", configuration())):
        path = DOCS / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
    if stale:
        said = "are not what the code says; run `make docs`" if "--check" in sys.argv else "written"
        sys.stdout.write(f"docs: {', '.join(stale)} {said}\n")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
