"""The store, which may be slow or away: nothing waits for it for long, and what it did not hear it is told later."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from bot.channels.telegram.background import Background
from bot.store.database import Database, try_writing
from bot.store.errors import StoreError, UnderWayError
from bot.telemetry import alarm, count_failure, note

T = TypeVar("T")
PATIENCE: Final = 5.0
"""Seconds that a piece of work may take, unless it says otherwise."""
SILENCE: Final = 0.8
"""Seconds in which a store that is only slow does something."""
MISSED: Final = 20_000
"""Pieces of work that are kept for a store that is away; then the oldest is given up."""
AT_ONCE: Final = 50
"""Pieces of work that a store that is back is told at once: what is new waits for them."""
TRIES: Final = 3
"""Times that a piece of work may fail in a store that does others; then it is given up."""


@dataclass
class Missed:
    """A piece of work that the store is to be told of, and how often it failed there."""

    work: Callable[[Connection], Any]
    failed: int = 0


class PatientStore:
    """Runs pieces of work, knows whether the store is there, and keeps for it what it missed."""

    def __init__(self, database: Database, background: Background) -> None:
        self._database = database
        self._background = background
        self._away_since: float | None = None
        self._heard = float("-inf")
        self._missed: deque[Missed] = deque(maxlen=MISSED)
        self._catches_up = False

    @property
    def is_there(self) -> bool:
        """Whether the store answered the last time it was asked."""
        return self._away_since is None

    @property
    def is_caught_up(self) -> bool:
        """Whether it is there and has been told all that it missed."""
        return self.is_there and not self._missed and not self._catches_up

    @property
    def away_for(self) -> float:
        """Seconds since it was first found to be away; 0 where it is there."""
        return 0.0 if self._away_since is None else time.monotonic() - self._away_since

    async def run(self, work: Callable[[Connection], T], patience: float = PATIENCE) -> T:
        """
        What a piece of work returns, done in a transaction of its own.

        A store that is away is back when it can be written: of a server whose disk is full much can still be read.

        Args:
            patience: the seconds that it may take. It may end later all the same, unheard.

        Raises:
            StoreError: the store is away, or did not do it in time.
        """
        try:
            done = await self._database.run(work if self.is_there else partial(_written, work), patience)
        except StoreError as error:
            if isinstance(error.__cause__, TimeoutError):
                self.seems_away()
            else:
                self._is_away()
            raise
        self._heard = time.monotonic()
        if self._away_since is not None:
            note("store back", seconds=round(self.away_for, 1))
            self._away_since = None
        self._catch_up()
        return done

    async def tell(self, work: Callable[[Connection], Any], patience: float = PATIENCE) -> None:
        """Have a piece of work done now, or else later; one that takes longer than `patience` goes on."""
        try:
            await self.run(work, patience)
        except UnderWayError as error:
            asyncio.wrap_future(error.outcome).add_done_callback(partial(self._tell_if_failed, work))
        except StoreError:
            self.tell_later(work)

    def tell_later(self, work: Callable[[Connection], Any]) -> None:
        """Have a piece of work done when the store is next heard of."""
        self._missed.append(Missed(work))

    def _tell_if_failed(self, work: Callable[[Connection], Any], done: asyncio.Future[Any]) -> None:
        """What was under way has ended: well, or as if it had never been begun."""
        error = None if done.cancelled() else done.exception()
        if isinstance(error, StoreError):
            self.tell_later(work)
        elif error:
            count_failure(error, "store")

    def seems_away(self) -> None:
        """Something was not done in time: the store is away, unless it did something else meanwhile."""
        if time.monotonic() - self._heard > SILENCE:
            self._is_away()

    def _catch_up(self) -> None:
        """Begin to tell the store what it did not hear while it was away, unless that has begun."""
        if self._missed and not self._catches_up:
            self._catches_up = True
            self._background.spawn(self._tell_missed())

    async def _tell_missed(self) -> None:
        """Tell the store what it missed, some of it at a time; what fails waits until it is next heard of."""
        failed: list[Missed] = []
        try:
            while self._missed and await self._tell_some(failed):
                pass
        finally:
            self._missed = deque([*failed, *self._missed], maxlen=MISSED)
            self._catches_up = False

    async def _tell_some(self, failed: list[Missed]) -> bool:
        """
        Tell the store the oldest of what it missed, and wait for its end: what is given up half way is done twice.

        Args:
            failed: is given what is to be told once more.

        Returns:
            Whether the store is there.
        """
        some = [self._missed.popleft() for _ in range(min(AT_ONCE, len(self._missed)))]
        works = [*(one.work for one in some), try_writing]
        *told, heard = await asyncio.gather(*(self._database.run(work, None) for work in works), return_exceptions=True)
        is_there = not isinstance(heard, BaseException)
        for one, error in zip(some, told, strict=True):
            one.failed += is_there
            if isinstance(error, StoreError) and one.failed < TRIES:
                failed.append(one)
            elif isinstance(error, BaseException):
                count_failure(error, "store")
        if is_there:
            self._heard = time.monotonic()
        else:
            self._is_away()
        return is_there

    def _is_away(self) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            alarm("store away")


def _written(work: Callable[[Connection], T], db: Connection) -> T:
    """What a piece of work returns, where the store can be written."""
    try_writing(db)
    return work(db)
