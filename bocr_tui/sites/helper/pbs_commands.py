"""PBS's commands on the login node: where they are, and running one without ever waiting for ever.

PBS commands have no timeout of their own and hang with their server, and the shells of login nodes often do
not know them. Each runs by its full path, in a session of its own that is killed when its time is up.
"""

import contextlib
import os
import pwd
import re
import selectors
import signal
import subprocess
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from .refusal import Refused
from .run_files import write_whole
from .runs import read_file

VERSION_S = 10.0
LOGIN_SHELL_S = 15.0

AFTER_END_S = 0.5
LOOK_AGAIN_S = 0.2
UNKILLABLE_S = 5.0

MOST_OUTPUT_BYTES = 256 * 1024
"""Kept of an answer that is not streamed: qsub, qdel and the like say a line or two."""
MOST_ERRORS_BYTES = 16 * 1024

CONFIGURATION = "/etc/pbs.conf"
MEMORY = "pbs_exec"
"""A file below the root."""
_JOB_ID = re.compile(r"[0-9]{1,18}(\[[0-9]*\])?(\.[A-Za-z0-9][A-Za-z0-9._-]{0,250})?")
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,250}(:[0-9]{1,5})?")
_BOCR_NAME = re.compile(r"b[a-z0-9]{13}")
_VERSION = re.compile(rb"pbs_version\s*=\s*([\w.\-]+)")
_MARK = "bocr:qstat:"


class Ended(NamedTuple):
    """How a command ended. `status` is None when its time was up (it was killed) and negative for a
    signal."""

    status: Optional[int]
    stdout: bytes
    stderr: bytes


class Pbs(NamedTuple):
    """Where the commands are, and what `qstat --version` says."""

    folder: str
    version: str

    def command(self, name: str) -> str:
        return os.path.join(self.folder, name)


def is_job_id(text: Any) -> bool:
    return isinstance(text, str) and _JOB_ID.fullmatch(text) is not None


def is_id_at(text: Any) -> bool:
    """Whether this is a job's id, or one with the server that is to be asked: 12.server@other."""
    job_id, at, server = text.partition("@") if isinstance(text, str) else ("", "", "")
    return is_job_id(job_id) and (not at or _SERVER.fullmatch(server) is not None)


def job_number(job_id: str) -> str:
    """What tells jobs of one server apart: servers may be called by several names."""
    return re.split("[.@]", job_id, maxsplit=1)[0]


def is_other_token(name: str, token: str) -> bool:
    """Whether a job of this name is another job of bocr: tokens are a `b` and 13 letters and digits."""
    return name != token and _BOCR_NAME.fullmatch(name) is not None


def user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return os.environ.get("LOGNAME", "")


def run_command(
    argv: Sequence[str],
    timeout_s: float,
    cwd: Optional[str] = None,
    take: Optional[Callable[[bytes], None]] = None,
    started: Optional[Callable[[int], None]] = None,
) -> Ended:
    """Run to its end, or kill it. `take` is given what it prints, piece by piece, instead of `Ended`;
    `started` its process number. Raises Refused when it cannot be started."""
    environment = dict(os.environ, TZ="UTC", LC_ALL="C")
    if cwd is not None:
        environment["PWD"] = cwd
    folder = os.path.dirname(argv[0])
    if folder:
        environment["PATH"] = folder + os.pathsep + environment.get("PATH", os.defpath)
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise Refused("%s cannot be run: %s." % (argv[0], error.strerror or error)) from None
    pieces = _Pieces(take)
    try:
        if started is not None:
            started(process.pid)
        on_time = _read_both(process, pieces, time.monotonic() + timeout_s)
    except BaseException:
        _kill(process)
        raise
    status = process.poll() if on_time else None
    if status is None or not pieces.drained:
        _kill(process)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    return Ended(status, bytes(pieces.stdout), bytes(pieces.stderr))


class _Pieces:
    """What a command printed, as much of it as is kept. `drained`: both outputs came to their ends."""

    def __init__(self, take: Optional[Callable[[bytes], None]]) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.take = take or self._keep
        self.drained = False

    def _keep(self, piece: bytes) -> None:
        self.stdout += piece[: MOST_OUTPUT_BYTES - len(self.stdout)]

    def complain(self, piece: bytes) -> None:
        self.stderr += piece[: MOST_ERRORS_BYTES - len(self.stderr)]


def _read_both(process: Any, pieces: _Pieces, deadline: float) -> bool:
    """Returns whether it ended in time. What it leaves running may hold its output open: that is read for a
    moment longer only."""
    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ, pieces.take)
    selector.register(process.stderr, selectors.EVENT_READ, pieces.complain)
    with selector:
        while selector.get_map():
            if process.poll() is not None:
                deadline = min(deadline, time.monotonic() + AFTER_END_S)
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return process.poll() is not None
            for key, _ in selector.select(min(left_s, LOOK_AGAIN_S)):
                piece = os.read(key.fd, 65536)
                if piece:
                    key.data(piece)
                else:
                    selector.unregister(key.fileobj)
    pieces.drained = True
    try:
        process.wait(max(0.05, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _kill(process: Any) -> None:
    """Nothing of it is left, or it hangs where not even a signal reaches it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(UNKILLABLE_S)


def find_pbs(root: str, pbs_exec: str = "") -> Pbs:
    """Where PBS is: `pbs_exec` (its folder, or that of its commands), else what /etc/pbs.conf says, else
    where a login shell finds qstat, which is remembered below the root. Raises Refused where there is none,
    or one that bocr does not know."""
    if pbs_exec:
        folder = _folder_of(pbs_exec)
    else:
        folder = _configured() or _on_path() or _remembered(root) or _in_login_shell(root)
    if folder is None:
        if pbs_exec:
            raise Refused("There are no PBS commands in %s." % pbs_exec, "Mend pbs_exec of this site.")
        raise Refused(
            "PBS is not found on this machine: neither %s nor a login shell knows qstat." % CONFIGURATION,
            "Set pbs_exec of this site to the folder that holds bin/qstat.",
        )
    return Pbs(folder, _version(os.path.join(folder, "qstat")))


def _folder_of(pbs_exec: str) -> Optional[str]:
    base = os.path.expanduser(os.path.expandvars(pbs_exec))
    for folder in (os.path.join(base, "bin"), base):
        if os.access(os.path.join(folder, "qstat"), os.X_OK):
            return os.path.abspath(folder)
    return None


def _configured() -> Optional[str]:
    """PBS_EXEC of the client's configuration: lines NAME=VALUE."""
    try:
        with open(os.environ.get("PBS_CONF_FILE") or CONFIGURATION, "rb") as stream:
            lines = stream.read(65536).decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.strip().partition("=")
        if name.strip() == "PBS_EXEC" and value.strip():
            return _folder_of(value.strip().strip("\"'"))
    return None


def _on_path() -> Optional[str]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if os.path.isabs(folder) and os.access(os.path.join(folder, "qstat"), os.X_OK):
            return folder
    return None


def _remembered(root: str) -> Optional[str]:
    text = (read_file(os.path.join(root, MEMORY), 0, 4096) or b"").decode("utf-8", "replace").strip()
    return _folder_of(text) if text else None


def _in_login_shell(root: str) -> Optional[str]:
    """A profile may print anything, and take seconds: only what follows the mark counts."""
    ask = 'printf "\\n%s%%s\\n" "$(command -v qstat)"' % _MARK
    try:
        said = run_command(["bash", "-lc", ask], LOGIN_SHELL_S)
    except Refused:
        return None
    for line in said.stdout.decode("utf-8", "replace").splitlines():
        if line.startswith(_MARK + "/"):
            folder = _folder_of(os.path.dirname(line[len(_MARK) :]))
            if folder is not None and os.path.isdir(root):
                with contextlib.suppress(OSError):  # then it is looked for again
                    write_whole(os.path.join(root, MEMORY), folder.encode() + b"\n")
            return folder
    return None


_versions: Dict[str, str] = {}
"""By command: asked once a process."""


def _version(qstat: str) -> str:
    if qstat not in _versions:
        said = run_command([qstat, "--version"], VERSION_S)
        found = _VERSION.search(said.stdout + b"\n" + said.stderr)
        if found is None:
            words = said_words(said) or "nothing"
            raise Refused(
                "This PBS is none that bocr knows: `qstat --version` says: %s" % words,
                "bocr speaks OpenPBS and PBS Professional; Torque is another language.",
            )
        _versions[qstat] = found.group(1).decode()
    return _versions[qstat]


def said_words(said: Ended, most: int = 500) -> str:
    """What a command said, for a person: one line without control characters or the usage text."""
    text = (said.stderr + b"\n" + said.stdout).decode("utf-8", "replace")
    lines: List[str] = []
    for line in text.splitlines():
        clean = "".join(one if one.isprintable() else " " for one in line).strip()
        if clean.lower().startswith("usage:") and lines:
            break
        if clean:
            lines.append(clean)
    words = " ".join(lines)
    return words if len(words) <= most else words[: most - 1] + "…"
