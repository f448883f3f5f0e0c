"""A limit to how fast bytes go out."""

from __future__ import annotations

import asyncio

FULL_PIECE_BYTES = 1024 * 1024
PIECES_A_SECOND = 4
"""Under a limit, bytes go out in pieces small enough to keep to it evenly."""


class Pace:
    """`bytes_s` 0: no limit. `piece_bytes` is how much to ask for at once."""

    def __init__(self, bytes_s: float) -> None:
        self._bytes_s = bytes_s
        self._free_at = 0.0
        slow = int(bytes_s / PIECES_A_SECOND) or 1
        self.piece_bytes = min(FULL_PIECE_BYTES, slow) if bytes_s else FULL_PIECE_BYTES

    async def take(self, size_bytes: int) -> None:
        """Returns when so many bytes may go out."""
        if not self._bytes_s:
            return
        loop = asyncio.get_running_loop()
        start = max(self._free_at, loop.time())
        self._free_at = start + size_bytes / self._bytes_s
        if start > loop.time():
            await asyncio.sleep(start - loop.time())
