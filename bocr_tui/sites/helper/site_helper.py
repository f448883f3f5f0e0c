"""What bocr asks of a site's file system and processes, in one file that also runs there.

The local transport calls these functions; a remote one sends this file and calls them on the login node.
It must therefore parse as Python 3.6, import the standard library alone, and leave nothing running there
but the jobs. Answers are plain dicts and bytes. Paths that it is given are below the site's root.
"""

import binascii
import contextlib
import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional

MAX_HEADER_BYTES = 65536
START_WAIT_S = 20.0


def poll_runs(root: str, asks: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """New bytes of many runs' files, in one call.

    `asks`: [{"token", "offsets": {file name: offset}, "max_bytes"}]. Answers in the same order
    {"token", "exists", "exit" (bytes or None), "files": [{"name", "size", "offset", "head", "data"}]}.
    exit.json is read before the journals and journals before results, so that whatever an earlier file
    speaks of is found in a later one.
    """
    return [_poll_run(root, ask) for ask in asks]


def _poll_run(root: str, ask: Dict[str, Any]) -> Dict[str, Any]:
    run = os.path.join(root, "runs", ask["token"])
    news = {"token": ask["token"], "exists": os.path.isdir(run), "exit": None, "files": []}
    if not news["exists"]:
        return news
    news["exit"] = _read(os.path.join(run, "exit.json"), 0, 1 << 20)
    names = sorted(os.listdir(run))
    for prefix in ("journal-", "results-"):
        for name in names:
            if name.startswith(prefix) and name.endswith(".jsonl"):
                entry = _poll_file(run, name, ask["offsets"].get(name, 0), ask["max_bytes"])
                if entry is not None:
                    news["files"].append(entry)
    return news


def _poll_file(run: str, name: str, offset: int, max_bytes: int) -> Optional[Dict[str, Any]]:
    path = os.path.join(run, name)
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None  # a link may lead anywhere, a pipe never answers
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            head = stream.readline(MAX_HEADER_BYTES)
            data = b""
            if offset < size:
                stream.seek(offset)
                data = stream.read(max_bytes)
    except OSError:
        return None
    return {
        "name": name,
        "size": size,
        "offset": offset,
        "head": binascii.crc32(head) & 0xFFFFFFFF,
        "data": data,
    }


def _read(path: str, offset: int, max_bytes: int) -> Optional[bytes]:
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as stream:
            stream.seek(offset)
            return stream.read(max_bytes)
    except OSError:
        return None


def stage_folder(root: str, folder: str, files: Dict[str, bytes]) -> None:
    """Make `folder` (below the root) with `files` {relative name: bytes}, all of it or nothing.

    A folder that is there already is left as it is when every file in it is the same; otherwise
    FileExistsError. Files are private to the user.
    """
    target = os.path.join(root, folder)
    if os.path.isdir(target):
        for name, data in files.items():
            if _read(os.path.join(target, name), 0, len(data) + 1) != data:
                raise FileExistsError("%s exists with another %s" % (folder, name))
        return
    parent, base = os.path.split(target)
    os.makedirs(parent, mode=0o700, exist_ok=True)
    part = os.path.join(parent, ".%s.%d.part" % (base, os.getpid()))
    for name, data in files.items():
        path = os.path.join(part, name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    try:
        os.rename(part, target)
    except OSError:
        _remove_tree(part)
        if not os.path.isdir(target):
            raise


def remove_run(root: str, token: str) -> int:
    """Delete `runs/<token>`, only if its manifest names this token. Returns the bytes freed."""
    run = os.path.join(root, "runs", token)
    manifest = _read(os.path.join(run, "manifest.json"), 0, 4096)
    if manifest is None or ('"token": "%s"' % token).encode() not in manifest:
        raise PermissionError("runs/%s has no manifest of this token" % token)
    return _remove_tree(run)


def _remove_tree(folder: str) -> int:
    freed = 0
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in names:
            path = os.path.join(parent, name)
            freed += os.lstat(path).st_size
            os.unlink(path)
        for name in folders:
            path = os.path.join(parent, name)
            if os.path.islink(path):
                os.unlink(path)
            else:
                os.rmdir(path)
    os.rmdir(folder)
    return freed


def sha256_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


# -- direct: jobs are detached processes ----------------------------------------------------------------


def start_direct(root: str, token: str) -> str:
    """Start `runs/<token>/job.sh` once, detached; returns its id. Asked again, it answers with the same id.

    The process writes its own id before it does anything else, so an id that exists is one that ran. Should
    two starts race, the worker's claim lets one of them work.
    """
    run = os.path.join(root, "runs", token)
    jobid = os.path.join(run, "jobid")
    known = _read(jobid, 0, 200)
    if known:
        return known.decode().strip()
    with contextlib.suppress(FileExistsError):
        os.mkdir(os.path.join(run, "intent"), 0o700)
    starter = [sys.executable, "-I", os.path.abspath(__file__), "become-job", run]
    subprocess.run(starter, stdin=subprocess.DEVNULL, check=True, timeout=60)
    deadline = time.time() + START_WAIT_S
    while time.time() < deadline:
        known = _read(jobid, 0, 200)
        if known:
            return known.decode().strip()
        time.sleep(0.02)
    raise TimeoutError("job %s did not start within %d s" % (token, START_WAIT_S))


def _become_job(run: str) -> None:
    """In a process of its own: leave the session, fork, and turn into the job's shell. Never returns."""
    jobid = os.path.join(run, "jobid")
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir(run)
        os.umask(0o077)
        null = os.open(os.devnull, os.O_RDONLY)
        log = os.open("job.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(null, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 4096)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        identity = "direct.%d.%s" % (os.getpid(), process_birth(os.getpid()))
        part = "%s.%d.part" % (jobid, os.getpid())
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(handle, identity.encode())
        os.fsync(handle)
        os.close(handle)
        os.link(part, jobid)
        os.unlink(part)
        os.execv("/bin/sh", ["/bin/sh", "job.sh"])
    except Exception as error:
        sys.stderr.write("bocr: the job could not be started: %s\n" % error)
    finally:
        os._exit(127)


def process_birth(pid: int) -> str:
    """A process's start time, which tells it from a later one with its number; empty where unknown."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as stream:
            fields = stream.read().rpartition(b")")[2].split()
        return "dead" if fields[0] == b"Z" else fields[19].decode()
    except (OSError, IndexError):
        pass
    try:
        shown = subprocess.run(  # noqa: PLW1510 - no output is an answer too
            ["ps", "-o", "lstart=", "-p", str(pid)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return shown.stdout.decode("utf-8", "replace").strip().replace(" ", "_") or "dead"


def _alive(identity: str) -> Optional[int]:
    parts = identity.split(".", 2)
    if len(parts) != 3 or parts[0] != "direct" or not parts[1].isdigit():
        return None
    pid, born = int(parts[1]), parts[2]
    return pid if process_birth(pid) == born else None


def look_direct(root: str, identities: List[str]) -> Dict[str, bool]:
    """{id: whether its process lives}. Processes are looked up on the machine this runs on."""
    del root
    return {identity: _alive(identity) is not None for identity in identities}


def stop_direct(root: str, token: str, identity: str, force: bool) -> bool:
    """Ask a job to stop (a stop file and SIGTERM), or with `force` kill its whole process group. Returns
    whether it was alive."""
    with contextlib.suppress(OSError), open(os.path.join(root, "runs", token, "stop"), "wb"):
        pass
    pid = _alive(identity) if identity else None
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(os.getpgid(pid), signal.SIGKILL if force else signal.SIGTERM)
    return True


if __name__ == "__main__" and sys.argv[1:2] == ["become-job"]:
    _become_job(sys.argv[2])
