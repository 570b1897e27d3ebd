"""Which chats this process looks after, where several serve one database: each chat has one of them at a time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection

from bot.store.errors import StoreError
from bot.store.leases import PROCESS, Leases, pause, pause_left
from bot.store.mailbox import Letter, Mailbox
from bot.telemetry import note

SWEPT = 0.25
"""Seconds between looks for what other processes accepted for our chats."""
TIDIED = 1.0
"""
Seconds between looks for chats that nobody looks after, and for our own that are done with. On an embedded database
between looks for what was kept without being started on: a store that answered too late has kept it all the same.
"""
RECOVERED = 12.0
"""Seconds that the store must have been there before others are taken for dead: they may have missed it as well."""
POLLING = "polling"
"""What the lease of whoever polls is called."""
SENDING = "sending"
"""What the pause is called in which nothing is to be sent."""


class Caretaker(Protocol):
    """Whose chats they are: the channel."""

    def begin(self, letter: Letter) -> None:
        """Start on a message that another process accepted, or left; nothing where it was started on already."""

    def take_up(self, letter: Letter) -> None:
        """Send a reply that another process left; nothing where it is on its way already."""

    def lacking(self, rows: Collection[int]) -> set[int]:
        """Those rows of the inbox that were not started on here; asked from the store's thread."""

    def drop(self, chats: Collection[str]) -> None:
        """Do nothing more for chats that another process looks after now."""

    def idle(self, chats: Iterable[str]) -> set[str]:
        """Those for which nothing waits here, nor will their pace matter to the next process."""

    def pause(self, seconds: float) -> None:
        """Send nothing for so long."""

    def share(self, part: float) -> None:
        """Use this part of what Telegram allows."""


@dataclass(frozen=True)
class Taken:
    """Chats that are ours now; of those that were not before, what was left there."""

    chats: set[str]
    unsent: Sequence[Letter] = ()
    unanswered: Sequence[Letter] = ()


class Custody:
    """
    The chats of one process.

    A chat is claimed by the process that first receives something of it, and given back when it is done with. What
    another process receives meanwhile waits in the inbox, where the chat's own process finds it.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        run: Callable[[Callable[[Connection], Any]], Awaitable[Any]],
        beside: Callable[[Callable[[Connection], Any]], Awaitable[Any]],
        caretaker: Caretaker,
        *,
        alone: bool,
    ) -> None:
        """
        Nothing is claimed yet.

        Args:
            run: does a piece of work of the store.
            beside: does it without waiting for all that waits before it.
            alone: the database is embedded: no other process is there, every chat is ours, and no lease is needed.
        """
        self._leases = None if alone else Leases(secrets.token_hex(8))
        self._mailbox = mailbox
        self._run = run
        self._beside = beside
        self._caretaker = caretaker
        self._ours: set[str] = set()
        self._claimed_lately: set[str] = set()
        """Chats claimed since the last renewal began, which may have been given back before that."""
        self._well_since = float("-inf")
        self._tidied = float("-inf")

    def take(self, db: Connection, chats: Collection[str]) -> Taken:
        """
        Claim chats; what is new among them comes with all that was left there.

        What others received for those that were ours comes along: it was there before whatever is received now.
        """
        if self._leases is None:
            return Taken(set(chats))
        ours = self._leases.claim(db, chats, adopt=self._adopts)
        fresh = ours - self._ours
        unsent = self._mailbox.unsent(db, fresh) if fresh else []
        return Taken(ours, unsent, self._lacking(db, self._mailbox.unanswered(db, ours)))

    def hold(self, db: Connection, chat: str) -> None:
        """
        Make sure, for the rest of the transaction, that a chat is ours.

        Raises:
            LostError: another process looks after it now.
        """
        if self._leases:
            self._leases.hold(db, chat)

    def seize(self, db: Connection, chat: str) -> None:
        """Take a chat from whoever has it."""
        if self._leases:
            self._leases.seize(db, chat)

    def leave(self, db: Connection) -> None:
        """Give back everything: the process ends in peace."""
        if self._leases:
            self._leases.release_all(db)

    @property
    def _adopts(self) -> bool:
        """Whether others may be taken for dead: where the store was away, they have missed it as well."""
        return time.monotonic() - self._well_since >= RECOVERED

    def note_away(self) -> None:
        """The store is away: others are not taken for dead until it has been there for a while."""
        self._well_since = float("inf")

    def took(self, taken: Taken) -> None:
        """The transaction of a claim is committed: the chats are ours, with all that was left there."""
        self._ours |= taken.chats
        if self._leases:
            self._claimed_lately |= taken.chats
        for letter in taken.unsent:
            self._caretaker.take_up(letter)
        for letter in taken.unanswered:
            self._caretaker.begin(letter)

    async def recover(self) -> tuple[int, int]:
        """
        Take up what an earlier process left.

        Returns:
            How many replies were not sent, and how many messages not answered.

        Raises:
            StoreError: the store is away.
        """

        def claim(db: Connection) -> Taken:
            if self._leases is None:
                return Taken(set(), self._mailbox.unsent(db), self._mailbox.received(db))
            self._leases.renew(db)
            return self.take(db, self._leases.orphans(db))

        taken: Taken = await self._run(claim)
        self.took(taken)
        return len(taken.unsent), len(taken.unanswered)

    async def leads(self) -> bool:
        """
        Whether it is this process that polls.

        Raises:
            StoreError: the store is away.
        """
        leases = self._leases
        return leases is None or bool(await self._run(lambda db: leases.claim(db, [POLLING])))

    def shut(self, db: Connection, seconds: float) -> None:
        """Telegram lets nobody send for so long: tell the other processes."""
        if self._leases:
            pause(db, SENDING, seconds)

    async def look(self) -> None:
        """
        Take what is nobody's, give back what is done with, start on what was kept for us and not started on.

        Raises:
            StoreError: the store is away.
        """
        leases, now = self._leases, time.monotonic()
        if leases is None:
            self._ours -= self._caretaker.idle(self._ours)
            if now - self._tidied >= TIDIED:
                await self._begin_left()
                self._tidied = now
            return
        try:
            await self._sweep(leases)
            if now - self._tidied >= TIDIED:
                await self._tidy(leases)
                self._tidied = now
        except StoreError:
            self.note_away()
            raise
        self._well_since = min(self._well_since, now)

    async def renew(self) -> None:
        """
        Renew what is ours, and let go of what is not any more; to be done every `RENEWED` seconds, whatever else waits.

        Raises:
            StoreError: the store is away.
        """
        if self._leases is None:
            return
        before = set(self._ours)
        self._claimed_lately.clear()
        names, part = await self._beside(self._leases.renew)
        lost = before - names - self._claimed_lately
        self._ours -= lost
        if lost:
            note("chats lost", chats=len(lost))
        self._caretaker.drop(lost)
        self._caretaker.share(part)

    async def _begin_left(self) -> None:
        """Start on all that was kept and not started on, where every chat is ours."""
        for letter in await self._run(lambda db: self._lacking(db, self._mailbox.unanswered(db))):
            self._caretaker.begin(letter)

    def _lacking(self, db: Connection, rows: Collection[int]) -> Sequence[Letter]:
        """Those of the inbox that were not started on here."""
        lacking = self._caretaker.lacking(rows)
        return self._mailbox.received(db, lacking) if lacking else []

    async def _sweep(self, leases: Leases) -> None:
        """Start on what others received for our chats, and keep the pause that all keep."""

        def look(db: Connection) -> tuple[float, Sequence[Letter]]:
            return pause_left(db, SENDING), self._lacking(db, leases.waiting(db))

        seconds, letters = await self._run(look)
        if seconds:
            self._caretaker.pause(seconds)
        for letter in letters:
            self._caretaker.begin(letter)

    async def _tidy(self, leases: Leases) -> None:
        idle, adopts = self._caretaker.idle(self._ours), self._adopts

        def tidy(db: Connection) -> tuple[set[str], Taken]:
            gone = leases.release(db, idle)
            # What was claimed by a commit that ended too late to be heard of, or with a group that moved.
            unheard = leases.names(db) - self._ours - {POLLING, PROCESS + leases.owner}
            return gone, self.take(db, unheard | (leases.orphans(db) if adopts else set()))

        gone, taken = await self._run(tidy)
        # One of them may have been claimed anew since.
        self._ours -= self._caretaker.idle(gone)
        self.took(taken)
        if taken.unsent or taken.unanswered:
            note("taken over", unsent=len(taken.unsent), unanswered=len(taken.unanswered))
