"""What is on its way to Telegram: first in, first out within a chat, emergencies before all else, nothing lost."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from pydantic import TypeAdapter
from sqlalchemy import Connection

from bot.assistant import Assistant
from bot.channels.delivery import Lane, Limits, Schedule
from bot.channels.telegram.patient_store import PATIENCE, PatientStore
from bot.channels.telegram.sending import Outcome, Result, Sender, Target, is_nowhere
from bot.store.errors import StoreError
from bot.store.leases import LostError
from bot.store.mailbox import Mailbox
from bot.telemetry import ANSWER_SECONDS, OLDEST, SENT, WAITING, alarm, count_failure
from bot.vocabulary import ClearedReply, Profile, Session, Understanding, Urgency

AT_MOST = 3
"""Ordinary replies that wait for one chat; a newer one then takes the place of the last."""
REPEATS = 3
"""Times that a send of unknown outcome is repeated, each marked."""
REPEAT_AFTER = 2.0
"""Seconds before a send of unknown outcome is repeated."""
BACKOFF = (0.3, 0.7, 1.5, 3.0)
"""Seconds before a send that did not leave is tried again; the last one for all further tries."""
IN_FLIGHT = 100
"""Sends at once; emergencies are not counted."""
HASTE = 1.0
"""Seconds that an emergency waits for the store; all else waits longer."""
LOCKED_OUT = (1.0, 3.0)
"""Seconds of silence after a send for which the token was refused: after a stray refusal, and while it goes on."""
MOVES = 3
"""Times that a reply follows a chat to another id."""


@dataclass(frozen=True)
class Reference:
    """
    A reply by reference: what it is composed from again after a crash.

    It holds no word of the message, but a question that is shown back, scrubbed, as the session's draft.
    """

    chat: int
    thread: int | None
    reply_to: int | None
    profile: Profile
    session: Session
    understanding: Understanding | None
    marks: tuple[str, ...] = ()
    traceless: bool = False


REFERENCE = TypeAdapter(Reference)


@dataclass
class Item:
    """
    A reply that waits or is being sent.

    `row` is its row of the outbox; None where the store was away. `over` once there is nothing more to do for it; `sent`
    is set when it has arrived, or never can.
    """

    key: str
    row: int | None
    order: int
    lane: Lane
    reply: ClearedReply
    reference: Reference
    begun: float
    marked_sending: bool = False
    unsure: bool = False
    tries: int = 0
    repeats: int = 0
    moves: int = 0
    over: bool = False
    sent: asyncio.Event | None = None

    def end(self) -> None:
        """It has arrived, or never can: whoever waits for it need not wait on."""
        self.over = True
        if self.sent:
            self.sent.set()


@dataclass
class _Chat:
    items: list[Item] = field(default_factory=list)
    busy: Item | None = None


class Outbox:
    """Sends what it is given. Its rows are in the store before the first byte leaves, wherever the store is there."""

    def __init__(self, assistant: Assistant, sender: Sender, store: PatientStore, mailbox: Mailbox) -> None:
        self._assistant = assistant
        self._sender = sender
        self._store = store
        self._mailbox = mailbox
        self._schedule = Schedule(Limits())
        self._chats: dict[str, _Chat] = {}
        self._order = itertools.count()
        self._wake = asyncio.Event()
        self._sends: set[asyncio.Task[None]] = set()
        self._tellings: set[asyncio.Task[None]] = set()
        self._ordinary_in_flight = 0
        self._locked_out = False
        self._lanes: tuple[Lane, ...] = tuple(Lane)
        self.hold: Callable[[Connection, str], None] = lambda *_: None
        """Raises LostError where another process looks after a chat now."""
        self.shut: Callable[[Connection, float], None] = lambda *_: None
        """Told of the seconds for which Telegram lets nobody send."""
        self.arrived: Callable[[int], None] = lambda _: None
        """Told the chat of each reply that was sent."""
        self.moved: Callable[[int, int], Awaitable[None]] = _nobody_told
        """Told a chat's old and new id, where a send was refused because it moved."""

    def next_order(self) -> int:
        """The place of the next reply among all."""
        return next(self._order)

    def is_free(self, key: str, lane: Lane) -> bool:
        """Whether nothing waits for a chat and nothing keeps it waiting, so that a reply to it goes out at once."""
        return key not in self._chats and lane in self._open and self._schedule.is_free(key, lane, time.monotonic())

    @property
    def _open(self) -> tuple[Lane, ...]:
        """The lanes of which something may begin now."""
        if self._locked_out and self._sends:
            return ()
        return self._lanes if self._ordinary_in_flight < IN_FLIGHT else self._lanes[:1]

    def waiting(self, key: str) -> list[Item]:
        """What waits for a chat and is not on its way yet."""
        entry = self._chats.get(key)
        return [item for item in entry.items if item is not entry.busy] if entry else []

    @property
    def size(self) -> int:
        """All that waits."""
        return sum(len(entry.items) for entry in self._chats.values())

    def add(self, item: Item) -> None:
        """Send a reply when its turn comes."""
        if item.reference.chat < 0:
            self._schedule.is_group(item.key)
        self._schedule.asked(item.begun)
        entry = self._chats.setdefault(item.key, _Chat())
        entry.items.append(item)
        self._offer(item.key, entry)

    def withdraw(self, item: Item) -> bool:
        """Do not send a reply that waits; False where it is on its way already, or was sent."""
        entry = self._chats.get(item.key)
        if entry is None or item not in entry.items or item is entry.busy:
            return False
        entry.items.remove(item)
        item.over = True
        self._clear(item.key, entry)
        return True

    def find(self, key: str, sent: asyncio.Event) -> Item | None:
        """What is to be sent to a chat, or is on its way, and sets `sent` when it has arrived."""
        return next((item for item in self._of(key) if item.sent is sent), None)

    def has(self, key: str, row: int) -> bool:
        """Whether the reply of this row waits for a chat, or is on its way there."""
        return any(item.row == row for item in self._of(key))

    def _of(self, key: str) -> list[Item]:
        entry = self._chats.get(key)
        return entry.items if entry else []

    def is_idle(self, key: str) -> bool:
        """Whether nothing waits for a chat, nor will what was sent there hold up the next."""
        return key not in self._chats and self._schedule.is_over(key, time.monotonic())

    def pause(self, seconds: float) -> None:
        """Send nothing for so many seconds."""
        self._schedule.pause(seconds, time.monotonic())

    def share(self, part: float) -> None:
        """Use this part of the pace that Telegram allows."""
        self._schedule.part = part

    def close_chat(self, key: str) -> None:
        """Nothing more goes to a chat, nor ever can."""
        for item in self.waiting(key):
            item.end()
        self.drop_chat(key)

    def drop_chat(self, key: str) -> None:
        """Send nothing of what waits for a chat."""
        entry = self._chats.get(key)
        if entry:
            for item in entry.items:
                item.over = item is not entry.busy
            entry.items = [item for item in entry.items if item is entry.busy]
            self._clear(key, entry)

    def move(self, old: str, new: str, chat: int) -> None:
        """A chat has another id: what waits for it goes there."""
        entry = self._chats.get(old)
        moved = [item for item in entry.items if item is not entry.busy] if entry else []
        for item in moved:
            self.withdraw(item)
            item.key, item.reference = new, replace(item.reference, chat=chat, thread=None, reply_to=None)
            item.over = False
            self.add(item)

    async def run(self) -> None:
        """Send, until cancelled."""
        while True:
            now = time.monotonic()
            taken = self._schedule.take(now, self._open)
            if taken is None:
                await self._rest(self._schedule.wait(now, self._open))
                continue
            key, lane = taken
            entry = self._chats.get(key)
            ours = [item for item in entry.items if item.lane is lane] if entry else []
            if entry is None or not ours:
                self._schedule.unused(key)
                if entry:
                    self._offer(key, entry)
                continue
            item = min(ours, key=lambda one: one.order)
            entry.busy = item
            self._ordinary_in_flight += item.lane is Lane.ORDINARY
            task = asyncio.create_task(self._send(key, entry, item))
            self._sends.add(task)
            task.add_done_callback(self._sends.discard)

    async def finish(self, seconds: float) -> None:
        """End: emergencies still go out, and what is on its way arrives; what never left is in no doubt."""
        end = time.monotonic() + seconds
        self._lanes = (Lane.EMERGENCY,)
        while time.monotonic() < end - seconds / 2 and any(item.lane is Lane.EMERGENCY for item in self._all()):
            await asyncio.sleep(0.05)
        self._lanes = ()
        if last := self._sends | self._tellings:
            await asyncio.wait(last, timeout=end - time.monotonic())
        busy = {id(entry.busy) for entry in self._chats.values()}
        left = [item for item in self._all() if item.marked_sending and not item.unsure and id(item) not in busy]
        rows = [item.row for item in left if item.row is not None]
        await self._kept(lambda db: self._mailbox.not_sent(db, rows))

    def _all(self) -> list[Item]:
        return [item for entry in self._chats.values() for item in entry.items]

    def measure(self) -> None:
        """Show what waits, and how long the oldest has."""
        begun = [item.begun for entry in self._chats.values() for item in entry.items]
        WAITING.labels("unsent").set(len(begun))
        OLDEST.labels("unsent").set(time.monotonic() - min(begun) if begun else 0)

    async def _rest(self, seconds: float | None) -> None:
        self._wake.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), min(seconds, 1.0) if seconds is not None else 1.0)

    async def _send(self, key: str, entry: _Chat, item: Item) -> None:
        try:
            if not item.marked_sending and item.row is not None:
                patience = HASTE if item.lane is Lane.EMERGENCY else PATIENCE
                item.marked_sending = await self._kept(partial(self._begin_sending, item), patience)
            while delay := self._schedule.leave(item.lane, time.monotonic()):
                await asyncio.sleep(delay)
            target = Target(item.reference.chat, item.reference.thread, item.reference.reply_to)
            outcome = await self._sender.send(self._worded(item), target, item.lane)
            if not is_nowhere(item.reference.chat):
                self._learn(item, outcome)
            await self._settle(key, entry, item, outcome)
        except LostError:
            entry.items.remove(item)
            item.over = True
        except Exception as error:  # noqa: BLE001 - the next reply must go out all the same
            count_failure(error, "outbox")
            self._repeat(key, item, REPEAT_AFTER)
        finally:
            entry.busy = None
            self._ordinary_in_flight -= item.lane is Lane.ORDINARY
            self._schedule.done(key, time.monotonic())
            # A chat that moved meanwhile, and was written to under its old id, has another entry.
            self._clear(key, self._chats.get(key, entry))

    def _begin_sending(self, item: Item, db: Connection) -> None:
        self.hold(db, item.key)
        if item.row is not None:
            self._mailbox.sending(db, item.row)

    def _worded(self, item: Item) -> ClearedReply:
        """The reply with the lines that say that it is late, or sent again."""
        reply = item.reply
        for mark in item.reference.marks + (("again",) if item.unsure else ()):
            try:
                reply = self._assistant.marked(reply, mark)
            except Exception as error:  # noqa: BLE001 - better without such a line than never
                count_failure(error, "mark")
        return reply

    def _learn(self, item: Item, outcome: Outcome) -> None:
        """Count a send, and see whether Telegram takes any."""
        SENT.labels(item.lane.name.lower(), outcome.result.name.lower()).inc()
        if outcome.result is Result.SENT:
            ANSWER_SECONDS.labels(item.lane.name.lower()).observe(time.monotonic() - item.begun)
        if outcome.result not in {Result.LOCKED_OUT, Result.NOT_SENT}:
            self._locked_out = False

    async def _settle(self, key: str, entry: _Chat, item: Item, outcome: Outcome) -> None:
        """What follows from an outcome: of a refused send nothing has arrived, of an unknown one perhaps all."""
        now = time.monotonic()
        match outcome.result:
            case Result.SENT:
                known = f"{item.reference.chat}/{outcome.message}".encode()
                await self._end(entry, item, None if item.reference.traceless or not outcome.message else known)
                self.arrived(item.reference.chat)
            case Result.REFUSED:
                if self._schedule.refused(key, outcome.seconds, now):
                    await self._kept(lambda db: self.shut(db, outcome.seconds))
            case Result.NOT_SENT:
                self._schedule.hold(key, BACKOFF[min(item.tries, len(BACKOFF) - 1)], now)
                item.tries += 1
            case Result.LOCKED_OUT:
                self._schedule.pause(LOCKED_OUT[self._locked_out], now)
                self._locked_out = True
            case Result.UNKNOWN:
                self._repeat(key, item, REPEAT_AFTER)
                if item.repeats > REPEATS:
                    alarm("reply given up", topic=item.reply.topic, repeats=REPEATS)
                    await self._end(entry, item, None)
            case Result.MOVED:
                item.moves += 1
                if item.moves > MOVES or outcome.moved_to is None:
                    await self._end(entry, item, None)
                else:
                    entry.busy = None
                    await self.moved(item.reference.chat, outcome.moved_to)
            case Result.CLOSED:
                for other in entry.items:
                    other.end()
                entry.items.clear()
                await self._kept(lambda db: self._mailbox.close(db, key))
            case Result.WRONG:
                await self._end(entry, item, None)

    def _repeat(self, key: str, item: Item, seconds: float) -> None:
        item.unsure = True
        item.repeats += 1
        self._schedule.hold(key, seconds, time.monotonic())

    async def _end(self, entry: _Chat, item: Item, known: bytes | None) -> None:
        """Nothing more is to be done for a reply; `known` is what its message is known by, where it arrived."""
        if item in entry.items:
            entry.items.remove(item)
        item.end()
        row = item.row

        def sent(db: Connection) -> None:
            self._mailbox.sent(db, row, item.key, known)

        if row is None:  # answered from memory: the store is away, and is told when it is back
            self._store.tell_later(sent)
            return
        telling = asyncio.create_task(self._store.tell(sent))
        self._tellings.add(telling)
        telling.add_done_callback(self._tellings.discard)
        # The chat's next reply waits a little, so that after a crash an older one does not follow a newer one.
        await asyncio.wait({telling}, timeout=HASTE)

    async def _kept(self, work: Callable[[Connection], None], patience: float = PATIENCE) -> bool:
        """Tell the store; whether it heard. What it does not hear costs at most a repeat after a crash."""
        try:
            await self._store.run(work, patience)
        except StoreError as error:
            count_failure(error, "store")
            return False
        return True

    def _offer(self, key: str, entry: _Chat) -> None:
        now = time.monotonic()
        for item in entry.items:
            if item is not entry.busy:
                self._schedule.offer(key, item.lane, item.order, now)
        self._wake.set()

    def _clear(self, key: str, entry: _Chat) -> None:
        if entry.items:
            self._offer(key, entry)
        elif entry.busy is None and self._chats.get(key) is entry:
            # While one is on its way the chat keeps its place, or the next reply would not wait for the end of it.
            del self._chats[key]
            self._schedule.forget(key, time.monotonic())
        self._wake.set()


async def _nobody_told(old: int, new: int) -> None:
    """Before the channel says who wants to know."""


def lane_of(understanding: Understanding | None) -> Lane:
    """Dangers go first; so does what could not be understood."""
    return Lane.ORDINARY if understanding and understanding.urgency is Urgency.NONE else Lane.EMERGENCY
