"""Starts a double for trying things by hand, or turns the switches of one that runs.

python -m tests.pbs_double FOLDER [--build master] [--slots 8]
python -m tests.pbs_double FOLDER server=down slow_s=2 history=false
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

from tests.pbs_double.double import Double
from tests.pbs_double.settings import BUILDS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.pbs_double", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("switches", nargs="*", help="name=value of a fault, for a double that runs")
    parser.add_argument("--build", choices=BUILDS, default=BUILDS[0])
    parser.add_argument("--slots", type=int, default=8, help="cores of its one node")
    asked = parser.parse_args()
    if asked.switches:
        Double.of(asked.folder).faults(**dict(_switch(word) for word in asked.switches))
        return
    _keep(asked.folder, asked.build, asked.slots)


def _switch(word: str) -> tuple[str, Any]:
    name, _, value = word.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _keep(folder: Path, build: str, slots: int) -> None:
    with Double.start(folder, build=build, slots=slots) as double:
        sys.stdout.write(
            f"A PBS ({build}) runs in {double.folder} until Ctrl-C. Its commands: {double.pbs_exec}/bin\n\n"
            "For bocr.toml:\n\n"
            "[sites.double]\n"
            'transport = "local"\n'
            'scheduler = "pbs"\n'
            f'root = "{double.folder}/site"\n'
            f'pbs_exec = "{double.pbs_exec}"\n\n'
            f"Faults, from another terminal: python -m tests.pbs_double {double.folder} server=down\n"
        )
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
