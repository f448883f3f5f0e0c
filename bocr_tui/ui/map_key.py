"""The key that opens a page map, for screens that should not wait for the map's own module."""

from __future__ import annotations

from textual.binding import Binding

MAP = Binding("M", "map", "Map", show=False, tooltip="Every page as a coloured cell, to be walked.")
