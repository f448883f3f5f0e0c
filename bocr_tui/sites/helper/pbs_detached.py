"""A program of its own: submits what it reads from stdin, however the one who asked fares.

`python pbs_detached.py HANDLE`, with a JSON object on stdin. It leaves the process tree, answers each order
with a line of JSON on the file handle, and goes on when nobody reads that any more. It is started by its
path, so the package around it is loaded by path, too.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PACKAGE = "bocr_site_helper"

BESIDE = 3
"""Submissions under way at the same time: most of one is waiting for a process to start and a server to
answer. A server that takes no more is asked so often before that is noticed."""


def main(handle: int) -> int:
    """Returns the exit status."""
    question = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    _redirect(os.path.join(question["root"], "runs", question["orders"][0]["token"], "submit.log"))
    package = _package()
    commands = importlib.import_module(package + ".pbs_commands")
    submit = importlib.import_module(package + ".pbs_submit")
    pbs = commands.Pbs(question["folder"], question["version"])
    submitter = submit.Submitter(question["root"], pbs, question["qsub_s"])
    first, *others = question["orders"]
    _say(handle, submitter.submit(first))  # what this PBS does not know is found out once
    with ThreadPoolExecutor(BESIDE) as threads:
        for answer in threads.map(submitter.submit, others):
            _say(handle, answer)
    return 0


def _redirect(log: str) -> None:
    """No end of whoever asked stays open; what goes wrong here is in the first run's folder."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        target = null
    for source, handle in ((null, 0), (target, 1), (target, 2)):
        os.dup2(source, handle)


def _say(handle: int, answer: Any) -> None:
    with contextlib.suppress(OSError):  # whoever asked is gone; the run folders know
        os.write(handle, json.dumps(answer).encode() + b"\n")


def _package() -> str:
    """Load the package that this file lies in, whatever its folder is called."""
    folder = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        PACKAGE, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)
    return PACKAGE


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
