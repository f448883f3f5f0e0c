"""Errors of files that do not say what they should."""


class ProtocolError(ValueError):
    """A manifest, journal line, result or exit report that cannot be believed.

    `where` names the file or the field, `problem` says what is wrong with it.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem
