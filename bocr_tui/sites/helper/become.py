"""A program of its own: `python become.py RUN` leaves the session, forks, and turns into the run's job.

It imports none of its neighbours, since it is started by its path.
"""

import os
import signal
import socket
import subprocess
import sys


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
        identity = "direct.%d.%s@%s" % (os.getpid(), process_birth(os.getpid()), socket.gethostname()[:80])
        part = "%s.%d.part" % (jobid, os.getpid())
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(handle, identity.encode())
        os.fsync(handle)
        os.close(handle)
        _name_first(part, jobid)
        os.execv("/bin/sh", ["/bin/sh", "job.sh"])
    except Exception as error:
        sys.stderr.write("bocr: the job could not be started: %s\n" % error)
    finally:
        os._exit(127)


def _name_first(part: str, jobid: str) -> None:
    """Give the file its name unless another start has. Raises OSError."""
    try:
        os.link(part, jobid)
    except FileExistsError:
        os.unlink(part)
        raise
    except OSError:  # a filesystem without links
        if os.path.exists(jobid):
            os.unlink(part)
            raise
        os.rename(part, jobid)
    else:
        os.unlink(part)


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


if __name__ == "__main__":
    _become_job(sys.argv[1])
