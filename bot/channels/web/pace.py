"""So many requests begin in each round of the event loop: a crowd that is there cannot keep out who comes."""

from __future__ import annotations

import asyncio
from collections import deque

EACH = 4
"""Requests that begin in a round; each takes a millisecond or less until it waits for something."""


class Pace:
    """
    Lets requests begin, a few in each round.

    Of every four, three are of those who have not asked lately, as long as there are any: a crowd asks again and again.
    Among equals, who came first begins first.
    """

    def __init__(self, each: int = EACH) -> None:
        self._each = each
        self._new: deque[asyncio.Future[None]] = deque()
        self._again: deque[asyncio.Future[None]] = deque()
        self._count = 0
        self._is_going = False

    async def turn(self, is_new: bool) -> None:
        """Wait until it is this request's turn; where nobody waits, that is at once."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        (self._new if is_new else self._again).append(mine)
        if not self._is_going:
            self._is_going = True
            loop.call_soon(self._round)
        await mine

    def _round(self) -> None:
        """Let the next ones begin."""
        begun = 0
        while begun < self._each and (first := self._next()):
            if not first.done():
                first.set_result(None)
                begun += 1
        self._is_going = bool(self._new or self._again)
        if self._is_going:
            asyncio.get_running_loop().call_soon(self._round)

    def _next(self) -> asyncio.Future[None] | None:
        self._count += 1
        first, second = (self._again, self._new) if self._count % 4 == 0 else (self._new, self._again)
        waiting = first or second
        return waiting.popleft() if waiting else None
