"""The panel's own look: quiet surfaces, and colour only where it says something."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="bocr-dark",
    primary="#7fa6c9",
    secondary="#8e9bb0",
    accent="#d8b56a",
    success="#8fb87a",
    warning="#dca561",
    error="#e07a72",
    foreground="#d5d9e0",
    background="#14171c",
    surface="#191d23",
    panel="#232830",
    dark=True,
    variables={
        "muted": "#8b94a3",
        "gave-up": "#c98bb5",
        "chosen": "#2f6fd6",
        "zebra": "#171b21",
        "cursor-row": "#2b3a4a",
        "cursor-row-blurred": "#232a33",
        "footer-background": "#1b1f26",
        "footer-key-foreground": "#d8b56a",
        "footer-description-foreground": "#a9b1be",
        "scrollbar": "#333a45",
        "scrollbar-hover": "#465061",
        "scrollbar-active": "#566275",
        "scrollbar-background": "#14171c",
        "scrollbar-background-hover": "#14171c",
        "scrollbar-background-active": "#14171c",
    },
)

VARIABLES = {
    "muted": "#8b94a3",
    "gave-up": "#c98bb5",
    "chosen": "#2f6fd6",
    "zebra": "#80808010",
    "cursor-row": "#7fa6c940",
    "cursor-row-blurred": "#80808030",
}
"""What the style sheet uses beyond Textual's own names, for themes that do not set it."""
