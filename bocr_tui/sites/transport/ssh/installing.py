"""The helper on its way to a site: looked for, put there once for each version, started for each question."""

from __future__ import annotations

import base64
import hashlib
import io
import shlex
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import SiteConfig
from bocr_tui.sites import helper
from bocr_tui.sites.helper.frames import BROKEN, build_frame
from bocr_tui.sites.transport.ssh.commands import Command, Commands, Unanswered
from bocr_tui.sites.transport.ssh.connection import Live
from bocr_tui.sites.transport.ssh.frames import new_nonce
from bocr_tui.sites.transport.ssh.words import plain_words

LOOK_S, INSTALL_S = 60.0, 120.0
KILL_S = 5
"""What ignores being ended at its time is killed so much later."""

SLOW_BYTES_S = 20_000
"""No link that can be worked with is slower: a long question has so much more time to arrive."""

MISSING = 96
"""Exit code where the helper is not (or no longer) on the site."""

NO_PYTHON = 95

PYTHONS = (
    "python3",
    "/usr/bin/python3",
    "/usr/libexec/platform-python",
    "/usr/local/bin/python3",
    *(f"python3.{minor}" for minor in range(14, 5, -1)),
)
"""Where a Python may be; the first one that is new enough is taken."""

_ENTRY = b"""import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    from bocr_helper.__main__ import main
except Exception as error:
    sys.stderr.write("bocr: the helper does not load: %%s" %% error)
    sys.exit(%d)
sys.exit(main())
"""


@dataclass(frozen=True)
class Place:
    """What was seen of a site. Absolute paths; `timeout` is empty where the site has no such command."""

    root: str
    home: str
    python: str
    version: tuple[int, ...]
    locale: str
    host: str
    timeout: str

    def helper(self) -> str:
        return f"{self.root}/{helper_folder()}"


@cache
def helper_files() -> dict[str, bytes]:
    """The helper by relative path: a package, and a file that runs it."""
    source = Path(helper.__file__).parent
    files = {f"bocr_helper/{path.name}": path.read_bytes() for path in sorted(source.glob("*.py"))}
    return {"__main__.py": _ENTRY % BROKEN, **files}


@cache
def helper_folder() -> str:
    """`helpers/<hash>`, below a site's root: the hash is of every file's name and bytes."""
    digest = hashlib.sha256()
    for name, data in helper_files().items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return f"helpers/{digest.hexdigest()[:16]}"


async def find_place(commands: Commands, live: Live, config: SiteConfig) -> Place:
    """Look at the site and put the helper there unless it is. Raises SiteError in words where that cannot
    be."""
    seen = await _look(commands, live, config)
    try:
        place = Place(
            root=str(seen["root"]),
            home=str(seen["home"]),
            python=str(seen["python"]),
            version=tuple(int(part) for part in seen["version"]),
            locale=str(seen["locale"]),
            host=plain_words(str(seen["host"]), 80),
            timeout=str(seen["timeout"]),
        )
        missing, installed = plain_words(", ".join(seen["missing"])), bool(seen["helper"])
    except (KeyError, TypeError, ValueError) as error:
        raise SiteError(
            "The site's answer is not understood.", "Another program may be answering there."
        ) from error
    if missing:
        raise SiteError(
            f"{place.host} knows no variable {missing}, which the site's root names.",
            "Write the folder out in bocr.toml.",
        )
    if not place.root.startswith("/") or any(letter < " " for letter in place.root):
        raise SiteError("The site's root is no absolute path there.", "Mend root in bocr.toml.")
    if not installed:
        await install_helper(commands, live, place)
    return place


async def _look(commands: Commands, live: Live, config: SiteConfig) -> Any:
    nonce = new_nonce()
    pythons = PYTHONS + ((config.python,) if config.python.startswith("/") else ())
    call = f"look_around({nonce.decode()!r}, {config.root!r}, {helper_folder()!r})"
    script = _LOOK.format(
        pythons=" ".join(shlex.quote(name) for name in pythons),
        no_python=NO_PYTHON,
        program=f"{_arrival()}\n{call}",
    )
    command = Command("look around", "exec /bin/sh -s", nonce, lambda: _once(script.encode()), LOOK_S)
    try:
        return await commands.run(live, command)
    except Unanswered as error:
        if error.exit_status == NO_PYTHON:
            raise SiteError(
                "The site has no Python 3.6 or later on its path.",
                "Name one by `python` in the site's table of bocr.toml.",
            ) from error
        raise SiteError(
            f"The site does not let commands run: {error.words}.", "Try it with ssh: `ssh HOST true`."
        ) from error


async def install_helper(commands: Commands, live: Live, place: Place) -> None:
    """Put the helper there; what is in its place goes. Raises SiteError."""
    nonce = new_nonce()
    packed = _packed()
    digest = hashlib.sha256(packed).hexdigest()
    arguments = (nonce.decode(), place.root, helper_folder(), digest, base64.b64encode(packed).decode())
    program = f"{_arrival()}\ninstall({', '.join(map(repr, arguments))})\n".encode()
    line = _shell(f"umask 077; {_run(place, INSTALL_S, '-')}")
    command = Command("install helper", line, nonce, lambda: _once(program), INSTALL_S + 2 * KILL_S)
    try:
        answer = await commands.run(live, command)
        problem = str(answer["problem"])
    except Unanswered as error:
        problem = error.words
    except (KeyError, TypeError) as error:
        problem = f"its answer is not understood ({error})"
    if problem:
        raise SiteError(
            f"Nothing can be put below {place.root} on {place.host}: {plain_words(problem)}.",
            "Free space, mend the permissions, or choose another root in bocr.toml.",
        )


def question(
    place: Place, function: str, arguments: tuple[object, ...], timeout_s: float, stream_s: float
) -> tuple[str, bytes, bytes]:
    """The command line, the nonce and the bytes that put a question to the helper. `stream_s` is the time
    for what follows them."""
    nonce = new_nonce()
    asked = {
        "call": function,
        "root": place.root,
        "arguments": arguments,
        "timeout_s": timeout_s + stream_s,
    }
    entry = f"{place.helper()}/__main__.py"
    frame = build_frame(nonce, asked)
    limit_s = timeout_s + stream_s + len(frame) / SLOW_BYTES_S + KILL_S
    line = f"test -f {shlex.quote(entry)} || exit {MISSING}; umask 077; {_run(place, limit_s, entry)}"
    return _shell(line), nonce, frame


def _run(place: Place, limit_s: float, program: str) -> str:
    """A Python of the site with a program, ended from outside should it overstay."""
    words = ["exec", "env", f"LC_ALL={place.locale}"]
    if place.timeout:
        words += [place.timeout, "-k", str(KILL_S), str(int(limit_s) + 1)]
    return shlex.join([*words, place.python, "-I", "-S", program])


def _shell(line: str) -> str:
    """For whichever shell the person has there: they agree on little more than this."""
    return f"exec /bin/sh -c {shlex.quote(line)}"


@cache
def _arrival() -> str:
    return (Path(helper.__file__).parent / "arrival.py").read_text(encoding="utf-8")


@cache
def _packed() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in helper_files().items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


_LOOK = """\
umask 077
for name in {pythons}; do
  python=$(command -v "$name" 2>/dev/null) || continue
  "$python" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 6))' </dev/null >/dev/null 2>&1 || continue
  for locale in C.UTF-8 en_US.UTF-8 C.utf8 en_US.utf8 POSIX; do
    LC_ALL=$locale "$python" -I -S -c \
'import sys; sys.exit(sys.getfilesystemencoding().lower() != "utf-8")' </dev/null >/dev/null 2>&1 && break
  done
  LC_ALL=$locale; export LC_ALL
  exec "$python" -I -S - <<'BOCR-PROGRAM'
{program}
BOCR-PROGRAM
done
exit {no_python}
"""
"""`sh` reads this as it goes; the program for Python stands in it."""
