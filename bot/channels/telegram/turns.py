"""A turn and the store: the session before it is recalled, and all that it changed is kept in one transaction."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeVar

from sqlalchemy import Connection

from bot.assistant import Answer
from bot.channels.delivery import Lane
from bot.channels.telegram.background import Background
from bot.channels.telegram.outbox import HASTE, REFERENCE, Item
from bot.channels.telegram.patient_store import PATIENCE, PatientStore
from bot.channels.telegram.pseudonyms import Pseudonyms
from bot.channels.telegram.updates import Heard
from bot.store.errors import StoreError
from bot.store.leases import LostError
from bot.store.mailbox import Mailbox
from bot.store.questions import keep_question
from bot.store.sessions import Sessions
from bot.vocabulary import Session

Key = TypeVar("Key")
Value = TypeVar("Value")
STORE_PATIENCE = 8.0
"""Seconds that an answer waits for a store that is away; then it goes out from memory."""
STUCK = 3600.0
"""Seconds that a piece of work may wait in a store that hangs: it is done once, late, and not begun twice."""
AGAIN = 0.5
"""Seconds after which a store that failed is asked once more."""
REMEMBERED = 20_000
"""Chats lately answered, and updates answered while the store was away, that are to be known again."""


@dataclass(frozen=True)
class Recalled:
    """A session as it was when its message was kept; not the newest where a turn of the chat was kept after `asked`."""

    session: Session
    asked: float


@dataclass
class Waiting:
    """
    One message that was accepted and is not answered.

    `row` is its row of the inbox, if it has one; `sent` is to be set when it is answered and the answer sent.
    `taken_back` where it is not to be answered: it comes again.
    """

    heard: Heard
    row: int | None
    begun: float
    lane: Lane
    sent: asyncio.Event | None = None
    recalled: Recalled | None = None
    taken_back: bool = False


class Turns:
    """What the store is told of the turns of all chats, and asked before them."""

    def __init__(
        self,
        store: PatientStore,
        mailbox: Mailbox,
        sessions: Sessions,
        names: Pseudonyms,
        background: Background,
        hold: Callable[[Connection, str], None],
    ) -> None:
        """
        Nothing is asked yet.

        Args:
            hold: makes sure, for the rest of a transaction, that a chat is ours; raises LostError where it is not.
        """
        self.store = store
        self.mailbox = mailbox
        self.sessions = sessions
        self.background = background
        self.hold = hold
        self._names = names
        self._kept: OrderedDict[str, float] = OrderedDict()
        self._moved_from: OrderedDict[int, int] = OrderedDict()
        self._numbers = count()
        self._newest: OrderedDict[str, int] = OrderedDict()

    def follow(self, old: int, new: int) -> None:
        """A chat has another id: its talks go along."""
        if old != new:
            put_last(self._moved_from, new, old)

    def before_move(self, heard: Heard) -> str | None:
        """Who the person was before their group had its new id; None where it has had no other."""
        old = self._moved_from.get(heard.chat)
        return self._names.of_person(replace(heard, chat=old)) if old is not None else None

    def number(self, person: str) -> int:
        """The place of a turn among all, as it ends; it is its person's newest then."""
        number = next(self._numbers)
        put_last(self._newest, person, number)
        return number

    def is_newest(self, person: str, number: int) -> bool:
        """Whether no later turn of the person has ended."""
        return self._newest.get(person, number) <= number

    def note_keeping(self, key: str) -> None:
        """A turn of a chat is being kept: what was recalled before this is not the newest."""
        put_last(self._kept, key, time.monotonic())

    async def recall(self, person: str, key: str, waiting: Waiting) -> Session | None:
        """The session of a talk; None where the store is away: help does not wait for a database."""
        known = waiting.recalled
        if not self.store.is_there:
            return None
        before = self.before_move(waiting.heard)
        if known and known.asked > self._kept.get(key, float("-inf")) and before is None:
            return known.session

        def recall(db: Connection) -> Session:
            session = self.sessions.recall(db, person)
            return self.sessions.recall(db, before) if before and session == Session() else session

        try:
            return await self.store.run(recall, HASTE if waiting.lane is Lane.EMERGENCY else PATIENCE)
        except StoreError:
            return None

    async def keep(self, person: str, waiting: Waiting, answer: Answer, items: Sequence[Item], forgotten: bool) -> bool:
        """
        In one transaction: the session after the turn, a question that was left, the message erased, the reply kept
        until it is sent.

        Where the store is away the reply goes out all the same, at once in danger, else after some patience.

        Args:
            forgotten: the session before the turn could not be recalled; what it told is not lost by that.

        Returns:
            Whether the reply is ours to send: not where another process looks after the chat by now.
        """
        chat = self._names.of_chat(waiting.heard.chat)
        return await _Keeping(self, person, chat, waiting, answer, items, forgotten).run()

    async def forget(self, row: int, more: Callable[[Connection], None] | None = None) -> None:
        """Nothing more is to be done for a message; what else the store is to do with that goes along."""

        def erase(db: Connection) -> None:
            self.mailbox.answered(db, [row], "", [])
            if more:
                more(db)

        await self.store.tell(erase)

    async def forget_reply(self, row: int | None) -> None:
        """A reply is not to be sent."""
        if row is not None:
            await self.store.tell(lambda db: self.mailbox.sent(db, row, "", None))

    async def take_sent(self, key: str) -> list[bytes]:
        """The messages that a chat was sent, which the store then forgets; none where it is away."""
        try:
            return list(await self.store.run(lambda db: self.mailbox.take_sent(db, key)))
        except StoreError:
            return []


class _Keeping:
    """One turn on its way into the store."""

    def __init__(
        self,
        turns: Turns,
        person: str,
        chat: str,
        waiting: Waiting,
        answer: Answer,
        items: Sequence[Item],
        forgotten: bool,
    ) -> None:
        self._turns, self._person, self._chat, self._waiting = turns, person, chat, waiting
        self._answer, self._items, self._forgotten = answer, items, forgotten
        self._key = items[0].key if items else person
        self._replies = [
            turns.mailbox.outgoing(i.lane, REFERENCE.dump_json(i.reference), at_once=i.marked_sending) for i in items
        ]
        self._number = turns.number(person)
        self._given_up = False

    async def run(self) -> bool:
        """Whether the reply is ours to send."""
        if self._waiting.row is None:
            return self._leave_from_memory()
        deadline = time.monotonic() + self._patience
        while True:
            keeping = self._turns.background.watch(self._kept())
            await asyncio.wait({keeping}, timeout=max(0.0, deadline - time.monotonic()))
            if not keeping.done():
                self._given_up = True
                self._turns.store.seems_away()
                return True
            failed = keeping.exception()
            if failed is None or isinstance(failed, LostError):
                return failed is None
            if time.monotonic() + AGAIN >= deadline:
                self._turns.store.tell_later(self._keep_late)
                return True
            await asyncio.sleep(AGAIN)

    @property
    def _patience(self) -> float:
        """The seconds that the reply waits for the store."""
        is_urgent = Lane.EMERGENCY in (self._waiting.lane, *(item.lane for item in self._items))
        return HASTE if is_urgent else STORE_PATIENCE

    def _leave_from_memory(self) -> bool:
        """Another process may look after the chat of what no row tells of: nothing of it is written but its end."""
        if self._waiting.taken_back:
            return False
        self._turns.store.tell_later(self._keep_late)
        return True

    async def _kept(self) -> None:
        self._turns.note_keeping(self._chat)
        try:
            numbers = await self._turns.store.run(self._keep, STUCK)
        except StoreError:
            if self._given_up:
                self._turns.store.tell_later(self._keep_late)
            raise
        for item, row in zip(self._items, numbers, strict=True):
            if item.over:  # it was sent from memory meanwhile
                self._turns.background.spawn(self._turns.forget_reply(row))
            item.row = row

    def _keep(self, db: Connection) -> list[int]:
        self._turns.hold(db, self._chat)
        self._remember(db)
        return self._turns.mailbox.answered(db, self._rows, self._key, self._replies)

    def _keep_late(self, db: Connection) -> None:
        """The reply went out meanwhile, and perhaps a later one: what that left, or forgot, is not replaced."""
        if self._turns.is_newest(self._person, self._number):
            self._remember(db)
        else:
            keep_question(db, self._answer.reply.language, self._answer.left)
        self._turns.mailbox.answered(db, self._rows, self._key, [])
        # It may have been kept, and only the news of that was lost.
        self._turns.mailbox.take_back(db, self._key, self._replies)

    @property
    def _rows(self) -> list[int]:
        return [self._waiting.row] if self._waiting.row is not None else []

    def _remember(self, db: Connection) -> None:
        answer, session = self._answer, self._answer.session
        if self._forgotten and session:
            kept = self._turns.sessions.recall(db, self._person)
            session = replace(session, profile=kept.profile.told(session.profile))
        self._turns.sessions.remember(db, self._person, session)
        if before := self._turns.before_move(self._waiting.heard):
            self._turns.sessions.remember(db, before, None)
        keep_question(db, answer.reply.language, answer.left)
        if answer.session is None:
            self._turns.mailbox.take_sent(db, self._key)


def put_last(among: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    """Put something last, and let the oldest go where there is no room."""
    among[key] = value
    among.move_to_end(key)
    while len(among) > REMEMBERED:
        among.popitem(last=False)
