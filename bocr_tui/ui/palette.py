"""The command palette: everything that can be done here, found by a few letters."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from bocr_tui.ui.offers import Offer, more_offers, offers

if TYPE_CHECKING:
    from bocr_tui.ui.app import BocrApp

THEME_HELP = "Change the colours; the choice is kept."


class PanelCommands(Provider):
    """What the screen below the palette offers, and what can be done from anywhere."""

    @property
    def panel(self) -> BocrApp:
        return cast("BocrApp", self.app)

    def _offers(self) -> list[Offer]:
        """The places first: going somewhere is what a palette is opened for most."""
        found = offers(self.screen, self.panel) + more_offers(self.screen, self.panel)
        return sorted(found, key=lambda offer: not offer.id.startswith("go."))

    async def discover(self) -> Hits:
        for offer in self._offers():
            yield DiscoveryHit(
                Text(_title(offer)), partial(run, self.panel, offer), _title(offer), _help(offer)
            )

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for offer in self._offers():
            score = max(matcher.match(_title(offer)), matcher.match(offer.id) * 0.9)
            if score > 0:
                shown = matcher.highlight(_title(offer))
                yield Hit(score, shown, partial(run, self.panel, offer), _title(offer), _help(offer))
        for theme in sorted(self.panel.available_themes):
            if (score := matcher.match(f"Theme {theme}")) > 0:
                shown = matcher.highlight(f"Theme {theme}")
                yield Hit(score, shown, partial(self.panel.wear, theme), f"Theme {theme}", THEME_HELP)


def _title(offer: Offer) -> str:
    verb = "Go to " if offer.id.startswith("go.") else ""
    keys = f"  ({' '.join(offer.keys)})" if offer.keys else ""
    return f"{verb}{offer.title}{keys}"


def _help(offer: Offer) -> str:
    return f"{offer.tooltip} Not now: {offer.why_not}" if offer.why_not else offer.tooltip


def run(panel: BocrApp, offer: Offer) -> None:
    """Do it once the palette is gone. What cannot be done says why, as its key would."""

    async def do() -> None:
        found = offer.run()
        if inspect.isawaitable(found):
            await found

    panel.call_later(do)
