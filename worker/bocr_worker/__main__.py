"""`python <worker folder> RUN_FOLDER`: what a job script calls; and what a panel asks of a site besides."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status. For a run: 0 done, or another start's; 4 stopped with pages left; 1 an error;
    exit.json says why."""
    options = _parser().parse_args(arguments)
    if options.vendor is not None:
        sys.path.append(str(options.vendor.resolve()))
    os.umask(0o077)
    if options.scan:
        from bocr_worker.scan.run import run_scan

        path, out = options.scan
        return run_scan(path, out, options.known, options.cores or 1)
    if options.draw:
        from bocr_worker.draw import run_draw

        document, page, out = options.draw
        return run_draw(document, page, out, options.dpi)
    if options.check:
        from bocr_worker.check import run_check

        return run_check(options.check, imports=options.imports)
    from bocr_worker.job import run_job

    return run_job(options.run.resolve(), options.job, options.cores)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bocr-worker", description="Run one bocr job in its run folder.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("run", type=Path, nargs="?", help="the run folder, with its manifest.json")
    what.add_argument("--scan", nargs=2, metavar=("PATH", "OUT"), help="list the documents under PATH in OUT")
    what.add_argument("--draw", nargs=3, metavar=("DOCUMENT", "PAGE", "OUT"), help="one page as a picture")
    what.add_argument("--check", metavar="ENGINE", help="say whether the engine can run here")
    parser.add_argument("--job", default="", help="the scheduler's id of this job")
    parser.add_argument("--cores", type=int, default=0, help="cores to use; 0: all this process may use")
    parser.add_argument("--vendor", type=Path, help="a folder searched last, for what Python lacks here")
    parser.add_argument("--known", help="for --scan: files that need not be read again")
    parser.add_argument("--imports", action="store_true", help="for --check: import what runs models, too")
    parser.add_argument("--dpi", type=int, default=110, help="for --draw: the resolution")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
