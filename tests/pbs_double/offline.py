"""What the commands say when no server answers: each finds its own mistakes first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.pbs_double import documents, qsub_options
from tests.pbs_double.commands import qstat
from tests.pbs_double.errors import Ended
from tests.pbs_double.identifiers import identifier
from tests.pbs_double.settings import VERSION, Settings, load_settings
from tests.pbs_double.text import encoded

Raw = tuple[int, bytes, bytes, int]
REFUSED, NO_HOST, NO_PBS = 15010, 15008, 15031


def answer(folder: str, call: Any) -> Raw:
    settings = load_settings(Path(folder) / "settings.json")
    command, argv, cwd, environment = call[0], [_word(one) for one in call[1]], _word(call[2]), call[3]
    if argv == ["--version"]:
        return 0, f"pbs_version = {VERSION}\n".encode(), b"", 0
    conf = environment.get(b"PBS_CONF_FILE")
    server, why, number, note = settings.server, "Connection refused", REFUSED, ""
    if conf is not None and _word(conf) != f"{folder}/pbs.conf":
        server, why, number, note = _foreign(Path(_word(conf)))
    try:
        return _unreachable(settings, command, argv, cwd, (server, why, number, note))
    except Ended as ended:
        return ended.status, encoded(ended.out), encoded(ended.err), 0


def _word(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _foreign(conf: Path) -> tuple[str, str, int, str]:
    """Another pbs.conf: no server in it, or one whose name means nothing here."""
    wanted = "PBS_SERVER"
    try:
        lines = dict(line.split("=", 1) for line in conf.read_text().splitlines() if "=" in line)
    except OSError:
        lines, wanted = {}, "PBS_HOME PBS_EXEC PBS_SERVER"
    if "PBS_SERVER" not in lines:
        note = f"pbsconf error: pbs conf variables not found: {wanted}\n"
        return "", "No such file or directory", 0, note
    name = lines["PBS_SERVER"]
    if name.replace(".", "").isdigit():  # an address: somebody is there, who is no PBS
        return name, "Communication failure.", NO_PBS, ""
    return name, "Unknown Host.", NO_HOST, ""


def _unreachable(
    settings: Settings, command: str, argv: list[str], cwd: str, server: tuple[str, str, int, str]
) -> Raw:
    """Raises Ended for what the command finds wrong by itself."""
    name, why, number, note = server
    told = f"{command}: cannot connect to server {name} (errno={number})\n"
    status = (number % 256) if number else 255
    if command == "qsub":
        qsub_options.read(argv, cwd, sys.stdin.buffer.read, settings.build)
    elif command == "qstat":
        return _qstat(settings, argv, name, f"{note}{_why(why, number, argv)}{told}")
    elif command == "pbsnodes":
        return 1, b"", encoded(f"{note}{why}\npbsnodes: cannot connect to server {name}, error={number}\n"), 0
    elif command in ("qdel", "qhold", "qrls", "qalter", "qrerun", "qsig"):
        operand = next((word for word in argv if not word.startswith("-")), "")
        if not name or identifier(operand, operand.partition(".")[2] or settings.server) is None:
            return 1, b"", encoded(f"{note}{command}: illegally formed job identifier: {operand}\n"), 0
        if command == "qdel":
            told = f"Couldn't connect to cluster: {name}\n"
    return status, b"", encoded(f"{note}{why}\n{told}"), 0


def _why(why: str, number: int, argv: list[str]) -> str:
    """qstat asked for JSON does not say why there is no server name."""
    return "" if not number and "json" in argv else f"{why}\n"


def _qstat(settings: Settings, argv: list[str], name: str, told: str) -> Raw:
    parsed = qstat.options(argv, settings.build)
    out = b""
    if parsed.last("F") == "json":
        out = documents.document(settings.build, name, "Jobs", None)
    times = max(1, len(parsed.operands))
    return 255, out, encoded(told * times), 0
