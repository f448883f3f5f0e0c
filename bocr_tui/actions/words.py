"""Numbers and things in sentences."""

from __future__ import annotations


def counted(number: int, thing: str, plural: str = "") -> str:
    """`1 page`, `1,234 pages`, `2 batches`."""
    several = plural or f"{thing}{'es' if thing.endswith('ch') else 's'}"
    return f"{number:,} {thing if number == 1 else several}"
