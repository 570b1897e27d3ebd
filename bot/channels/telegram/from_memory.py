"""What cannot be kept, because the store is away, is answered all the same: dangers at once, all else after a while."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from bot.channels.delivery import Lane
from bot.channels.telegram.answering import Answering
from bot.channels.telegram.arrivals import Received
from bot.channels.telegram.background import Background
from bot.channels.telegram.outbox import Outbox
from bot.channels.telegram.patient_store import PatientStore
from bot.channels.telegram.pseudonyms import Pseudonyms
from bot.channels.telegram.turns import STUCK, put_last
from bot.channels.telegram.updates import Heard, Kind, guessed
from bot.store.errors import StoreError
from bot.store.mailbox import Incoming, Mailbox

OUTAGE = 10.0
"""Seconds of a store that is away, after which ordinary messages too are answered from memory."""
FEW = 10
"""Replies at most that wait where ordinary messages are answered from memory."""
IN_TURN = 1.0
"""Seconds that an ordinary message waits before it is answered from memory."""
PATIENCE = 4.0
"""Seconds in which an answer from memory has to be on its way; else its update is to come again."""
SEND_PATIENCE = 10.0
"""Seconds after which a send has ended, one way or the other."""
ANSWERED = frozenset({Kind.MESSAGE, Kind.EDIT, Kind.TAP})
"""Kinds of updates that somebody waits for an answer to."""


class FromMemory:
    """
    The updates that are answered without a row of theirs.

    What was answered so, and sent, need not come again, least of all to another process.
    """

    def __init__(
        self,
        store: PatientStore,
        mailbox: Mailbox,
        names: Pseudonyms,
        answering: Answering,
        outbox: Outbox,
        background: Background,
        settle: Callable[[Mapping[str, Any], Heard | None], None],
    ) -> None:
        """
        Nothing is answered yet.

        Args:
            settle: does what an update asks for that nobody waits for an answer to, or that cannot be read; the store
                is told of it later.
        """
        self._store = store
        self._mailbox = mailbox
        self._names = names
        self._answering = answering
        self._outbox = outbox
        self._background = background
        self._settle = settle
        self._sent: OrderedDict[str, asyncio.Event] = OrderedDict()
        self._in_turn: set[asyncio.Event] = set()

    def answer(self, received: Sequence[Received]) -> list[asyncio.Event] | None:
        """
        Answer what cannot be kept: dangers at once, all else where the store stays away.

        Returns:
            What is set when each is sent; None where some of it is not answered.
        """
        long = self._store.away_for > OUTAGE
        long = long and self._outbox.size < FEW  # what cannot be sent soon would be answered by another process as well
        answering: list[asyncio.Event | None] = []
        for raw, heard, one in _asking(received):
            name = _identity(one)
            if name not in self._sent:
                self._begin(name, raw, heard, long)
            answering.append(self._sent.get(name))
        return [sent for sent in answering if sent] if all(answering) else None

    async def wait(self, answering: Sequence[asyncio.Event] | None, received: Sequence[Received]) -> None:
        """
        Wait until what is answered from memory is sent.

        Raises:
            StoreError: not all of it was, in time.
        """
        if answering is None:
            raise StoreError("not kept")
        waits = [asyncio.ensure_future(sent.wait()) for sent in answering]
        try:
            if waits and (await asyncio.wait(waits, timeout=PATIENCE))[1]:
                # It comes again, perhaps to another process. What is on its way is waited for; nothing else of it goes out.
                for raw, heard, one in received:
                    self._take_back(heard or guessed(raw), one)
                going = {self.sent(one) for _, _, one in received}
                left = [wait for sent, wait in zip(answering, waits, strict=True) if sent in going]
                if left:
                    await asyncio.wait(left, timeout=SEND_PATIENCE)
            if not all(sent.is_set() for sent in answering):
                raise StoreError("not kept")
        finally:
            for wait in waits:
                wait.cancel()
        for _, _, one in _asking(received):
            self._store.tell_later(partial(self._note_seen, one))

    def sent(self, one: Incoming) -> asyncio.Event | None:
        """What is set when an update that is answered from memory has its answer; None where it is not."""
        return self._sent.get(_identity(one))

    def let_go(self, one: Incoming) -> asyncio.Event | None:
        """The same, for the last time: it has been kept by now."""
        return self._sent.pop(_identity(one), None)

    def is_in_turn(self, sent: asyncio.Event) -> bool:
        """Whether an update waits its moment before it is answered."""
        return sent in self._in_turn

    def known_again(self, one: Incoming) -> Incoming:
        """An update whose answer has arrived needs no row; until then a crash would lose it."""
        sent = self.sent(one)
        return Incoming(one.chat, one.marks, one.content, True) if sent and sent.is_set() else one

    async def is_answered_elsewhere(self, one: Incoming) -> bool:
        """
        Whether another process has told that it answered an update from memory.

        Raises:
            StoreError: the store cannot tell.
        """
        name = self._names.of_answered(_identity(one))
        return await self._store.run(lambda db: self._mailbox.is_seen(db, name), STUCK)

    def _begin(self, name: str, raw: Mapping[str, Any], heard: Heard | None, long: bool) -> None:
        """
        Answer one update, where it is time for that.

        What nobody waits for an answer to is over at once: as long as it came again, all that Telegram has after it
        would wait.
        """
        said, sent = heard or guessed(raw), asyncio.Event()
        if said is None or said.kind not in ANSWERED:
            sent.set()
        elif self._answering.sounds_grave(said):
            self._answering.add(said, None, sent)
        elif long:
            self._background.spawn(self._answer_in_turn(said, sent))
        else:
            return
        put_last(self._sent, name, sent)
        if heard is None or sent.is_set():
            self._settle(raw, heard)

    def _take_back(self, heard: Heard | None, one: Incoming) -> None:
        """
        Do not answer after all, unless that has begun.

        A danger is answered all the same: better twice than by nobody.
        """
        sent = self.sent(one)
        if heard is None or sent is None or sent.is_set():
            return
        key = self._names.of_chat(heard.chat)
        waiting, item = self._answering.find(key, sent), self._outbox.find(key, sent)
        if waiting and waiting.lane is Lane.ORDINARY:
            waiting.taken_back = True
        elif item is None or item.lane is Lane.EMERGENCY or not self._outbox.withdraw(item):
            return
        self.let_go(one)

    def _note_seen(self, one: Incoming, db: Connection) -> None:
        """Tell the other processes that an update was answered."""
        self._mailbox.note_seen(db, {**one.marks, self._names.of_answered(_identity(one)): None})

    async def _answer_in_turn(self, heard: Heard, sent: asyncio.Event) -> None:
        """Answer after a moment: another process may have kept what the same person said just before."""
        self._in_turn.add(sent)
        await asyncio.sleep(IN_TURN)
        self._answering.add(heard, None, sent)
        self._in_turn.discard(sent)


def _identity(one: Incoming) -> str:
    return next(iter(one.marks))


def _asking(received: Sequence[Received]) -> list[Received]:
    """Those that ask for anything: of the rest nothing is to be done, nor known again."""
    return [one for one in received if one[1] is None or one[1].kind is not Kind.NOTHING]
