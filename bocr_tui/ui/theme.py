"""The panel's own looks: quiet surfaces, and colour only where it says something.

Every colour that text is drawn in stands out from every ground that it can lie on, by the measure of WCAG 2.2
(https://www.w3.org/TR/WCAG22/#contrast-minimum). For our own themes a test holds that; for any other theme,
`tone_variables` moves its colours until they do.
"""

from __future__ import annotations

from functools import lru_cache

from textual.color import Color, ColorParseError
from textual.theme import Theme

AA = 4.5
"""Contrast of ordinary text, WCAG level AA."""

AAA = 7.0
"""Level AAA: what our theme of high contrast keeps."""

TONE_VARIABLES = {
    "foreground": "tone-plain",
    "muted": "muted",
    "accent": "tone-accent",
    "success": "tone-ok",
    "primary": "tone-busy",
    "secondary": "tone-waiting",
    "warning": "tone-warning",
    "error": "tone-failed",
    "gave-up": "gave-up",
}
"""What a theme calls a colour → the variable that text is drawn with."""

GROUNDS = ("background", "surface", "panel", "zebra", "cursor-row", "cursor-row-blurred")
"""The variables that text lies on."""


def _scrollbars(bar: str, hover: str, active: str, ground: str) -> dict[str, str]:
    return {
        "scrollbar": bar,
        "scrollbar-hover": hover,
        "scrollbar-active": active,
        "scrollbar-background": ground,
        "scrollbar-background-hover": ground,
        "scrollbar-background-active": ground,
        "scrollbar-corner-color": ground,
    }


DARK = Theme(
    name="bocr-dark",
    primary="#8ab2d6",
    secondary="#9fabbf",
    accent="#d8b56a",
    success="#8fb87a",
    warning="#dca561",
    error="#ec8f87",
    foreground="#d5d9e0",
    background="#14171c",
    surface="#191d23",
    panel="#232830",
    dark=True,
    variables={
        "muted": "#9aa3b2",
        "gave-up": "#d39cc1",
        "chosen": "#2f6fd6",
        "zebra": "#171b21",
        "cursor-row": "#2b3a4a",
        "cursor-row-blurred": "#232a33",
        "footer-background": "#1b1f26",
        "footer-key-foreground": "#d8b56a",
        "footer-description-foreground": "#a9b1be",
        **_scrollbars("#333a45", "#465061", "#566275", "#14171c"),
    },
)

LIGHT = Theme(
    name="bocr-light",
    primary="#1f5688",
    secondary="#4a566b",
    accent="#7a4d00",
    success="#2f621c",
    warning="#844300",
    error="#9f2420",
    foreground="#1d232c",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e7e4dc",
    dark=False,
    variables={
        "muted": "#505a68",
        "gave-up": "#7d2f68",
        "chosen": "#2f6fd6",
        "zebra": "#f7f5f0",
        "cursor-row": "#cfdeec",
        "cursor-row-blurred": "#e2e3e2",
        "footer-background": "#ece9e2",
        "footer-key-foreground": "#7a4d00",
        "footer-description-foreground": "#4a5462",
        **_scrollbars("#c3c0b8", "#a5a29a", "#8a8780", "#fbfaf7"),
    },
)

HIGH_CONTRAST = Theme(
    name="bocr-contrast",
    primary="#7ec8ff",
    secondary="#c9d4e2",
    accent="#ffd75f",
    success="#8ce05e",
    warning="#ffb454",
    error="#ffaaa3",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    dark=True,
    variables={
        "muted": "#c4ccd6",
        "gave-up": "#ff9ce0",
        "chosen": "#4d8dff",
        "zebra": "#000000",
        "cursor-row": "#002b5c",
        "cursor-row-blurred": "#262626",
        "footer-background": "#1a1a1a",
        "footer-key-foreground": "#ffd75f",
        "footer-description-foreground": "#ffffff",
        **_scrollbars("#808080", "#b0b0b0", "#ffffff", "#000000"),
    },
)

OWN = (DARK, LIGHT, HIGH_CONTRAST)
"""The first is the one that a new workspace opens with."""


@lru_cache(maxsize=64)
def _defaults(name: str, dark: bool, grounds: tuple[str, ...], colours: tuple[str, ...]) -> dict[str, str]:
    background, surface, panel, primary = (Color.parse(ground) for ground in grounds)
    found = {
        "zebra": background.blend(surface, 0.5).hex,
        "cursor-row": background.blend(primary, 0.22).hex,
        "cursor-row-blurred": background.blend(primary, 0.1).hex,
        "chosen": "#2f6fd6",
    }
    beneath = [background, surface, panel, *(Color.parse(found[each]) for each in found if each != "chosen")]
    for variable, colour in zip(TONE_VARIABLES.values(), colours, strict=True):
        found[variable] = readable(Color.parse(colour), beneath, dark=dark).hex
    return found


def tone_variables(theme: Theme) -> dict[str, str]:
    """What the style sheets and tones use beyond Textual's own names, for any theme.

    What the theme itself gives is kept where it can be read on every ground, and moved where it cannot. A
    theme of the terminal's own sixteen colours is left as it is: nobody knows what they look like.
    """
    given = {**theme.to_color_system().generate(), **theme.variables}
    given.setdefault("muted", _between(given["foreground"], given["background"]))
    given.setdefault("gave-up", given["accent"])
    colours = {name: given[name] for name in TONE_VARIABLES}
    grounds = tuple(given[name] for name in ("background", "surface", "panel", "primary"))
    if any("ansi" in colour for colour in (*colours.values(), *grounds)):
        return _of_the_terminal(given, colours, dark=theme.dark)
    if theme in OWN:
        return {variable: given[name] for name, variable in TONE_VARIABLES.items()}
    return dict(_defaults(theme.name, theme.dark, grounds, tuple(colours.values())))


def _of_the_terminal(given: dict[str, str], colours: dict[str, str], *, dark: bool) -> dict[str, str]:
    tones = {variable: colours[name] for name, variable in TONE_VARIABLES.items()}
    row, blurred = ("ansi_blue", "ansi_bright_black") if dark else ("ansi_cyan", "ansi_white")
    grounds = {"zebra": given["background"], "cursor-row": row, "cursor-row-blurred": blurred}
    muted = "ansi_white" if dark else "ansi_bright_black"
    return {**tones, **grounds, "muted": muted, "gave-up": "ansi_magenta", "chosen": "ansi_blue"}


def _between(foreground: str, background: str) -> str:
    try:
        return Color.parse(foreground).blend(Color.parse(background), 0.35).hex
    except ColorParseError:
        return foreground


def readable(colour: Color, grounds: list[Color], *, dark: bool, contrast: float = AA) -> Color:
    """The colour itself, or the nearest on its way to white (black on a light theme) that can be read on
    every one of the grounds."""
    colour = Color(*colour.rgb)
    end = Color.parse("#ffffff" if dark else "#000000")
    for step in range(21):
        moved = colour.blend(end, step / 20)
        if all(contrast_ratio(moved, ground) >= contrast for ground in grounds):
            return moved
    return end


def contrast_ratio(one: Color, other: Color) -> float:
    """1 to 21, by WCAG 2.2's definition of contrast ratio."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    """WCAG 2.2's relative luminance."""
    red, green, blue = (_linear(part / 255) for part in colour.rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
