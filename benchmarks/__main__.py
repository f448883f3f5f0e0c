"""Run the benchmarks whose names begin with the argument, print a table, write results.json.

A benchmark is a module `bench_*.py` beside this one with `NAMES`, the names of its results, and
`run() -> list[Result]`. Results of benchmarks that were not run stay in the file.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import benchmarks
from benchmarks.result import Result

RESULTS = Path(__file__).parent / "results.json"


def find_modules(prefix: str) -> list[ModuleType]:
    """The benchmark modules of which a result's name begins so."""
    found = []
    for entry in sorted(pkgutil.iter_modules(benchmarks.__path__), key=lambda entry: entry.name):
        if entry.name.startswith("bench_"):
            module = importlib.import_module(f"benchmarks.{entry.name}")
            if any(name.startswith(prefix) for name in module.NAMES):
                found.append(module)
    return found


def table(results: list[Result]) -> str:
    """The results as aligned columns."""
    rows = [("name", "value", "unit", "baseline", "better")]
    rows += [
        (result.name, f"{result.value:,.3f}", result.unit, f"{result.baseline:,.3f}", result.better)
        for result in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in (1, 3) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def write(results: list[Result], path: Path = RESULTS) -> None:
    """Put the new results into the file, over those of the same names."""
    try:
        kept = {record["name"]: record for record in json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError, KeyError):
        kept = {}
    kept |= {result.name: asdict(result) for result in results}
    lines = ",\n".join("  " + json.dumps(kept[name]) for name in sorted(kept))
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    prefix = arguments[0] if arguments else ""
    modules = find_modules(prefix)
    if not modules:
        names = [name for module in find_modules("") for name in module.NAMES]
        print(f"No benchmark begins with {prefix!r}. There are: {', '.join(sorted(names))}.", file=sys.stderr)
        return 2
    results: list[Result] = []
    for module in modules:
        print(f"{module.__name__.removeprefix('benchmarks.')} …", file=sys.stderr, flush=True)
        results += [result for result in module.run() if result.name.startswith(prefix)]
    print(table(results))
    write(results)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
