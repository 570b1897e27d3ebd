"""The store, which may be slow or away: nothing waits for it for long, and what it did not hear it is told later."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from bot.channels.telegram.background import Background
from bot.store.database import Database, ping
from bot.store.errors import StoreError
from bot.telemetry import alarm, note

T = TypeVar("T")
PATIENCE: Final = 5.0
"""Seconds that a piece of work may take, unless it says otherwise."""
SILENCE: Final = 0.8
"""Seconds in which a store that is only slow does something."""
MISSED: Final = 20_000
"""Pieces of work that are kept for a store that is away; then the oldest is given up."""


class PatientStore:
    """Runs pieces of work, knows whether the store is there, and keeps for it what it missed."""

    def __init__(self, database: Database, background: Background) -> None:
        self._database = database
        self._background = background
        self._away_since: float | None = None
        self._heard = float("-inf")
        self._missed: deque[Callable[[Connection], Any]] = deque(maxlen=MISSED)

    @property
    def is_there(self) -> bool:
        """Whether the store answered the last time it was asked."""
        return self._away_since is None

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
        """Have a piece of work done now, or else later."""
        try:
            await self.run(work, patience)
        except StoreError:
            self.tell_later(work)

    def tell_later(self, work: Callable[[Connection], Any]) -> None:
        """Have a piece of work done when the store is next heard of."""
        self._missed.append(work)

    def seems_away(self) -> None:
        """Something was not done in time: the store is away, unless it did something else meanwhile."""
        if time.monotonic() - self._heard > SILENCE:
            self._is_away()

    def _catch_up(self) -> None:
        """Tell the store what it did not hear while it was away."""
        if not self._missed:
            return
        missed = list(self._missed)
        self._missed.clear()

        def tell(db: Connection) -> None:
            for work in missed:
                work(db)

        self._background.spawn(self.tell(tell))

    def _is_away(self) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            alarm("store away")


def _written(work: Callable[[Connection], T], db: Connection) -> T:
    """What a piece of work returns, where the store can be written."""
    ping(db)
    return work(db)
