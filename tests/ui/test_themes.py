"""Every theme can be read: ours by design, Textual's by moving its colours; the choice is remembered."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from bocr_tui.config.themes import OWN_THEMES, THEMES
from bocr_tui.ui.theme import AA, AAA, GROUNDS, HIGH_CONTRAST, OWN, contrast_ratio, tone_variables
from bocr_tui.ui.widgets.tones import TONES
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened

TEXTUALS = [theme for theme in BUILTIN_THEMES.values() if not theme.ansi]
TEXT = [variable for name, (variable, _) in TONES.items() if name != "chosen"]
"""`chosen` colours a box on an image, and no text."""


def variables(theme: Theme) -> dict[str, str]:
    """As Textual puts them together."""
    return {**tone_variables(theme), **theme.to_color_system().generate(), **theme.variables}


def ratio(theme: Theme, text: str, ground: str) -> float:
    known = variables(theme)
    return contrast_ratio(Color.parse(known[text]), Color.parse(known[ground]))


def test_contrast_is_measured_as_wcag_does() -> None:
    black, white = Color.parse("#000000"), Color.parse("#ffffff")
    assert contrast_ratio(black, white) == pytest.approx(21)
    assert contrast_ratio(white, white) == pytest.approx(1)
    assert contrast_ratio(Color.parse("#767676"), white) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", [*OWN, *TEXTUALS], ids=lambda theme: theme.name)
def test_text_of_every_tone_can_be_read_on_every_ground(theme: Theme) -> None:
    needed = AAA if theme is HIGH_CONTRAST else AA
    unreadable = {
        (text, ground): round(ratio(theme, text, ground), 2)
        for text in TEXT
        for ground in GROUNDS
        if ratio(theme, text, ground) < needed
    }
    assert unreadable == {}


@pytest.mark.parametrize("theme", OWN, ids=lambda theme: theme.name)
def test_the_keys_below_can_be_read(theme: Theme) -> None:
    for text in ("footer-key-foreground", "footer-description-foreground"):
        assert ratio(theme, text, "footer-background") >= AA


@pytest.mark.parametrize("theme", OWN, ids=lambda theme: theme.name)
def test_where_the_cursor_is_can_be_seen(theme: Theme) -> None:
    known = variables(theme)
    assert contrast_ratio(Color.parse(known["cursor-row"]), Color.parse(known["background"])) >= 1.3


async def test_bocr_toml_takes_just_the_themes_there_are_and_the_panel_opens_with_any_other(
    campaign: Campaign,
) -> None:
    assert set(OWN_THEMES) == {theme.name for theme in OWN}
    file = campaign.workspace.config_path
    file.write_text('[panel]\ntheme = "bocr-lite"\n', encoding="utf-8")
    async with opened(campaign.workspace) as panel:
        assert panel.app.theme == "bocr-dark"
        assert set(panel.app.available_themes) == set(THEMES)


async def test_every_theme_can_be_put_on_and_draws_the_list_anew(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        for name in ("bocr-light", "bocr-contrast", "nord", "textual-light", "ansi-light", "ansi-dark"):
            panel.app.theme = name
            await panel.pilot.pause()
            assert panel.app.current_theme.name == name
            await panel.sees("b00001")


async def test_a_theme_is_asked_for_by_command_and_is_there_the_next_time(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        keys = {" ": "space", "-": "minus"}
        await panel.press("colon", *(keys.get(letter, letter) for letter in "theme bocr-light"), "enter")
        await panel.until(lambda: panel.app.theme == "bocr-light")
        await panel.app.memory.keep("batches")
    async with opened(campaign.workspace) as panel:
        assert panel.app.theme == "bocr-light"


async def test_the_theme_of_the_configuration_wins_when_it_is_written_later(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        panel.app.wear("bocr-light")
        await panel.app.memory.keep("batches")
    path = campaign.workspace.config_path
    path.write_text(path.read_text() + '\n[panel]\ntheme = "bocr-contrast"\n')
    async with opened(campaign.workspace) as panel:
        assert panel.app.theme == "bocr-contrast"


async def test_a_theme_that_is_not_there_is_as_if_none_were_named(campaign: Campaign) -> None:
    path = campaign.workspace.config_path
    path.write_text(path.read_text() + '\n[panel]\ntheme = "of-another-age"\n')
    async with opened(campaign.workspace) as panel:
        assert panel.app.theme == "bocr-dark"


async def test_what_is_on_the_screen_changes_its_colours_with_the_theme(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        await panel.sees("Failed, by class")
        panel.app.theme = "bocr-light"
        await panel.pilot.pause()
        ink = colours_of(panel, "Failed, by class")
        assert ink == {Color.parse(variables(OWN[1])["tone-accent"]).rgb}


async def test_the_palette_finds_themes(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.press("ctrl+p", *"contrast")
        await panel.sees("Theme bocr-contrast")
        await panel.press("enter")
        await panel.until(lambda: panel.app.theme == "bocr-contrast")


def colours_of(panel: Panel, words: str) -> set[tuple[int, int, int]]:
    """What the words on the screen are drawn in."""
    found = set()
    for strip in panel.app.screen._compositor.render_strips():
        for segment in strip:
            if words in segment.text and segment.style is not None:
                colour = segment.style.color
                if colour is not None and colour.triplet is not None:
                    found.add(tuple(colour.triplet))
    return found
