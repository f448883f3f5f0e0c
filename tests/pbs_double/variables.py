"""How -v and -V reach a job: the recorded mangling of quotes and backslashes."""

from __future__ import annotations

from collections.abc import Mapping

from tests.pbs_double.errors import Ended

UNSENDABLE = "qsub: cannot send environment with the job\n"


def _split(text: str) -> list[str]:
    """At commas that are neither quoted nor escaped; quotes and escaped commas lose their marks."""
    words = [""]
    quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\" and at + 1 < len(text) and text[at + 1] == ",":
            words[-1] += ","
            at += 1
        elif char == "\\":
            words[-1] += "\\\\"
            if text[at + 1 : at + 2] in ("'", '"'):
                at += 1
        elif quote and char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char == "," and not quote:
            words.append("")
        else:
            words[-1] += char
        at += 1
    if quote:
        raise Ended(1, UNSENDABLE)
    return words


def from_option(text: str, environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """`-v`: name=value, or a name whose value is taken from the environment. Raises Ended."""
    found = []
    for word in _split(text):
        name, equals, value = word.partition("=")
        if equals:
            found.append((name, value))
        elif name in environment:
            found.append((name, environment[name].replace("\\", "\\\\").replace('"', "\\")))
        else:
            raise Ended(1, UNSENDABLE)
    return found


def listed(variables: list[tuple[str, str]]) -> str:
    """The attribute Variable_List, with its own escapes."""
    return ",".join(f"{name}={_escaped(value)}" for name, value in variables)


def _escaped(value: str) -> str:
    for mark in ("\\", ",", "'", '"'):
        value = value.replace(mark, "\\" + mark)
    return value


def submitter(environment: Mapping[str, str], cwd: str, build: str) -> list[tuple[str, str]]:
    """The PBS_O_* variables that qsub adds, in its order."""
    origin = [
        (f"PBS_O_{name}", environment[name])
        for name in ("HOME", "LANG", "LOGNAME", "PATH", "MAIL", "SHELL", "TZ")
        if environment.get(name)
    ]
    if build == "master":
        origin += [("PBS_O_INTERACTIVE_AUTH_METHOD", "resvport"), ("PBS_O_INTERACTIVE_ENCRYPT_METHOD", "")]
    return [*origin, ("PBS_O_WORKDIR", cwd), ("PBS_O_SYSTEM", "Linux")]
