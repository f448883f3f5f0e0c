"""Errors a person sees: what, why, and what to do next."""

from __future__ import annotations


class BocrError(Exception):
    """`cause` is a sentence that names the file, page or host; `next_step` says what the person can do."""

    exit_code = 1

    def __init__(self, cause: str, next_step: str = "") -> None:
        super().__init__(f"{cause} {next_step}".strip())
        self.cause = cause
        self.next_step = next_step


class UsageError(BocrError):
    """The command or the configuration asks for something that does not exist or does not fit."""

    exit_code = 2


class ConfigError(UsageError):
    """bocr.toml cannot be used as it is."""


class CatalogError(BocrError):
    """The catalog cannot be opened or believed; it has not been changed."""


class SiteError(BocrError):
    """A site did not do what it was asked to; nothing is known to have changed there."""


class Busy(BocrError):
    """Somebody else is doing this."""
