"""Answering: each chat's messages one after another, a danger first; chats do not wait for each other."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.assistant import Answer, Assistant
from bot.channels.delivery import Engine, Lane
from bot.channels.telegram.background import Background
from bot.channels.telegram.canary import counted_as
from bot.channels.telegram.courtesies import Courtesies
from bot.channels.telegram.outbox import AT_MOST, Item, Outbox, Reference, lane_of
from bot.channels.telegram.pseudonyms import CHANNEL, Pseudonyms
from bot.channels.telegram.sending import Sender
from bot.channels.telegram.turns import Recalled, Turns, Waiting, put_last
from bot.channels.telegram.updates import Heard, Kind
from bot.telemetry import alarm, count_failure
from bot.vocabulary import CommandKind, Message, Profile, Session, Understanding

OLD = timedelta(minutes=10)
"""A message that waited longer is answered with a line that says so."""
SLOW = 1.0
"""Seconds after which "typing" is shown."""
MODEL_PATIENCE = 2.0
"""Seconds that the model may take; then signals and tables answer alone."""
CROWDED = 1.0
"""Seconds that an ordinary answer waits at most while many updates wait to be kept."""
PLACES = 16
"""Ordinary messages that are answered at one moment: more would only keep dangers, and what arrives, waiting."""
OCCUPIED = 0.5
"""Seconds after which a place is given to the next, though the store has not kept the answer yet."""
TOLD_AGAIN = 60.0
"""Seconds after which a chat is told anew that it writes too much at once."""


@dataclass
class _Talk:
    waiting: deque[Waiting] = field(default_factory=deque)


@dataclass
class _Lately:
    """Of a chat: the newest message answered, and when it was told that it writes too much."""

    newest: int = 0
    told_many: float = float("-inf")


class Answering:
    """Takes turns: what was said in a chat -> a reply that is kept, and handed to the outbox."""

    def __init__(
        self,
        assistant: Assistant,
        engine: Engine,
        sender: Sender,
        outbox: Outbox,
        turns: Turns,
        names: Pseudonyms,
        background: Background,
        courtesies: Courtesies,
        calm: asyncio.Event,
        erase_once_sent: Callable[[int, str, asyncio.Event], None],
    ) -> None:
        """
        Nothing waits.

        Args:
            calm: set while few updates wait to be kept.
            erase_once_sent: has a row of the inbox, of a chat, erased when the event is set, and not begun with again
                until then.
        """
        self._assistant = assistant
        self._engine = engine
        self._spare = Engine("engine-without-model")
        self._model_hangs_since: float | None = None
        self._sender = sender
        self._outbox = outbox
        self._turns = turns
        self._names = names
        self._background = background
        self._courtesies = courtesies
        self._calm = calm
        self._erase_once_sent = erase_once_sent
        self._places = asyncio.Semaphore(PLACES)
        self._talks: dict[str, _Talk] = {}
        self._lately: OrderedDict[str, _Lately] = OrderedDict()
        self._ending = False

    # ---- what waits

    @property
    def size(self) -> int:
        """How many messages wait for an answer."""
        return sum(len(talk.waiting) for talk in self._talks.values())

    @property
    def oldest(self) -> float:
        """Seconds that the oldest unanswered message has waited."""
        begun = [waiting.begun for talk in self._talks.values() for waiting in talk.waiting]
        return time.monotonic() - min(begun) if begun else 0.0

    @property
    def rows(self) -> set[int | None]:
        """The rows of the inbox that wait."""
        return {one.row for talk in self._talks.values() for one in talk.waiting}

    def is_idle(self, key: str) -> bool:
        """Whether nothing waits in a chat."""
        return key not in self._talks

    def find(self, key: str, sent: asyncio.Event) -> Waiting | None:
        """What waits in a chat and sets `sent` when its answer has arrived."""
        talk = self._talks.get(key)
        return next((waiting for waiting in talk.waiting if waiting.sent is sent), None) if talk else None

    def sounds_grave(self, heard: Heard) -> bool:
        """Whether the words alone tell of a danger."""
        return self._assistant.sounds_grave(self._message(heard, Session()))

    def add(
        self,
        heard: Heard,
        row: int | None,
        sent: asyncio.Event | None = None,
        recalled: Recalled | None = None,
    ) -> None:
        """Put a message before its chat's other ones where it sounds grave, else behind them."""
        lane = Lane.EMERGENCY if self.sounds_grave(heard) else Lane.ORDINARY
        key = self._names.of_chat(heard.chat)
        self._courtesies.acknowledge(heard)
        talk = self._talks.get(key)
        starts = talk is None
        if talk is None:
            talk = self._talks[key] = _Talk()
        talk.waiting.append(Waiting(heard, row, time.monotonic(), lane, sent, recalled))
        if starts:
            self._background.spawn(self._answer_chat(key, talk))

    def drop(self, key: str) -> None:
        """Answer nothing of what waits in a chat."""
        if key in self._talks:
            self._talks[key].waiting.clear()

    def close_chat(self, key: str) -> None:
        """What waits in a chat can never be answered: whoever waits for it need not wait on."""
        for waiting in self._talks[key].waiting if key in self._talks else ():
            if waiting.sent:
                waiting.sent.set()
        self.drop(key)

    def end(self) -> None:
        """Begin with dangers alone from now on; the rest waits in the store."""
        self._ending = True

    def close(self) -> None:
        """Nothing is answered any more."""
        self._spare.close()

    # ---- one after another

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
                    self._send_last_resort(key, waiting)
                if waiting in talk.waiting:
                    talk.waiting.remove(waiting)
        finally:
            if self._talks.get(key) is talk:
                del self._talks[key]

    async def _answer(self, key: str, waiting: Waiting, talk: _Talk) -> None:
        heard = waiting.heard
        typing = asyncio.get_running_loop().call_later(
            max(0.0, waiting.begun + SLOW - time.monotonic()), self._courtesies.show_typing, heard.chat
        )
        try:
            async with self._place(waiting.lane):
                items, hides = await self._take_turn(key, waiting, talk)
            if items is None or waiting.taken_back:
                return
            if hides:
                self._courtesies.delete(await self._turns.take_sent(key))
            for item in items:
                item.sent = waiting.sent
                self._outbox.add(item)
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
        person = self._names.of_person(heard)
        recalled = await self._turns.recall(person, key, waiting)
        session = recalled or Session()
        answer = await self._turn(self._message(heard, session), session, waiting.lane, counted_as(heard.chat))
        again = heard.kind is Kind.EDIT and says_nothing_new(answer, session)
        items = [] if again else self._items(key, heard, waiting, session, answer, talk)
        ours = await self._turns.keep(person, waiting, answer, items, forgotten=recalled is None)
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
                await asyncio.wait_for(self._calm.wait(), CROWDED)
            asyncio.get_running_loop().call_later(OCCUPIED, leave)
            yield
        finally:
            leave()

    def _items(
        self, key: str, heard: Heard, waiting: Waiting, session: Session, answer: Answer, talk: _Talk
    ) -> list[Item]:
        """The reply as it is to be sent; none where the same one waits already. A flood is answered in part."""
        lane, lately = lane_of(answer.understanding), self._lately_in(key)
        others = [item for item in self._outbox.waiting(key) if item.lane is lane]
        if any(item.reply == answer.reply for item in others):
            return []
        is_old = heard.kind is Kind.MESSAGE and heard.at and self._sender.clock.now() - heard.at > OLD
        found_marks = ("late",) if is_old else ()
        if lane is Lane.ORDINARY and len(others) >= AT_MOST:
            last = max(others, key=lambda item: item.order)
            self._outbox.withdraw(last)
            last.end()
            self._background.spawn(self._turns.forget_reply(last.row))
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
        at_once = self._outbox.is_free(key, lane)
        order = self._outbox.next_order()
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

    def _send_last_resort(self, key: str, waiting: Waiting) -> None:
        """What goes out where an answer failed in a way that nobody foresaw."""
        profile, sent = Profile(), waiting.sent or asyncio.Event()
        reference = Reference(waiting.heard.chat, waiting.heard.thread, None, profile, Session(), None)
        item = Item(
            key,
            None,
            self._outbox.next_order(),
            Lane.EMERGENCY,
            self._assistant.last_resort(profile),
            reference,
            waiting.begun,
            True,
            sent=sent,
        )
        self._outbox.add(item)
        if waiting.row is not None:
            self._erase_once_sent(waiting.row, key, sent)

    def _lately_in(self, key: str) -> _Lately:
        """What is remembered of a chat's last messages, for as long as there is room."""
        lately = self._lately.get(key) or _Lately()
        put_last(self._lately, key, lately)
        return lately


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
