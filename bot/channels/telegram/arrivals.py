"""Updates that arrived and are not in the store yet: what comes together is kept together."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bot.channels.telegram.updates import Heard
from bot.store.errors import StoreError
from bot.store.mailbox import BusyError, Incoming
from bot.telemetry import count_failure

Received: TypeAlias = tuple[Mapping[str, Any], Heard | None, Incoming]
"""One update as it came, what was heard in it, and what is to be kept of it."""
KEEPING = 0.25
"""Seconds that it takes to keep what arrived together: where fewer are left, it is not begun."""
AT_ONCE = 64
"""Updates from which on no more are kept together."""
CROWD = 8
"""Updates above which those that wait are many: what is not kept yet may be a danger."""


class GivenUpError(Exception):
    """Nobody waits any more for what was to be kept, and it is not to be kept."""


@dataclass(eq=False)
class Arrival:
    """
    Updates that came together and are to be kept by `end` (monotonic seconds).

    `kept` tells how many of them were new, or why they could not be kept; `given_up` is set once nobody waits for it.
    """

    received: Sequence[Received]
    end: float
    kept: asyncio.Future[int]
    given_up: threading.Event = field(default_factory=threading.Event)

    @property
    def is_late(self) -> bool:
        """Whether there is no time left to keep it."""
        return self.given_up.is_set() or time.monotonic() > self.end - KEEPING


class Arrivals:
    """Has updates kept, all that waits in one piece of work of the store: each costs less so than alone."""

    def __init__(self, put: Callable[[Sequence[Arrival]], Awaitable[Sequence[int]]]) -> None:
        """
        Nothing has arrived.

        Args:
            put: keeps arrivals, however long the store takes, and tells how many updates of each were new. Raises
                GivenUpError, BusyError or StoreError where nothing was kept.
        """
        self._put = put
        self._arrived: deque[Arrival] = deque()
        self._keeping: asyncio.Task[None] | None = None
        self.waiting = 0
        """Updates that wait to be kept, or are being kept."""
        self.calm = asyncio.Event()
        """Set while there are few of them."""
        self.calm.set()

    def add(self, received: Sequence[Received], end: float) -> Arrival:
        """Have updates kept by `end` (monotonic seconds)."""
        arrival = Arrival(received, end, asyncio.get_running_loop().create_future())
        self._arrived.append(arrival)
        self._count(len(received))
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.get_running_loop().create_task(self._keep_all())
        return arrival

    def give_up(self, arrival: Arrival) -> None:
        """Nobody waits any more; where it is not being kept at this moment, it is not to be."""
        arrival.given_up.set()
        if arrival in self._arrived:
            self._arrived.remove(arrival)
            self._count(-len(arrival.received))

    def _count(self, updates: int) -> None:
        self.waiting += updates
        if self.waiting > CROWD:
            self.calm.clear()
        else:
            self.calm.set()

    async def _keep_all(self) -> None:
        while self._arrived:
            batch: list[Arrival] = []
            while self._arrived and sum(len(one.received) for one in batch) < AT_ONCE:
                batch.append(self._arrived.popleft())
            try:
                await self._keep([one for one in batch if not one.is_late])
            except Exception as error:  # noqa: BLE001 - what arrives next is to be kept all the same
                count_failure(error, "arrivals")
            finally:
                self._count(-sum(len(one.received) for one in batch))
                for one in batch:
                    if not one.kept.done():
                        one.kept.set_exception(StoreError("not kept"))
                    one.kept.exception()  # whoever waited may have gone

    async def _keep(self, batch: Sequence[Arrival]) -> None:
        """Keep arrivals together; those that are given up while the store takes its time are left out."""
        while batch:
            try:
                fresh = await self._put(batch)
            except GivenUpError:
                batch = [one for one in batch if not one.given_up.is_set()]
                continue
            except (BusyError, StoreError) as error:
                if len(batch) > 1:  # one's failure is not to be another's
                    await asyncio.gather(*(self._keep([one]) for one in batch))
                    return
                batch[0].kept.set_exception(error)
                return
            for one, count in zip(batch, fresh, strict=True):
                one.kept.set_result(count)
            return
