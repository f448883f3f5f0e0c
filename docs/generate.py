#!/usr/bin/env python3
"""Write docs/commands.md, docs/configuration.md, docs/keys.md and the table of docs/engines.md from the code;
with --check only compare.

`make docs` writes, `make check` compares: what the reference says is what the code does.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).resolve().parent
_MADE = "<!-- Made by docs/generate.py; change the code, then run `make docs`. -->\n"


def commands() -> str:
    """What `bocr --help` and `bocr COMMAND --help` print, as plain text of 80 columns."""
    os.environ.update(TYPER_USE_RICH="0", COLUMNS="80", LINES="24")
    from bocr_tui.cli.app import app

    lines = ["# The commands", _MADE, *_help([])]
    for command in app.registered_commands:
        if command.name and not command.hidden:
            lines += _help([command.name])
    for group in app.registered_groups:
        assert group.typer_instance is not None
        name = str(group.typer_instance.info.name)
        lines += _help([name])
        for command in group.typer_instance.registered_commands:
            lines += _help([name, str(command.name)])
    return "\n".join(lines).rstrip() + "\n"


def _help(words: list[str]) -> list[str]:
    from bocr_tui.cli.main import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = main([*words, "--help"])
    assert code == 0, f"bocr {' '.join(words)} --help ended with exit code {code}"
    text = "\n".join(line.rstrip() for line in said.getvalue().strip().splitlines())
    return [f"## `{' '.join(['bocr', *words])}`\n", f"```text\n{text}\n```\n"]


def configuration() -> str:
    """Every setting of bocr.toml with its type, default and meaning, from the model's source."""
    from bocr_tui.config import model

    classes = {
        node.name: node for node in ast.parse(inspect.getsource(model)).body if isinstance(node, ast.ClassDef)
    }
    keys = {
        "Config": "the top of the file",
        "StageConfig": "[[pipeline]]",
        "EngineConfig": "[engines.NAME]",
        "SamplingConfig": "[engines.NAME.sampling]",
        "SiteConfig": "[sites.NAME]",
        "PbsConfig": "[sites.NAME.pbs]",
        "EnvironmentConfig": "[sites.NAME.environments.ENGINE]",
        "SplitConfig": "[sites.NAME.split]",
        "LanguageRule": "[[language_rules]]",
        "PlanningConfig": "[planning]",
        "LimitsConfig": "[limits]",
        "AutopilotConfig": "[autopilot]",
        "PanelConfig": "[panel]",
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


_BEGINS, _ENDS = "<!-- engines: made by docs/generate.py -->", "<!-- end of engines -->"


def engines() -> str:
    """docs/engines.md with its table as the registry has it; the rest of the page is written by hand."""
    from bocr_tui.config.engine_words import reads, runtimes, weights_gb
    from bocr_worker.engines.registry import all_engines

    rows = ["| engine | model | reads | places | runs by | weights | licence |", "|" + "---|" * 7]
    for name, spec in sorted(all_engines().items()):
        if name == "noop":
            continue
        vision, size = spec.vision, weights_gb(spec)
        model = f"`{vision.models[0]}`" if vision else spec.title
        licence = vision.licence if vision else "Apache-2.0"
        places = "yes" if spec.gives_boxes else "no"
        weights = f"{size:.0f} GB" if size else "" if vision else "no GPU"
        cells = (f"`{name}`", model, reads(spec), places, runtimes(spec), weights, licence)
        rows.append(f"| {' | '.join(cell or 'see its authors' for cell in cells)} |")
    page = (DOCS / "engines.md").read_text(encoding="utf-8")
    head, _, rest = page.partition(_BEGINS)
    _, _, tail = rest.partition(_ENDS)
    return f"{head}{_BEGINS}\n{chr(10).join(rows)}\n{_ENDS}{tail}"


def keys() -> str:
    """Every key of the panel, from its screens' and widgets' bindings."""
    from bocr_tui.ui.keys_document import keys_document

    return f"# The panel's keys\n{_MADE}\n{keys_document()}".rstrip() + "\n"


def main() -> int:
    """0, or 1 when a file is not what the code says."""
    stale = []
    pages = {
        "commands.md": commands(),
        "configuration.md": configuration(),
        "engines.md": engines(),
        "keys.md": keys(),
    }
    for name, text in pages.items():
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
