"""qsub and qselect: one job handed over, and a lost one found again by its name."""

import os
from typing import Callable, Dict, List, Optional, Tuple

from . import pbs_codes
from .pbs_commands import Ended, Pbs, is_job_id, job_number, run_command, said_words, user_name

QSUB_KILLED_S = 5.0
"""qsub runs under timeout(1), which outlives whoever called it and kills it when its time is up. One that
does not end for SIGTERM is killed this much later."""
QSELECT_S = 20.0

_TIMEOUT = ("/usr/bin/timeout", "/bin/timeout")
_TIMED_OUT = (124, 137)

_TOO_OLD = (("-f", "invalid option -- 'f'"), ("-k", "illegal -k value"))
"""What a PBS that does not know an option says; it has submitted nothing then."""


class Qsub:
    """Calls qsub for runs. `seconds` is what one call may take.

    `-f`: qsub does it itself instead of leaving it to a process in the background, whose end nobody here
    could know. `-k oed`: what PBS itself writes to the log is there at once, and need not be copied. Where
    PBS is too old for one of them, it is left out.
    """

    def __init__(self, pbs: Pbs, seconds: float) -> None:
        self._pbs = pbs
        self.seconds = seconds
        self._options: Dict[str, Tuple[str, ...]] = {"-f": ("-f",), "-k": ("-k", "oed")}

    def call(self, run: str, token: str, hold: bool, after: str, started: Callable[[int], None]) -> Ended:
        """Submit `job.sh` of this run folder. `after`: the id of a job that has to end first, however."""
        while True:
            options = self._options
            said = self._once(options, run, token, hold, after, started)
            text = (said.stderr + said.stdout).decode("utf-8", "replace")
            unknown = [name for name, words in _TOO_OLD if name in options and words in text]
            if said.status not in (1, 2) or not unknown:
                return said
            # Never changed in place: other threads call with what they began with.
            self._options = {name: words for name, words in self._options.items() if name not in unknown}

    def _once(
        self,
        options: Dict[str, Tuple[str, ...]],
        run: str,
        token: str,
        hold: bool,
        after: str,
        started: Callable[[int], None],
    ) -> Ended:
        guard = _guard(self.seconds)
        argv = [*guard, self._pbs.command("qsub")]
        for words in options.values():
            argv += words
        argv += ["-N", token, "-o", os.path.join(run, "pbs.log")]
        if hold:
            argv.append("-h")
        if after:
            argv += ["-W", "depend=afterany:" + after]
        most_s = self.seconds + QSUB_KILLED_S + 5.0 if guard else self.seconds
        said = run_command([*argv, "job.sh"], most_s, cwd=run, started=started)
        return said._replace(status=None) if guard and said.status in _TIMED_OUT else said


def _guard(seconds: float) -> List[str]:
    for path in _TIMEOUT:
        if os.access(path, os.X_OK):
            return [path, "-k", "%g" % QSUB_KILLED_S, "%g" % seconds]
    return []


def job_id_in(stdout: bytes) -> str:
    """The one line of qsub's answer that is a job's id: sites let it print more. Empty for none, or
    several."""
    lines = [line.strip() for line in stdout.decode("utf-8", "replace").split("\n")]
    found = {line for line in lines if is_job_id(line) and "." in line}
    return found.pop() if len(found) == 1 else ""


def find_jobs(pbs: Pbs, token: str) -> Tuple[Optional[List[str]], str]:
    """This user's jobs of this name, the oldest first, also finished ones where the server remembers them;
    or (None, why not) when PBS gave no sound answer."""
    asked = [pbs.command("qselect"), "-x", "-u", user_name(), "-N", token]
    said = run_command(asked, QSELECT_S)
    if pbs_codes.NO_HISTORY in said.stderr:
        asked.remove("-x")
        said = run_command(asked, QSELECT_S)
    ids = said.stdout.decode("utf-8", "replace").split()
    if said.status != 0 or said.stderr.strip() or not all(is_job_id(one) for one in ids):
        return None, "PBS does not say whether it has the job: " + words_of(said, QSELECT_S)
    return sorted(ids, key=lambda one: (len(job_number(one)), one)), ""


def words_of(said: Ended, seconds: float) -> str:
    """What a command said, or what its silence was."""
    if said.status is None:
        return "no answer within %g s" % seconds
    return said_words(said) or "it ended with status %d and said nothing" % said.status
