"""The names of the panel's themes, for those who do not load the panel: a test holds them against it."""

from __future__ import annotations

OWN_THEMES = ("bocr-dark", "bocr-light", "bocr-contrast")

LIBRARY_THEMES = (
    "ansi-dark", "ansi-light", "atom-one-dark", "atom-one-light", "catppuccin-frappe", "catppuccin-latte",
    "catppuccin-macchiato", "catppuccin-mocha", "dracula", "flexoki", "gruvbox", "monokai", "nord",
    "rose-pine", "rose-pine-dawn", "rose-pine-moon", "solarized-dark", "solarized-light", "textual-dark",
    "textual-light", "tokyo-night",
)  # fmt: skip
"""Those that come with Textual 8."""

THEMES = (*OWN_THEMES, *LIBRARY_THEMES)
