"""How a function on the site says no."""


class Refused(Exception):
    """`str()` is a sentence for a person; `next_step` says what to do, empty when nothing is known."""

    def __init__(self, cause: str, next_step: str = "") -> None:
        Exception.__init__(self, cause)
        self.next_step = next_step
