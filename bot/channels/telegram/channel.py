"""Telegram: accepts updates, takes turns chat by chat, hands replies to the outbox."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from bot.assistant import Answer, Assistant
from bot.channels.delivery import Engine, Lane
from bot.channels.telegram.arrivals import Arrival, Arrivals, GivenUpError, Received
from bot.channels.telegram.custody import Custody, Taken
from bot.channels.telegram.outbox import AT_MOST, HASTE, REFERENCE, Item, Outbox, Reference, lane_of
from bot.channels.telegram.patient_store import PATIENCE, PatientStore
from bot.channels.telegram.sending import NOWHERE, Sender
from bot.channels.telegram.updates import Heard, Kind, Me, PoisonError, chat_of, marks, read, words_of
from bot.store.database import Database, ping
from bot.store.errors import StoreError
from bot.store.leases import LostError
from bot.store.mailbox import BusyError, Incoming, Letter, Mailbox, Outgoing
from bot.store.questions import keep_question
from bot.store.sealing import Sealing
from bot.store.sessions import Sessions
from bot.telemetry import OLDEST, RECEIVED, WAITING, alarm, count_failure, note
from bot.vocabulary import ClearedReply, CommandKind, Message, Profile, Session, Understanding

T = TypeVar("T")
CHANNEL = "telegram"
OLD = timedelta(minutes=10)
"""A message that waited longer is answered with a line that says so."""
SLOW = 1.0
"""Seconds after which "typing" is shown."""
MODEL_PATIENCE = 2.0
"""Seconds that the model may take; then signals and tables answer alone."""
STORE_PATIENCE = 8.0
"""Seconds that an answer waits for a store that is away; then it goes out from memory."""
OUTAGE = 10.0
"""Seconds of a store that is away, after which ordinary messages too are answered from memory."""
HIDDEN_AT_ONCE = 100
"""Messages that one deleteMessages takes (Bot API)."""
CANARY = "what is naloxone"
"""What the canary asks."""
REMEMBERED = 20_000
"""Updates answered while the store was away, and chats lately answered, that are to be known again."""
ACCEPTANCE = 2.0
"""Seconds in which an update has to be kept; else it is to come again."""
FEW = 10
"""Replies at most that wait where ordinary messages are answered from memory."""
TOLD = 3.0
"""Seconds in which processes tell each other what they answered from memory, once the store is back."""
FROM_MEMORY = 3.0
"""Seconds in which an answer from memory has to be on its way; else its update is to come again."""
SEND_PATIENCE = 10.0
"""Seconds after which a send has ended, one way or the other."""
STUCK = 3600.0
"""Seconds that a piece of work may wait in a store that hangs: it is done once, late, and not begun twice."""
CROWDED = 1.0
"""Seconds that an ordinary answer waits at most while many updates wait to be kept."""
PLACES = 16
"""Ordinary messages that are answered at one moment: more would only keep dangers, and what arrives, waiting."""
OCCUPIED = 0.5
"""Seconds after which a place is given to the next, though the store has not kept the answer yet."""
HELD = 1000
"""Updates at most that wait to be kept."""
KNOWN = 60.0
"""Seconds for which a row is known to have been started on, though it is no longer there."""
STARTS = 2.0
"""Seconds that updates wait for a start to take up what an earlier process left."""
TOLD_AGAIN = 60.0
"""Seconds after which a chat is told anew that it writes too much at once."""
TYPING = 8
"""Chats at most that are shown "typing" at one moment."""


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


@dataclass
class _Talk:
    waiting: deque[Waiting] = field(default_factory=deque)


@dataclass
class _Lately:
    """Of a chat: the newest message answered, when its last turn was kept, when it was told that it writes too much."""

    newest: int = 0
    kept: float = float("-inf")
    told_many: float = float("-inf")


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
        self._store = PatientStore(database)
        self.custody = Custody(self.mailbox, self._store.run, database.run_beside, self, alone=database.embedded)
        self.outbox = Outbox(assistant, sender, self._store, self.mailbox)
        self.outbox.hold = self.custody.hold
        self.outbox.shut = self.custody.shut
        self.outbox.arrived = self._arrived
        self.outbox.moved = self._moved
        self._assistant = assistant
        self._sealing = sealing
        self._sessions = Sessions(sealing)
        self._sender = sender
        self._engine = engine
        self._spare = Engine("engine-without-model")
        self._model_hangs_since: float | None = None
        self._talks: dict[str, _Talk] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._watched: set[asyncio.Task[Any]] = set()
        self._settled: OrderedDict[str, asyncio.Event] = OrderedDict()
        self._lately: OrderedDict[str, _Lately] = OrderedDict()
        self._moved_from: OrderedDict[int, int] = OrderedDict()
        self._begun = time.monotonic()
        self._taken_up = asyncio.Event()
        self._canary = NOWHERE + secrets.randbits(40)
        self._canary_back = time.monotonic()
        self._arrivals = Arrivals(self._put)
        self._places = asyncio.Semaphore(PLACES)
        self._started: dict[int, float] = {}
        self._typing_in = 0
        self._ending = False

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
        # Where the store is away, what waits already finds out when it is back.
        waits = not self._store.is_there and self._arrivals.waiting
        if not self._taken_up.is_set() or waits or self._arrivals.waiting + len(updates) > HELD:
            return await self._answered(self._answer_from_memory(received), received)
        arrival = self._arrivals.add(received, end)
        await asyncio.wait({arrival.kept}, timeout=HASTE)
        if not arrival.kept.done():
            answering = self._answer_from_memory(received)
            await asyncio.wait({arrival.kept}, timeout=end - time.monotonic())
            if not arrival.kept.done():
                self._arrivals.give_up(arrival)
                self._store.seems_away()
                return await self._answered(answering, received)
        try:
            return arrival.kept.result()
        except BusyError as error:
            raise StoreError("busy") from error
        except StoreError:
            return await self._answered(self._answer_from_memory(received), received)

    async def _answered(self, answering: Sequence[asyncio.Event] | None, received: Sequence[Received]) -> int:
        """
        Wait until what is answered from memory is sent.

        Raises:
            StoreError: not all of it was, in time.
        """
        if answering is None:
            raise StoreError("not kept")
        waits = [asyncio.ensure_future(sent.wait()) for sent in answering]
        try:
            if waits and (await asyncio.wait(waits, timeout=FROM_MEMORY))[1]:
                # It comes again, perhaps to another process. What is on its way is waited for; nothing else of it goes out.
                for _, heard, one in received:
                    self._take_back(heard, one)
                await asyncio.wait(waits, timeout=SEND_PATIENCE)
            if not all(sent.is_set() for sent in answering):
                raise StoreError("not kept")
        finally:
            for wait in waits:
                wait.cancel()
        for _, _, one in received:
            self._store.tell_later(partial(self._note_seen, one))
        return 0

    def _take_back(self, heard: Heard | None, one: Incoming) -> None:
        """
        Do not answer from memory after all, unless that has begun.

        A danger is answered all the same: better twice than by nobody.
        """
        sent = self._settled.get(_identity(one))
        if heard is None or sent is None or sent.is_set():
            return
        key = self._key(heard.chat)
        talk, item = self._talks.get(key), self.outbox.find(key, sent)
        waiting = next((w for w in talk.waiting if w.sent is sent), None) if talk else None
        if waiting and waiting.lane is Lane.ORDINARY:
            waiting.taken_back = True
        elif item is None or item.lane is Lane.EMERGENCY or not self.outbox.withdraw(item):
            return
        del self._settled[_identity(one)]

    def _note_seen(self, one: Incoming, db: Connection) -> None:
        """Tell the other processes that an update was answered from memory."""
        self.mailbox.note_seen(db, {**one.marks, self._answered_mark(one): None})

    def _answered_mark(self, one: Incoming) -> str:
        return self._sealing.pseudonym("answered", _identity(one))

    async def _begin_unless_answered(
        self, raw: Mapping[str, Any], heard: Heard | None, one: Incoming, row: int
    ) -> None:
        """Start on an update that was kept after it was given up, unless another process has answered it from memory."""
        self._started[row] = time.monotonic()
        await asyncio.sleep(TOLD)
        if await self._store.run(lambda db: self.mailbox.is_seen(db, self._answered_mark(one)), STUCK):
            await self._erase(row)
        else:
            del self._started[row]
            self._begin_safely(raw, heard, row)

    def _received(self, raw: Mapping[str, Any]) -> Received:
        heard = self._read(raw)
        found = {
            self._sealing.pseudonym("mark", str(self.me.id), *mark): fresh for mark, fresh in marks(raw, heard).items()
        }
        incoming = Incoming(self._key(heard.chat) if heard else "", found, json.dumps(raw).encode())
        return raw, heard, self._known_again(incoming)

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
        persons = [self._person(heard) if heard else "" for _, heard, _ in received]

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
            settled = _identity(one) in self._settled
            self._settled.pop(_identity(one), None)
            if row is None:
                RECEIVED.labels(CHANNEL, "repeat").inc()
            elif settled:  # answered from memory while the store took its time
                self._started[row] = time.monotonic()
                self._spawn(self._erase(row))
            elif late:
                self._spawn(self._begin_unless_answered(raw, heard, one, row))
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
        number = time.time_ns() // 1000
        chat = {"id": self._canary, "type": "private"}
        message = {"message_id": number, "date": int(time.time()), "chat": chat, "text": CANARY}
        await self.accept([{"update_id": number, "message": message}])

    @property
    def canary_age(self) -> float:
        """Seconds since the canary last came back."""
        return time.monotonic() - self._canary_back

    def _arrived(self, chat: int) -> None:
        if chat == self._canary:
            self._canary_back = time.monotonic()

    # ---- what custody asks for

    def begin(self, letter: Letter) -> None:
        """Start on a message that is kept, and was accepted by another process."""
        raw, heard, incoming = self._received(json.loads(letter.content))
        if _identity(incoming) in self._settled:
            self._started[letter.id] = time.monotonic()
            self._spawn(self._erase(letter.id))
        else:
            self._begin_safely(raw, heard, letter.id)

    def lacking(self, rows: Collection[int]) -> set[int]:
        """Those rows of the inbox that were not started on here; asked from the store's thread."""
        return {row for row in rows if row not in self._started}

    def drop(self, chats: Collection[str]) -> None:
        """Another process looks after chats now."""
        for key in chats:
            if key in self._talks:
                self._talks[key].waiting.clear()
            self.outbox.close_chat(key)

    def idle(self, chats: Iterable[str]) -> set[str]:
        """Those for which nothing waits here, nor will their pace matter to the next process."""
        self._forget_started()
        return {key for key in chats if key not in self._talks and self.outbox.is_idle(key)}

    def _forget_started(self) -> None:
        """What was started on long ago, and is done with, will not be met again."""
        now, old = time.monotonic(), {}
        for row, at in self._started.items():
            if now - at < KNOWN:
                break
            old[row] = at
        if old:
            waiting = {one.row for talk in self._talks.values() for one in talk.waiting}
            for row in old.keys() - waiting:
                del self._started[row]

    def pause(self, seconds: float) -> None:
        """Send nothing for so long."""
        self.outbox.pause(seconds)

    def share(self, processes: int) -> None:
        """Use one share of so many of what Telegram allows."""
        self.outbox.share(processes)

    def take_up(self, letter: Letter) -> None:
        """Send what an earlier process did not; what this one cannot read is a dead letter."""
        try:
            reference = REFERENCE.validate_json(letter.content)
            reply = self._reply_again(reference)
        except Exception as error:  # noqa: BLE001 - one row must not keep the others from being sent
            count_failure(error, "recovery")
            fault = type(error).__name__
            self._spawn(self._store.tell(lambda db: self.mailbox.unreadable(db, letter.id, fault)))
            return
        begun = time.monotonic() - max(0.0, time.time() - letter.at)
        order, unsure = self.outbox.next_order(), letter.unsure
        lane = Lane.EMERGENCY if letter.lane == Lane.EMERGENCY else Lane.ORDINARY
        self.outbox.add(Item(letter.chat, letter.id, order, lane, reply, reference, begun, unsure, unsure))

    @property
    def busy(self) -> bool:
        """Whether so much waits that no more should be fetched."""
        return sum(len(talk.waiting) for talk in self._talks.values()) > 2000

    @property
    def oldest(self) -> float:
        """Seconds that the oldest unanswered message has waited."""
        begun = [waiting.begun for talk in self._talks.values() for waiting in talk.waiting]
        return time.monotonic() - min(begun) if begun else 0.0

    @property
    def store_is_there(self) -> bool:
        """Whether the store answered the last time it was asked."""
        return self._store.is_there

    def measure(self) -> None:
        """Show what waits, and how long the oldest has."""
        WAITING.labels("unanswered").set(sum(len(talk.waiting) for talk in self._talks.values()))
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
        self._ending = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds / 2)
        await self.outbox.finish(seconds / 2)
        await self._store.finish(1.0)
        with suppress(StoreError):
            await self._store.run(self.custody.leave, 2.0)
        self._spare.close()

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
        self._started[row] = time.monotonic()
        try:
            self._begin(raw, heard, row, recalled)
        except Exception as error:  # noqa: BLE001 - one update must not cost the others their answers
            count_failure(error, CHANNEL)
            self._spawn(self._bury(raw, row))

    def _begin(self, raw: Mapping[str, Any], heard: Heard | None, row: int, recalled: Recalled | None) -> None:
        """Start on one update that is kept."""
        match heard.kind if heard else None:
            case None:
                RECEIVED.labels(CHANNEL, "dead").inc()
                self._spawn(self._bury(raw, row))
            case Kind.NOTHING:
                RECEIVED.labels(CHANNEL, "nothing").inc()
                self._spawn(self._erase(row))
            case Kind.CLOSED:
                RECEIVED.labels(CHANNEL, "closed").inc()
                assert heard
                key = self._key(heard.chat)
                if key in self._talks:
                    self._talks[key].waiting.clear()
                self.outbox.close_chat(key)
                self._spawn(self._erase(row, lambda db: self.mailbox.close(db, key, before=row)))
            case Kind.MOVED:
                assert heard
                assert heard.moved_to is not None
                self._spawn(self._moved(heard.chat, heard.moved_to))
                self._spawn(self._erase(row))
            case _:
                assert heard
                RECEIVED.labels(CHANNEL, heard.kind.name.lower()).inc()
                self._queue(heard, row, recalled=recalled)

    def _queue(
        self,
        heard: Heard,
        row: int | None,
        sent: asyncio.Event | None = None,
        recalled: Recalled | None = None,
    ) -> None:
        """Put a message before its chat's other ones where it sounds grave, else behind them."""
        message = self._message(heard, Session())
        lane = Lane.EMERGENCY if self._assistant.sounds_grave(message) else Lane.ORDINARY
        key = self._key(heard.chat)
        if heard.tap:
            self._spawn(self._acknowledge(heard.tap))
        talk = self._talks.get(key)
        starts = talk is None
        if talk is None:
            talk = self._talks[key] = _Talk()
        talk.waiting.append(Waiting(heard, row, time.monotonic(), lane, sent, recalled))
        if starts:
            self._spawn(self._answer_chat(key, talk))

    # ---- answering

    async def _answer_chat(self, key: str, talk: _Talk) -> None:
        """Answer a chat's messages until none is left."""
        try:
            while talk.waiting:
                graves = [w for w in talk.waiting if w.lane is Lane.EMERGENCY]
                if self._ending and not graves:
                    return
                waiting = graves[0] if graves else talk.waiting[0]
                try:
                    if not waiting.taken_back:
                        await self._answer(key, waiting, talk)
                except Exception as error:  # noqa: BLE001 - one message must not cost the next its answer
                    count_failure(error, CHANNEL)
                    await self._send_last_resort(key, waiting)
                if waiting in talk.waiting:
                    talk.waiting.remove(waiting)
        finally:
            if self._talks.get(key) is talk:
                del self._talks[key]

    async def _answer(self, key: str, waiting: Waiting, talk: _Talk) -> None:
        heard = waiting.heard
        typing = asyncio.get_running_loop().call_later(
            max(0.0, waiting.begun + SLOW - time.monotonic()), self._show_typing, heard.chat
        )
        try:
            async with self._place(waiting.lane):
                items, hides = await self._take_turn(key, waiting, talk)
            if items is None or waiting.taken_back:
                return
            if hides:
                await self._hide(key)
            for item in items:
                item.sent = waiting.sent
                self.outbox.add(item)
            if waiting.sent and not items:  # what waits already says the same
                waiting.sent.set()
        finally:
            typing.cancel()

    async def _take_turn(self, key: str, waiting: Waiting, talk: _Talk) -> tuple[list[Item] | None, bool]:
        """
        One turn, kept.

        Returns:
            What is to be sent, None where another process looks after the chat; and whether its messages are to be hidden.
        """
        heard = waiting.heard
        person = self._person(heard)
        recalled = await self._recall(person, key, waiting)
        session = recalled or Session()
        channel = "canary" if heard.chat == self._canary else CHANNEL
        answer = await self._turn(self._message(heard, session), session, waiting.lane, channel)
        again = heard.kind is Kind.EDIT and says_nothing_new(answer, session)
        items = [] if again else self._items(key, heard, waiting, session, answer, talk)
        ours = await self._keep(person, waiting, answer, items, forgotten=recalled is None)
        return items if ours else None, is_command(answer.understanding, CommandKind.HIDE)

    @asynccontextmanager
    async def _place(self, lane: Lane) -> AsyncIterator[None]:
        """Wait for one of the few places in which ordinary messages are answered; dangers need none."""
        if lane is Lane.EMERGENCY:
            yield
            return
        await self._places.acquire()
        occupied = True

        def leave() -> None:
            nonlocal occupied
            if occupied:
                self._places.release()
            occupied = False

        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrivals.calm.wait(), CROWDED)
            asyncio.get_running_loop().call_later(OCCUPIED, leave)
            yield
        finally:
            leave()

    def _items(
        self, key: str, heard: Heard, waiting: Waiting, session: Session, answer: Answer, talk: _Talk
    ) -> list[Item]:
        """The reply as it is to be sent; none where the same one waits already. A flood is answered in part."""
        lane, lately = lane_of(answer.understanding), self._lately_in(key)
        others = [item for item in self.outbox.waiting(key) if item.lane is lane]
        if any(item.reply == answer.reply for item in others):
            return []
        is_old = heard.kind is Kind.MESSAGE and heard.at and self._sender.clock.now() - heard.at > OLD
        found_marks = ("late",) if is_old else ()
        if lane is Lane.ORDINARY and len(others) >= AT_MOST:
            last = max(others, key=lambda item: item.order)
            self.outbox.withdraw(last)
            self._spawn(self._forget_row(last.row))
            if "many" in last.reference.marks or time.monotonic() - lately.told_many > TOLD_AGAIN:
                found_marks, lately.told_many = ("many",), time.monotonic()
        newest = all(w.heard.message is None or w is waiting for w in talk.waiting) and not others
        threaded = heard.is_group or not newest or (heard.message or 0) < lately.newest
        lately.newest = max(lately.newest, heard.message or 0)
        reference = Reference(
            chat=heard.chat,
            thread=heard.thread,
            reply_to=heard.message if threaded and heard.kind is not Kind.TAP else None,
            profile=answer.understanding.profile if answer.understanding else session.profile,
            session=with_draft(session, answer),
            understanding=answer.understanding,
            marks=found_marks,
            traceless=is_command(answer.understanding, CommandKind.FORGET),
        )
        at_once = self.outbox.is_free(key, lane)
        order = self.outbox.next_order()
        return [Item(key, None, order, lane, answer.reply, reference, waiting.begun, marked_sending=at_once)]

    async def _turn(self, message: Message, session: Session, lane: Lane, channel: str) -> Answer:
        """The answer; without the model where that takes too long."""
        if self._model_hangs_since is None:
            future = self._engine.submit(lane, partial(self._assistant.answer, message, session, channel))
            waited = asyncio.ensure_future(asyncio.wrap_future(future))
            while not (await asyncio.wait({waited}, timeout=MODEL_PATIENCE))[0]:
                if lane is Lane.ORDINARY and self._engine.at_work < MODEL_PATIENCE:
                    continue  # it waits its turn among many; the model is well
                if not future.cancel() and self._model_hangs_since is None:
                    self._model_hangs_since = time.monotonic()
                    alarm("model hangs")
                    future.add_done_callback(self._model_is_back)
                break
            else:
                return waited.result()
        spare = self._spare.submit(lane, partial(self._assistant.answer_without_model, message, session, channel))
        return await asyncio.wrap_future(spare)

    def _model_is_back(self, _: object) -> None:
        self._model_hangs_since = None

    def _message(self, heard: Heard, session: Session) -> Message:
        """The message; the language of the person's app counts only until they have written in one."""
        code = (heard.language or "").partition("-")[0]
        hint = code if session.profile.language is None and code in self._assistant.library.words else None
        # In a group others read along and could tap: what is left for the editors is between one person and the bot.
        return Message(heard.text, heard.at or datetime.now(UTC), Profile(language=hint), can_keep=not heard.is_group)

    def _reply_again(self, reference: Reference) -> ClearedReply:
        if reference.understanding is None:
            return self._assistant.last_resort(reference.profile)
        return self._assistant.again(reference.understanding, reference.session)

    async def _send_last_resort(self, key: str, waiting: Waiting) -> None:
        """What goes out where an answer failed in a way that nobody foresaw."""
        profile = Profile()
        reference = Reference(waiting.heard.chat, waiting.heard.thread, None, profile, Session(), None)
        item = Item(
            key,
            None,
            self.outbox.next_order(),
            Lane.EMERGENCY,
            self._assistant.last_resort(profile),
            reference,
            waiting.begun,
            True,
            sent=waiting.sent,
        )
        self.outbox.add(item)
        if waiting.row is not None:
            await self._erase(waiting.row)

    def _lately_in(self, key: str) -> _Lately:
        """What is remembered of a chat's last messages, for as long as there is room."""
        lately = self._lately.setdefault(key, _Lately())
        self._lately.move_to_end(key)
        while len(self._lately) > REMEMBERED:
            self._lately.popitem(last=False)
        return lately

    # ---- the store, which may be away

    async def _recall(self, person: str, key: str, waiting: Waiting) -> Session | None:
        """The session of a talk; None where the store is away: help does not wait for a database."""
        heard, known = waiting.heard, waiting.recalled
        if not self._store.is_there:
            return None
        old = self._moved_from.get(heard.chat)
        if known and known.asked > self._lately_in(key).kept and old is None:
            return known.session
        before = self._person(replace(heard, chat=old)) if old is not None else None

        def recall(db: Connection) -> Session:
            session = self._sessions.recall(db, person)
            return self._sessions.recall(db, before) if before and session == Session() else session

        try:
            return await self._store.run(recall, HASTE if waiting.lane is Lane.EMERGENCY else PATIENCE)
        except StoreError:
            return None

    async def _keep(
        self, person: str, waiting: Waiting, answer: Answer, items: Sequence[Item], forgotten: bool
    ) -> bool:
        """
        In one transaction: the session after the turn, a question that was left, the message erased, the reply kept
        until it is sent.

        Where the store is away the reply goes out all the same, at once in danger, else after some patience.

        Args:
            forgotten: the session before the turn could not be recalled; what it told is not lost by that.

        Returns:
            Whether the reply is ours to send: not where another process looks after the chat by now.
        """
        replies = [Outgoing(i.lane, REFERENCE.dump_json(i.reference), i.marked_sending) for i in items]
        rows = [waiting.row] if waiting.row is not None else []
        key = items[0].key if items else person
        chat = self._key(waiting.heard.chat)

        def remember(db: Connection) -> None:
            session = answer.session
            if forgotten and session:
                before = self._sessions.recall(db, person)
                session = replace(session, profile=before.profile.told(session.profile))
            self._sessions.remember(db, person, session)
            keep_question(db, answer.reply.language, answer.left)
            if answer.session is None:
                self.mailbox.take_sent(db, key)

        def keep(db: Connection) -> list[int]:
            self.custody.hold(db, chat)
            remember(db)
            return self.mailbox.answered(db, rows, key, replies)

        def keep_late(db: Connection) -> None:
            remember(db)
            self.mailbox.answered(db, rows, key, [])

        async def kept() -> None:
            self._lately_in(chat).kept = time.monotonic()
            try:
                numbers = await self._store.run(keep, STUCK)
            except StoreError:
                if given_up:
                    self._store.tell_later(keep_late)
                raise
            for item, row in zip(items, numbers, strict=True):
                if item.over:  # it was sent from memory meanwhile
                    self._spawn(self._forget_row(row))
                item.row = row

        urgent = waiting.lane is Lane.EMERGENCY or any(item.lane is Lane.EMERGENCY for item in items)
        if waiting.row is None:
            # Answered from memory: another process may look after the chat, so nothing of this is written but its end.
            self._store.tell_later(keep_late)
            return True
        given_up = False
        deadline = time.monotonic() + (HASTE if urgent else STORE_PATIENCE)
        while True:
            keeping = asyncio.get_running_loop().create_task(kept())
            self._watch(keeping)
            await asyncio.wait({keeping}, timeout=max(0.0, deadline - time.monotonic()))
            if not keeping.done():
                given_up = True
                self._store.seems_away()
                return True
            failed = keeping.exception()
            if failed is None or isinstance(failed, LostError):
                return failed is None
            if time.monotonic() + 0.5 >= deadline:
                self._store.tell_later(keep_late)
                return True
            await asyncio.sleep(0.5)

    def _answer_from_memory(self, received: Sequence[Received]) -> list[asyncio.Event] | None:
        """
        Answer what cannot be kept: dangers at once, all else where the store stays away.

        Returns:
            What is set when each is sent; None where some of it is not answered.
        """
        long = self._store.away_for > OUTAGE
        long = long and self.outbox.size < FEW  # what cannot be sent soon would be answered by another process as well
        answering: list[asyncio.Event | None] = []
        for _, heard, one in received:
            name = _identity(one)
            wordless = heard is None or heard.kind not in {Kind.MESSAGE, Kind.EDIT, Kind.TAP}
            new = heard if name not in self._settled and not wordless else None
            if new and (long or self._assistant.sounds_grave(self._message(new, Session()))):
                self._settled[name] = asyncio.Event()
                while len(self._settled) > REMEMBERED:
                    self._settled.popitem(last=False)
                self._queue(new, None, self._settled[name])
            answering.append(self._settled.get(name))
        return [sent for sent in answering if sent] if all(answering) else None

    def _known_again(self, one: Incoming) -> Incoming:
        return Incoming(one.chat, one.marks, one.content, True) if _identity(one) in self._settled else one

    async def _bury(self, raw: Mapping[str, Any], row: int) -> None:
        """A dead letter, and an answer where it can be told who wrote: to the words, if there are any."""
        try:
            read(raw, self.me)
        except PoisonError as error:
            kind, fault = error.kind, error.fault
        else:
            kind, fault = "unknown", "Unknown"
        alarm("dead letter", kind=kind, fault=fault)
        await self._store.tell(lambda db: self.mailbox.bury(db, kind, fault, row))
        chat = chat_of(raw)
        if chat is not None:
            self._queue(Heard(Kind.MESSAGE, chat, chat, words_of(raw)), None)

    async def _erase(self, row: int, more: Callable[[Connection], None] | None = None) -> None:
        def erase(db: Connection) -> None:
            self.mailbox.answered(db, [row], "", [])
            if more:
                more(db)

        await self._store.tell(erase)

    async def _forget_row(self, row: int | None) -> None:
        if row is not None:
            await self._store.tell(lambda db: self.mailbox.sent(db, row, "", None))

    async def _moved(self, old: int, new: int) -> None:
        """A group became a supergroup: its talks and what waits for it go along."""
        old_key, new_key = self._key(old), self._key(new)
        if old != new:
            self._moved_from[new] = old
        while len(self._moved_from) > REMEMBERED:
            self._moved_from.popitem(last=False)
        self.outbox.move(old_key, new_key, new)

        def move(db: Connection) -> None:
            self.custody.seize(db, new_key)
            self.mailbox.move(db, old_key, new_key)

        await self._store.tell(move)

    async def _hide(self, key: str) -> None:
        """Delete what was sent to a chat, as far as Telegram lets us."""
        try:
            known = await self._store.run(lambda db: self.mailbox.take_sent(db, key))
        except StoreError:
            return
        places: dict[int, list[int]] = {}
        for one in known:
            chat, _, message = one.decode().partition("/")
            places.setdefault(int(chat), []).append(int(message))
        for place, ids in places.items():
            for start in range(0, len(ids), HIDDEN_AT_ONCE):
                await self._delete(place, ids[start : start + HIDDEN_AT_ONCE])

    async def _delete(self, chat: int, ids: list[int]) -> None:
        try:
            await asyncio.wait_for(self._sender.bot.delete_messages(chat, ids), 5)
        except Exception as error:  # noqa: BLE001 - what cannot be deleted stays, and the reply says that it may
            count_failure(error, "hide")

    # ---- small things that matter to nobody when they fail

    async def _acknowledge(self, tap: str) -> None:
        try:
            await asyncio.wait_for(self._sender.bot.answer_callback_query(tap), 5)
        except Exception:  # noqa: BLE001 - the button stops blinking by itself
            return

    def _show_typing(self, chat: int) -> None:
        self._spawn(self._typing(chat))

    async def _typing(self, chat: int) -> None:
        if self._typing_in >= TYPING:
            return  # so many wait that the connections are needed for the answers
        self._typing_in += 1
        try:
            await asyncio.wait_for(self._sender.typing(chat), 5)
        except Exception:  # noqa: BLE001 - the answer is on its way
            return
        finally:
            self._typing_in -= 1

    def _key(self, chat: int) -> str:
        return self._sealing.pseudonym(CHANNEL, str(self.me.id), str(chat))

    def _person(self, heard: Heard) -> str:
        """Whose session: in a group each person has one of their own."""
        if heard.is_group:
            return self._sealing.pseudonym(CHANNEL, str(self.me.id), str(heard.chat), str(heard.person))
        return self._key(heard.chat)

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _watch(self, task: asyncio.Task[Any]) -> None:
        """Keep a task that may outlive whoever waits for it; a store that is away has been told of already."""
        self._watched.add(task)
        task.add_done_callback(self._unwatch)

    def _unwatch(self, task: asyncio.Task[Any]) -> None:
        self._watched.discard(task)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, StoreError | LostError):
            count_failure(error, CHANNEL)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            count_failure(error, CHANNEL)


def says_nothing_new(answer: Answer, session: Session) -> bool:
    """Whether the answer to an edited message is the one that was given before."""
    understanding = answer.understanding
    danger = understanding.dangers[0] if understanding and understanding.dangers else None
    return understanding is not None and answer.reply.topic == session.topic and danger == session.danger


def with_draft(session: Session, answer: Answer) -> Session:
    """The session before a turn, with the question that its reply shows: sent again, it must show the same."""
    shown = answer.session.draft if answer.session else None
    return replace(session, draft=shown) if shown else session


def is_command(understanding: Understanding | None, kind: CommandKind) -> bool:
    """Whether a message was this command."""
    return understanding is not None and understanding.command is not None and understanding.command.kind is kind


def _identity(one: Incoming) -> str:
    return next(iter(one.marks))
