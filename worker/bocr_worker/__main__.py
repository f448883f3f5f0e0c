"""`python <worker folder> RUN_FOLDER`: what a job script calls."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 done (or a duplicate), 4 stopped with pages left, 1 an error; exit.json
    says why."""
    parser = argparse.ArgumentParser(prog="bocr-worker", description="Run one bocr job in its run folder.")
    parser.add_argument("run", type=Path, nargs="?", help="the run folder, with its manifest.json")
    parser.add_argument("--job", default="", help="the scheduler's id of this job")
    parser.add_argument("--cores", type=int, default=0, help="cores to use; 0: all this process may use")
    parser.add_argument("--vendor", type=Path, help="a folder searched last, for what Python lacks here")
    parser.add_argument("--fitness", metavar="ENGINE", help="say whether this Python can run an engine")
    options = parser.parse_args(arguments)
    if options.vendor is not None:
        sys.path.append(str(options.vendor))
    os.umask(0o077)
    if options.fitness is not None:
        from bocr_worker.fitness import say_fitness

        return say_fitness(options.fitness)
    if options.run is None:
        parser.error("name the run folder")

    from bocr_worker.job import run_job

    return run_job(options.run.resolve(), options.job, options.cores)


if __name__ == "__main__":
    raise SystemExit(main())
