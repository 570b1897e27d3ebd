"""So many requests begin in each round of the event loop: a crowd that is there cannot keep out who comes."""

from __future__ import annotations

import asyncio
from collections import deque

EACH = 4
"""Requests that begin in a round; each takes a millisecond or less until it waits for something."""


class Pace:
    """Lets requests begin in the order in which they came, a few in each round."""

    def __init__(self, each: int = EACH) -> None:
        self._each = each
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_going = False

    async def turn(self) -> None:
        """Wait until it is this request's turn; where nobody waits, that is at once."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        if not self._is_going:
            self._is_going = True
            loop.call_soon(self._round)
        await mine

    def _round(self) -> None:
        """Let the next ones begin."""
        begun = 0
        while self._waiting and begun < self._each:
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(None)
                begun += 1
        self._is_going = bool(self._waiting)
        if self._is_going:
            asyncio.get_running_loop().call_soon(self._round)
