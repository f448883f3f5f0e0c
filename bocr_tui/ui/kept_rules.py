"""Style sheets that are read once.

Textual reads all of them again, twice, when a screen is shown for the first time, although nothing in them
changed: tens of milliseconds of the loop that draws, between a key and its frame.
"""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class KeptStylesheet(Stylesheet):
    """Its rules are parsed again when the theme's variables differ, and only then."""

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._given = dict(variables)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Takes back every parsed rule, unless the variables are those that it was parsed with."""
        if variables != self._given:
            self._given = dict(variables)
            super().set_variables(variables)

    def reparse(self) -> None:
        """`parse` keeps what it parsed of each source until `set_variables` takes it back."""
        self.parse()
