"""Telegram: accepts updates, takes turns chat by chat, hands replies to the outbox."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from bot.assistant import Assistant
from bot.channels.delivery import Engine, Lane
from bot.channels.telegram.answering import Answering
from bot.channels.telegram.arrivals import Arrival, Arrivals, GivenUpError, Received
from bot.channels.telegram.background import Background
from bot.channels.telegram.canary import Canary, counted_as
from bot.channels.telegram.courtesies import Courtesies
from bot.channels.telegram.custody import Custody, Taken
from bot.channels.telegram.from_memory import FromMemory
from bot.channels.telegram.outbox import HASTE, REFERENCE, Item, Outbox, Reference
from bot.channels.telegram.patient_store import PatientStore
from bot.channels.telegram.pseudonyms import CHANNEL, Pseudonyms
from bot.channels.telegram.sending import Sender
from bot.channels.telegram.started import KNOWN, Started
from bot.channels.telegram.turns import STUCK, Recalled, Turns
from bot.channels.telegram.updates import Heard, Kind, Me, PoisonError, guessed, marks, read
from bot.store.database import Database, ping
from bot.store.errors import StoreError
from bot.store.mailbox import BusyError, Incoming, Letter, Mailbox
from bot.store.sealing import Sealing
from bot.store.sessions import Sessions
from bot.telemetry import OLDEST, RECEIVED, WAITING, alarm, count_failure, note
from bot.vocabulary import ClearedReply, Session

ACCEPTANCE = 2.0
"""Seconds in which an update has to be kept; else it is to come again."""
TOLD = 3.0
"""Seconds in which processes tell each other what they answered from memory, once the store is back."""
HELD = 1000
"""Updates at most that wait to be kept."""
STARTS = 2.0
"""Seconds that updates wait for a start to take up what an earlier process left."""


class Telegram:
    """
    The channel, between what receives (`accept`) and what sends (`outbox`).

    Each chat's messages are answered one after another, a danger first; chats do not wait for each other.
    """

    def __init__(
        self, assistant: Assistant, sealing: Sealing, database: Database, sender: Sender, token: str, engine: Engine
    ) -> None:
        self.me = Me(int(token.partition(":")[0]))
        self.mailbox = Mailbox(sealing)
        self._names = Pseudonyms(sealing, self.me.id)
        self._background = Background(CHANNEL)
        self._store = PatientStore(database, self._background)
        self._sessions = Sessions(sealing)
        self.custody = Custody(self.mailbox, self._store.run, database.run_beside, self, alone=database.embedded)
        self.outbox = Outbox(assistant, sender, self._store, self.mailbox)
        self.outbox.hold = self.custody.hold
        self.outbox.shut = self.custody.shut
        self.canary = Canary()
        self.outbox.arrived = self.canary.arrived
        self.outbox.moved = self._moved
        self._assistant = assistant
        self._arrivals = Arrivals(self._put)
        self._courtesies = Courtesies(sender, self._background)
        self._turns = Turns(self._store, self.mailbox, self._sessions, self._names, self._background, self.custody.hold)
        self._answering = Answering(
            assistant,
            engine,
            sender,
            self.outbox,
            self._turns,
            self._names,
            self._background,
            self._courtesies,
            self._arrivals.calm,
            self._erase_once_sent,
        )
        self._memory = FromMemory(
            self._store,
            self.mailbox,
            self._names,
            self._answering,
            self.outbox,
            self._background,
            self._settle_without_row,
        )
        self._started = Started()
        self._begun = time.monotonic()
        self._taken_up = asyncio.Event()

    # ---- what comes in

    async def accept(self, updates: Sequence[Mapping[str, Any]]) -> int:
        """
        Keep updates; when this returns they are safe, and may be acknowledged. They are answered afterwards.

        Where the store is away dangers are answered from memory, and after a while all else; what was answered so, and
        sent, need not come again, least of all to another process.

        Returns:
            How many of them were new.

        Raises:
            StoreError: they could not be kept in time, nor was all of it answered, and must come again.
        """
        end = time.monotonic() + ACCEPTANCE
        received = [self._received(raw) for raw in updates]
        with suppress(TimeoutError):
            # What an earlier process left is not to be mistaken for what comes now.
            await asyncio.wait_for(self._taken_up.wait(), max(0.0, self._begun + STARTS - time.monotonic()))
        if not self._taken_up.is_set():
            self._store.seems_away()
        # Where the store is away, what waits already finds out when it is back.
        waits = not self._store.is_there and self._arrivals.waiting
        if not self._taken_up.is_set() or waits or self._arrivals.waiting + len(updates) > HELD:
            await self._memory.wait(self._memory.answer(received), received)
            return 0
        arrival = self._arrivals.add(received, end)
        await asyncio.wait({arrival.kept}, timeout=HASTE)
        if not arrival.kept.done():
            answering = self._memory.answer(received)
            await asyncio.wait({arrival.kept}, timeout=end - time.monotonic())
            if not arrival.kept.done():
                self._arrivals.give_up(arrival)
                self._store.seems_away()
                await self._memory.wait(answering, received)
                return 0
        try:
            return arrival.kept.result()
        except BusyError as error:
            raise StoreError("busy") from error
        except StoreError:
            await self._memory.wait(self._memory.answer(received), received)
            return 0

    async def _begin_unless_answered(
        self, raw: Mapping[str, Any], heard: Heard | None, one: Incoming, row: int
    ) -> None:
        """Start on an update that was kept after it was given up, unless another process has answered it from memory."""
        if row in self._started:
            return
        self._started.note(row)
        await asyncio.sleep(TOLD)
        answered = False
        # Where the store cannot tell, better twice than by nobody.
        with suppress(StoreError):
            answered = await self._memory.is_answered_elsewhere(one)
        if answered:
            await self._turns.forget(row)
        else:
            self._started.undo(row)
            self._begin_safely(raw, heard, row)

    def _erase_once_sent(self, row: int, chat: str, sent: asyncio.Event) -> None:
        """A kept update is answered by what is kept nowhere: it is not to be started on, and stays until that arrives."""
        self._started.note(row)
        self._background.spawn(self._forget_when_sent(row, chat, sent))

    async def _forget_when_sent(self, row: int, chat: str, sent: asyncio.Event) -> None:
        """
        Erase a kept update once its answer, which is kept nowhere, has arrived.

        Until then it is all that another process would know of it, if this one died. Where nothing of it is left to
        send and it has not arrived, the chat was lost meanwhile: it is for whoever looks after the chat to begin it.
        """
        while not sent.is_set() and (self._memory.is_in_turn(sent) or not self._is_idle(chat)):
            self._started.note(row)
            with suppress(TimeoutError):
                await asyncio.wait_for(sent.wait(), KNOWN / 2)
        if sent.is_set():
            await self._turns.forget(row)
        else:
            self._started.undo(row)

    def _received(self, raw: Mapping[str, Any]) -> Received:
        heard = self._read(raw)
        found = {self._names.of_mark(mark): fresh for mark, fresh in marks(raw, heard).items()}
        told = heard or guessed(raw)
        incoming = Incoming(self._names.of_chat(told.chat) if told else "", found, json.dumps(raw).encode())
        return raw, heard, self._memory.known_again(incoming)

    async def _put(self, batch: Sequence[Arrival]) -> list[int]:
        """
        Keep arrivals and begin with them, however long the store takes; of each, how many updates were new.

        Raises:
            GivenUpError: one of them was given up before all was kept. Nothing is: it comes again, perhaps to another
                process, or was answered from memory.
            BusyError: another process keeps one of them at this moment.
            StoreError: the store is away.
        """
        received, asked = [one for arrival in batch for one in arrival.received], time.monotonic()
        incoming = [one for _, _, one in received]
        persons = [self._names.of_person(heard) if heard else "" for _, heard, _ in received]

        def put(db: Connection) -> tuple[list[int | None], dict[str, Session], Taken]:
            # Claimed before anything new is put there, so that what was left there is told from it.
            taken = self.custody.take(db, {one.chat for one in incoming})
            numbers = self.mailbox.put(db, incoming)
            sessions = self._sessions.recall_all(db, set(persons))
            if any(arrival.given_up.is_set() for arrival in batch):
                raise GivenUpError
            return numbers, sessions, taken

        rows, sessions, taken = await self._store.run(put, STUCK)
        self.custody.took(taken)
        given_up = [arrival.given_up.is_set() for arrival in batch for _ in arrival.received]
        for (raw, heard, one), row, person, late in zip(received, rows, persons, given_up, strict=True):
            sent = self._memory.let_go(one)
            if row is None:
                RECEIVED.labels(CHANNEL, "repeat").inc()
                self._courtesies.acknowledge(heard)
            elif sent:  # answered from memory while the store took its time
                self._erase_once_sent(row, one.chat, sent)
            elif late:
                self._background.spawn(self._begin_unless_answered(raw, heard, one, row))
            elif one.chat in taken.chats:
                self._begin_safely(raw, heard, row, Recalled(sessions[person], asked) if heard else None)
        counts = iter(rows)
        return [sum(next(counts) is not None for _ in arrival.received) for arrival in batch]

    async def recover(self) -> None:
        """
        Take up what an earlier process left: what it did not answer, and what it did not send.

        Raises:
            StoreError: the store is away.
        """
        unsent, unanswered = await self.custody.recover()
        self._taken_up.set()
        if unsent or unanswered:
            note("taken up", unsent=unsent, unanswered=unanswered)

    # ---- the canary

    async def sing(self) -> None:
        """
        Send a question of our own the whole way: kept, understood, answered, and the answer sent to nobody.

        Raises:
            StoreError: it could not be kept.
        """
        await self.accept([self.canary.song()])

    # ---- what custody asks for

    def begin(self, letter: Letter) -> None:
        """Start on a message that is kept, and was accepted by another process."""
        raw, heard, incoming = self._received(json.loads(letter.content))
        if sent := self._memory.sent(incoming):
            self._erase_once_sent(letter.id, incoming.chat, sent)
        else:
            self._begin_safely(raw, heard, letter.id)

    def lacking(self, rows: Collection[int]) -> set[int]:
        """Those rows of the inbox that were not started on here; asked from the store's thread."""
        return {row for row in rows if row not in self._started}

    def drop(self, chats: Collection[str]) -> None:
        """Another process looks after chats now."""
        for key in chats:
            self._answering.drop(key)
            self.outbox.drop_chat(key)

    def idle(self, chats: Iterable[str]) -> set[str]:
        """Those for which nothing waits here, nor will their pace matter to the next process."""
        # Where the store was away since, its row is still there, though it was answered.
        if self._store.is_caught_up and (old := self._started.old()):
            self._started.forget(old - self._answering.rows)
        return {key for key in chats if self._is_idle(key)}

    def _is_idle(self, key: str) -> bool:
        return self._answering.is_idle(key) and self.outbox.is_idle(key)

    def pause(self, seconds: float) -> None:
        """Send nothing for so long."""
        self.outbox.pause(seconds)

    def share(self, part: float) -> None:
        """Use this part of what Telegram allows."""
        self.outbox.share(part)

    def take_up(self, letter: Letter) -> None:
        """
        Send what an earlier process did not; what this one cannot read is a dead letter.

        What is on its way already may come again: a chat can be claimed for two reasons at once.
        """
        if self.outbox.has(letter.chat, letter.id):
            return
        try:
            reference = REFERENCE.validate_json(letter.content)
            reply = self._reply_again(reference)
        except Exception as error:  # noqa: BLE001 - one row must not keep the others from being sent
            count_failure(error, "recovery")
            fault = type(error).__name__
            self._background.spawn(self._store.tell(lambda db: self.mailbox.unreadable(db, letter.id, fault)))
            return
        begun = time.monotonic() - max(0.0, time.time() - letter.at)
        order, unsure = self.outbox.next_order(), letter.unsure
        lane = Lane.EMERGENCY if letter.lane == Lane.EMERGENCY else Lane.ORDINARY
        self.outbox.add(Item(letter.chat, letter.id, order, lane, reply, reference, begun, unsure, unsure))

    @property
    def busy(self) -> bool:
        """Whether so much waits that no more should be fetched."""
        return self._answering.size > 2000

    @property
    def oldest(self) -> float:
        """Seconds that the oldest unanswered message has waited."""
        return self._answering.oldest

    @property
    def store_is_there(self) -> bool:
        """Whether the store answered the last time it was asked."""
        return self._store.is_there

    def measure(self) -> None:
        """Show what waits, and how long the oldest has."""
        WAITING.labels("unanswered").set(self._answering.size)
        OLDEST.labels("unanswered").set(self.oldest)
        self.outbox.measure()

    async def check(self) -> None:
        """
        See whether the store is there; if it is back, tell it what it did not hear.

        Raises:
            StoreError: the store is away.
        """
        await self._store.run(ping)

    async def finish(self, seconds: float) -> None:
        """End: what is being answered is answered, dangers and what is on its way go out; the rest waits in the store."""
        self._answering.end()
        await self._background.finish(seconds / 2)
        await self.outbox.finish(seconds / 2)
        with suppress(StoreError):
            await self._store.run(self.custody.leave, 2.0)
        self._answering.close()

    def _read(self, raw: Mapping[str, Any]) -> Heard | None:
        try:
            return read(raw, self.me)
        except PoisonError:
            return None

    def _begin_safely(
        self, raw: Mapping[str, Any], heard: Heard | None, row: int, recalled: Recalled | None = None
    ) -> None:
        """Start, once, on one update that is kept; whatever is wrong with it, the next is started on too."""
        if row in self._started:
            return
        self._started.note(row)
        try:
            self._begin(raw, heard, row, recalled)
        except Exception as error:  # noqa: BLE001 - one update must not cost the others their answers
            count_failure(error, CHANNEL)
            self._background.spawn(self._bury(raw, row))

    def _begin(self, raw: Mapping[str, Any], heard: Heard | None, row: int, recalled: Recalled | None) -> None:
        """Start on one update that is kept."""
        match heard.kind if heard else None:
            case None:
                RECEIVED.labels(CHANNEL, "dead").inc()
                self._background.spawn(self._bury(raw, row))
            case Kind.NOTHING:
                RECEIVED.labels(CHANNEL, "nothing").inc()
                self._background.spawn(self._turns.forget(row))
            case Kind.CLOSED:
                RECEIVED.labels(CHANNEL, "closed").inc()
                assert heard
                key = self._close(heard)
                self._background.spawn(self._turns.forget(row, lambda db: self.mailbox.close(db, key, before=row)))
            case Kind.MOVED:
                assert heard
                assert heard.moved_to is not None
                self._background.spawn(self._moved(heard.chat, heard.moved_to))
                self._background.spawn(self._turns.forget(row))
            case _:
                assert heard
                RECEIVED.labels(counted_as(heard.chat), heard.kind.name.lower()).inc()
                self._answering.add(heard, row, recalled=recalled)

    def _settle_without_row(self, raw: Mapping[str, Any], heard: Heard | None) -> None:
        """Do what an update asks for that is no message, while the store is away, which is told of it later."""
        if heard is None:
            self._store.tell_later(self._dead_letter(raw))
        elif heard.kind is Kind.CLOSED:
            key = self._close(heard)
            self._store.tell_later(lambda db: self.mailbox.close(db, key))
        elif heard.moved_to is not None:
            self._background.spawn(self._moved(heard.chat, heard.moved_to))

    def _close(self, heard: Heard) -> str:
        """Nothing more goes to a chat in which the bot was stopped; its pseudonym."""
        key = self._names.of_chat(heard.chat)
        self._answering.close_chat(key)
        self.outbox.close_chat(key)
        return key

    def _reply_again(self, reference: Reference) -> ClearedReply:
        if reference.understanding is None:
            return self._assistant.last_resort(reference.profile)
        return self._assistant.again(reference.understanding, reference.session)

    # ---- the store, which may be away

    async def _bury(self, raw: Mapping[str, Any], row: int) -> None:
        """A dead letter, and an answer where it can be told who wrote: to the words, if there are any."""
        told = guessed(raw)
        if told:  # the message is erased as the reply is kept, like every other
            self._answering.add(told, row)
        await self._store.tell(self._dead_letter(raw, None if told else row))

    def _dead_letter(self, raw: Mapping[str, Any], row: int | None = None) -> Callable[[Connection], None]:
        """Raise the alarm over an update that cannot be handled; what the store is to keep of it."""
        try:
            read(raw, self.me)
        except PoisonError as error:
            kind, fault = error.kind, error.fault
        else:
            kind, fault = "unknown", "Unknown"
        alarm("dead letter", kind=kind, fault=fault)
        return lambda db: self.mailbox.bury(db, kind, fault, row)

    async def _moved(self, old: int, new: int) -> None:
        """A group became a supergroup: its talks and what waits for it go along."""
        old_key, new_key = self._names.of_chat(old), self._names.of_chat(new)
        self._turns.follow(old, new)
        self.outbox.move(old_key, new_key, new)

        def move(db: Connection) -> None:
            self.custody.seize(db, new_key)
            self.mailbox.move(db, old_key, new_key)

        await self._store.tell(move)
