"""While the store is away, nothing that Telegram has to tell keeps what comes after it from being heard."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.assistant import Assistant
from bot.channels.delivery import Engine
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.outbox import HASTE
from bot.channels.telegram.pseudonyms import Pseudonyms
from bot.channels.telegram.sending import Sender
from bot.conversation.library import Library
from bot.store.database import Database, ping
from bot.store.mailbox import Mailbox
from bot.store.sealing import Sealing
from tests.telegram.bot_api import BotApi
from tests.telegram.conftest import IDS
from tests.telegram.expected import GRAVE

SEALING = Sealing("a secret key of these tests")
GROUP = -8_000_001


@pytest.fixture
def api() -> Iterator[BotApi]:
    """A Telegram for one test."""
    with BotApi() as api:
        yield api


class Channel:
    """A channel in this process, whose database somebody else can lock."""

    def __init__(self, api: BotApi, library: Library, path: Path, patience: float) -> None:
        self._path = path
        self._sender = Sender(api.token, api.root)
        self.database = Database(f"sqlite:///{path}", patience)
        self.database.upgrade()
        self.telegram = Telegram(
            Assistant(library, {}), SEALING, self.database, self._sender, api.token, Engine("engine")
        )

    async def accept_in_outage(self, *updates: Mapping[str, Any], left: Callable[[Connection], object] = ping) -> None:
        """
        Take updates while the store is away; then it is back, and is told what it missed.

        Args:
            left: what was done in the store before that.
        """
        await self.telegram.recover()
        await self.database.run(left)
        sending = asyncio.create_task(self.telegram.outbox.run())
        with self.locked():
            await self.telegram.accept(updates)
        for _ in range(3):
            await self.telegram.check()
            await asyncio.sleep(0.2)
        sending.cancel()
        await self._sender.close()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else has the database."""
        with closing(sqlite3.connect(self._path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with self.database.engine.connect() as db:
            return int(db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


@pytest.fixture
def channel(api: BotApi, library: Library, tmp_path: Path) -> Iterator[Channel]:
    """A channel for one test."""
    channel = Channel(api, library, tmp_path / "bot.sqlite3", patience=0.1)
    yield channel
    channel.database.close()


def joins(api: BotApi) -> dict[str, Any]:
    """Somebody came into a group: nobody said anything."""
    return api.group(GROUP).message({"new_chat_members": [{"id": 5, "is_bot": False, "first_name": "Aru"}]})


def moves(api: BotApi) -> dict[str, Any]:
    """A group gets another id."""
    return api.group(GROUP).message({"migrate_to_chat_id": GROUP - 1})


@pytest.mark.parametrize(
    "happens",
    [
        joins,
        moves,
        lambda api: api.person(next(IDS)).block(),
        lambda api: api.person(next(IDS)).unblock(),
        lambda _: {"update_id": 1, "poll": {}},
    ],
    ids=["joined", "moved", "blocked", "unblocked", "unreadable"],
)
def test_what_needs_no_answer_does_not_come_again(
    channel: Channel, api: BotApi, happens: Callable[[BotApi], Mapping[str, Any]]
) -> None:
    asyncio.run(channel.accept_in_outage(happens(api)))


def test_who_stops_the_bot_is_waited_for_no_more(channel: Channel, api: BotApi) -> None:
    person = api.person(next(IDS))
    asyncio.run(channel.accept_in_outage(person.say(GRAVE), person.block()))


def test_the_store_hears_later_of_who_stopped_the_bot(channel: Channel, api: BotApi) -> None:
    person, mailbox = api.person(next(IDS)), Mailbox(SEALING)
    chat = Pseudonyms(SEALING, channel.telegram.me.id).of_chat(person.chat_id)

    def left(db: Connection) -> None:
        mailbox.answered(db, [], chat, [mailbox.outgoing(0, b"x", at_once=False)])

    asyncio.run(channel.accept_in_outage(person.block(), left=left))
    assert channel.count("outbox") == 0


def test_who_wrote_what_cannot_be_read_is_answered(channel: Channel, api: BotApi) -> None:
    person = api.person(next(IDS))
    asyncio.run(channel.accept_in_outage(person.say(GRAVE, date=10**18)))
    assert len(api.sent(person.chat_id)) == 1
    assert channel.count("dead_letters") == 1


def test_what_another_process_is_to_answer_is_kept_for_it(
    api: BotApi, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.telegram.channel.KNOWN", 0.2)
    slow = Channel(api, library, tmp_path / "bot.sqlite3", patience=3.0)
    telegram, person = slow.telegram, api.person(next(IDS))

    async def live() -> None:
        await telegram.recover()
        with slow.locked():
            accepting = asyncio.create_task(telegram.accept([person.say(GRAVE)]))
            await asyncio.sleep(HASTE + 0.3)  # it is being answered from memory by now
        assert await accepting == 1
        while not telegram.outbox.size:
            await asyncio.sleep(0.05)
        telegram.drop([Pseudonyms(SEALING, telegram.me.id).of_chat(person.chat_id)])
        await asyncio.sleep(1.0)

    asyncio.run(live())
    assert slow.count("inbox") == 1
    assert telegram.lacking([1]) == {1}
    slow.database.close()
