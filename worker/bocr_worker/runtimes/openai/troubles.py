"""What can go wrong between us and a server, told apart by what there is to do."""

from __future__ import annotations


class Trouble(Exception):
    """The question got no answer. The words are the server's own where it had any."""


class Faulty(Trouble):
    """An error of the server's, a connection that broke, an answer that is none: may go better next time."""


class Broken(Faulty):
    """The connection broke while the server had the question."""


class Unreachable(Faulty):
    """The question never got there."""


class Overloaded(Faulty):
    """It has too much to do. `retry_after_s` is what it asked for, 0 where it did not say."""

    def __init__(self, words: str, retry_after_s: float = 0.0) -> None:
        super().__init__(words)
        self.retry_after_s = retry_after_s


class Refused(Trouble):
    """It will not answer this question (status 400, 413, 422), whatever comes of others."""


class ShutOut(Trouble):
    """It answers none of our questions (401, 403, 404): a wrong key, a wrong model, a wrong door."""


class TooLate(Trouble):
    """No answer before the deadline."""


class TooLong(Trouble):
    """The answer is larger than any page."""
