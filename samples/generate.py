#!/usr/bin/env python3
"""Make gazette pages in French and Arabic, with their exact text beside them.

    python samples/generate.py --language both --pages 20 --kind scan --seed 7 some/folder

Each PDF gets a `.gt.txt`: the lines in reading order, a form feed line between pages. Needs
`pip install -e '.[samples]'` and fonts (the error message names the package).
"""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from pathlib import Path

from gazette.documents import Order, PageKind, make_document, write_document
from gazette.fonts import FontMissing


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 1 when a font or library is missing."""
    options = _parser().parse_args(arguments)
    languages = ("fr", "ar") if options.language == "both" else (options.language,)
    try:
        for language in languages:
            _generate(language, options)
    except FontMissing as error:
        print(f"generate: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(f"generate: the library {error.name} is missing: pip install -e '.[samples]'", file=sys.stderr)
        return 1
    return 0


def _generate(language: str, options: argparse.Namespace) -> None:
    special = [PageKind(kind) for kind in options.special]
    kinds = iter([*special, *[PageKind.TEXT] * max(0, options.pages - len(special))][: options.pages])
    number = 0
    while pages := list(islice(kinds, options.document_pages)):
        number += 1
        made = make_document(
            Order(
                language, pages, options.seed * 100_003 + number, options.kind == "scan", tuple(options.font)
            )
        )
        name = f"bulletin-{options.kind}-{options.seed}-{number:04d}_{language.capitalize()}"
        path = write_document(options.out, name, made)
        print(f"{path}: {len(pages)} pages, {len(made.pdf) / 1000:.0f} kB")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="generate.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the PDFs and their .gt.txt")
    parser.add_argument("--language", choices=("fr", "ar", "both"), default="both")
    parser.add_argument("--pages", type=_positive, default=8, help="pages a language (default 8)")
    parser.add_argument("--document-pages", type=_positive, default=8, help="pages a PDF (default 8)")
    parser.add_argument("--kind", choices=("clean", "scan"), default="clean")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--special",
        action="append",
        default=[],
        choices=[kind.value for kind in PageKind if kind is not PageKind.TEXT],
        help="put such a page first; may be given again",
    )
    parser.add_argument(
        "--font",
        action="append",
        default=[],
        type=Path,
        help="a font file; used for the languages it can write",
    )
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
