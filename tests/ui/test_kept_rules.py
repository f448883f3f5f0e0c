"""Style sheets are read once, and again only for other colours."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from textual.css import stylesheet

from tests.ui.campaign import Campaign
from tests.ui.conftest import opened


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each text was parsed for the same rank: a deeper widget's defaults rank below others'."""
    counted: Counter[str] = Counter()
    parse = stylesheet.parse

    def counting(scope: str, css: str, *more: Any, tie_breaker: int, **named: Any) -> Any:
        counted[f"{css}\n{scope} {tie_breaker}"] += 1
        return parse(scope, css, *more, tie_breaker=tie_breaker, **named)

    monkeypatch.setattr(stylesheet, "parse", counting)
    return counted


async def test_a_screen_that_is_shown_first_has_only_its_own_rules_parsed(
    shared_campaign: Campaign, parsed: Counter[str]
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        for place in ("pages", "health", "settings", "batches"):
            await panel.go(place)
        await panel.press("question_mark", "escape")
        assert len(parsed) > 10 and set(parsed.values()) == {1}


async def test_other_colours_have_every_rule_parsed_again(
    shared_campaign: Campaign, parsed: Counter[str]
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        own = next(key for key in parsed if "TopLine {" in key)
        assert parsed[own] == 1
        before = panel.app.screen.styles.background
        panel.app.theme = "bocr-light"
        await panel.until(lambda: panel.app.screen.styles.background != before)
        assert parsed[own] == 2
        panel.app.theme = "bocr-dark"
        await panel.until(lambda: panel.app.screen.styles.background == before)
        assert parsed[own] == 3
