"""PBS's refusals: numbers and words as recorded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Refused(Exception):
    """The server refuses. The exit status is `code` modulo 256."""

    code: int
    words: str

    @property
    def status(self) -> int:
        return self.code % 256


@dataclass
class Ended(Exception):
    """The command ends by itself, before or instead of asking the server: local errors and usage."""

    status: int
    err: str = ""
    out: str = ""


UNKNOWN_JOB = 15001
NO_PERMISSION = 15007
BAD_HOST = 15008
NO_CONNECTION = 15010
BAD_SIGNAL = 15013
BAD_VALUE = 15014
RUNNING = 15015
BAD_STATE = 15016
UNKNOWN_QUEUE = 15018
READ_ONLY = 15003
QUEUE_DISABLED = 15021
UNKNOWN_RESOURCE = 15035
OVER_LIMIT = 15036
FINISHED = 15139
PER_USER_LIMIT = 15142
NO_HISTORY = 15140


def unauthorized() -> Refused:
    return Refused(NO_PERMISSION, "Unauthorized Request ")


def finished() -> Refused:
    return Refused(FINISHED, "Job has finished")


def wrong_state() -> Refused:
    return Refused(BAD_STATE, "Request invalid for state of job")
