"""What the store is told of turns, where it is told of some of them late; and what is known of them meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from bot.assistant import Answer, Assistant
from bot.channels.delivery import Engine, Lane
from bot.channels.telegram import started, turns
from bot.channels.telegram.background import Background
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.outbox import Item, Reference
from bot.channels.telegram.patient_store import PatientStore
from bot.channels.telegram.pseudonyms import Pseudonyms
from bot.channels.telegram.sending import Sender
from bot.channels.telegram.turns import Turns, Waiting
from bot.channels.telegram.updates import Heard, Kind
from bot.conversation.library import Library
from bot.store.database import Database, ping
from bot.store.errors import StoreError
from bot.store.mailbox import Incoming, Mailbox
from bot.store.sealing import Sealing
from bot.store.sessions import Sessions
from bot.vocabulary import Profile, Session
from tests.telegram.bot_api import BotApi

T = TypeVar("T")
SEALING = Sealing("a secret key of these tests")
HEARD = Heard(Kind.MESSAGE, 5, 5, "words")
TOLD = Session(Profile("en", "KZ"), topic="detox")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An embedded database, empty and up to date."""
    database = Database(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    database.upgrade()
    yield database
    database.close()


def in_turns(database: Database, talk: Callable[[Turns], Awaitable[None]]) -> None:
    """Let turns be told to a store."""

    async def whole() -> None:
        background = Background("test")
        store, names = PatientStore(database, background), Pseudonyms(SEALING, 1)
        await talk(Turns(store, Mailbox(SEALING), Sessions(SEALING), names, background, lambda *_: None))
        for _ in range(3):
            await store.run(ping)
            await background.finish(5)

    asyncio.run(whole())


def recalled(database: Database, heard: Heard = HEARD) -> Session:
    """What is remembered of a talk."""
    person = Pseudonyms(SEALING, 1).of_person(heard)
    return database.run_now(lambda db: Sessions(SEALING).recall(db, person))


def kept(database: Database) -> int | None:
    """The row of a message that was accepted."""
    return database.run_now(lambda db: Mailbox(SEALING).put(db, [Incoming("chat", {"mark": None}, b"x")]))[0]


def count(database: Database, table: str) -> int:
    """How many rows a table has."""
    return database.run_now(lambda db: rows(db, table))


def rows(db: Connection, table: str) -> int:
    """The same, within a transaction."""
    return int(db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def test_who_asked_to_be_forgotten_is_not_remembered_by_a_turn_that_is_told_late(
    database: Database, library: Library
) -> None:
    assistant, person = Assistant(library, {}), Pseudonyms(SEALING, 1).of_person(HEARD)
    row = kept(database)

    async def talk(turns: Turns) -> None:
        reply = assistant.last_resort(Profile())
        from_memory = Waiting(HEARD, None, time.monotonic(), Lane.ORDINARY)
        assert await turns.keep(person, from_memory, Answer(reply, TOLD, None), [], forgotten=True)
        forget = Waiting(HEARD, row, time.monotonic(), Lane.ORDINARY)
        assert await turns.keep(person, forget, Answer(reply, None, None), [], forgotten=False)

    in_turns(database, talk)
    assert recalled(database) == Session()


def test_who_asked_to_be_forgotten_is_not_remembered_by_the_group_that_was_before(
    database: Database, library: Library
) -> None:
    moved = replace(HEARD, chat=-100)
    assistant, names = Assistant(library, {}), Pseudonyms(SEALING, 1)
    old, new = names.of_person(HEARD), names.of_person(moved)
    database.run_now(lambda db: Sessions(SEALING).remember(db, old, TOLD))
    row = kept(database)

    async def talk(turns: Turns) -> None:
        turns.follow(HEARD.chat, moved.chat)
        waiting = Waiting(moved, row, time.monotonic(), Lane.ORDINARY)
        assert await turns.recall(new, names.of_chat(moved.chat), waiting) == TOLD
        answer = Answer(assistant.last_resort(Profile()), None, None)
        assert await turns.keep(new, waiting, answer, [], forgotten=False)
        assert await turns.recall(new, names.of_chat(moved.chat), waiting) == Session()

    in_turns(database, talk)
    assert recalled(database) == Session()


class Unheard(Database):
    """A database that does what it is given, of which nobody hears at first."""

    is_heard = False

    async def run(self, work: Callable[[Connection], T], timeout: float | None = 5.0) -> T:
        """Do it, and say nothing of it."""
        done = await super().run(work, timeout)
        if not self.is_heard:
            raise StoreError("connection lost")
        return done


def test_a_reply_that_was_kept_unheard_and_went_out_from_memory_does_not_stay_to_be_sent(
    database: Database, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "STORE_PATIENCE", 0.1)
    unheard, names = Unheard(database.url), Pseudonyms(SEALING, 1)
    reply = Assistant(library, {}).last_resort(Profile())
    reference = Reference(HEARD.chat, None, None, Profile(), Session(), None)
    item = Item(names.of_chat(HEARD.chat), None, 0, Lane.ORDINARY, reply, reference, time.monotonic())
    waiting = Waiting(HEARD, kept(database), time.monotonic(), Lane.ORDINARY)

    async def talk(turns: Turns) -> None:
        person = names.of_person(HEARD)
        assert await turns.keep(person, waiting, Answer(reply, TOLD, None), [item], forgotten=False)
        unheard.is_heard = True

    in_turns(unheard, talk)
    unheard.close()
    assert recalled(database) == TOLD
    assert count(database, "outbox") == 0


@pytest.fixture
def in_channel(database: Database, library: Library) -> Iterator[Callable[[Callable[[Telegram, BotApi], Any]], None]]:
    """Lets something happen to a channel that has taken up what was left, and sends nothing."""
    with BotApi() as api:

        async def whole(happens: Callable[[Telegram, BotApi], Any]) -> None:
            sender = Sender(api.token, api.root)
            telegram = Telegram(Assistant(library, {}), SEALING, database, sender, api.token, Engine("t"))
            await telegram.recover()
            async with asyncio.timeout(10):
                await happens(telegram, api)
            await sender.close()

        yield lambda happens: asyncio.run(whole(happens))


def test_who_wrote_what_cannot_be_read_is_known_until_the_answer_is_kept(
    database: Database, in_channel: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    bury = Mailbox.bury

    def buried(mailbox: Mailbox, db: Connection, *rest: Any) -> None:
        bury(mailbox, db, *rest)
        left.append(rows(db, "inbox") + rows(db, "outbox"))

    async def happens(telegram: Telegram, api: BotApi) -> None:
        await telegram.accept([api.person(5).say("words", date=10**18)])
        while not telegram.outbox.size:
            await asyncio.sleep(0.05)

    monkeypatch.setattr(Mailbox, "bury", buried)
    in_channel(happens)
    assert left == [1]
    assert (count(database, "inbox"), count(database, "outbox")) == (0, 1)


def test_a_message_whose_answer_failed_is_known_until_the_last_resort_has_arrived(
    database: Database, in_channel: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: object, **__: object) -> None:
        raise RuntimeError

    async def happens(telegram: Telegram, api: BotApi) -> None:
        await telegram.accept([api.person(5).say("words")])
        while not telegram.outbox.size:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        assert count(database, "inbox") == 1
        sending = asyncio.create_task(telegram.outbox.run())
        while count(database, "inbox"):
            await asyncio.sleep(0.05)
        sending.cancel()
        assert len(api.sent(5)) == 1

    monkeypatch.setattr(Turns, "recall", failing)
    in_channel(happens)


def test_what_was_started_on_is_known_until_a_store_that_was_away_was_told_of_it(
    database: Database, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(started, "KNOWN", 0.05)
    nothing = {"update_id": 1, "poll": {}}

    async def live(api: BotApi) -> None:
        telegram = Telegram(
            Assistant(library, {}), SEALING, database, Sender(api.token, api.root), api.token, Engine("t")
        )
        await telegram.recover()
        await telegram.accept([nothing])
        row = 1
        assert not telegram.lacking([row])
        await asyncio.sleep(0.5)
        telegram._store._heard = float("-inf")  # as where it is locked
        telegram._store.seems_away()
        telegram.idle([])
        assert not telegram.lacking([row])
        await telegram.check()
        await asyncio.sleep(0.2)
        telegram.idle([])
        assert telegram.lacking([row]) == {row}

    with BotApi() as api:
        asyncio.run(live(api))
