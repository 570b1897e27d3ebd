"""A copy is put back, or the key is changed, under the running bot: what waits is answered, or dropped without a crash."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.doctor import examine
from bot.settings import Settings
from bot.store.database import DEAD_LETTERS, Database
from bot.store.mailbox import Incoming, Mailbox, count_waiting
from bot.store.sealing import Sealing
from tests.postgres import dump, new_database, restore
from tests.telegram.bot_api import BotApi, Fault
from tests.telegram.conftest import IDS
from tests.telegram.expected import PLAIN, is_marked
from tests.telegram.people import Person
from tests.telegram.running import RunningBot

LEFT = 40
"""Seconds until the chats of a process that another database knew as alive are taken over."""


@dataclass(frozen=True)
class Kind:
    """A kind of database: where it is, how a copy is taken while it is written, and how that is put in its place."""

    url: str
    copy: Callable[[], object]
    put_back: Callable[[], str]


@pytest.fixture
def api() -> Iterator[BotApi]:
    """A Telegram for one test."""
    with BotApi() as api:
        yield api


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    """Both kinds of database."""
    path, copied = tmp_path / "data" / "bot.sqlite3", tmp_path / "copy"

    def copy() -> None:
        with closing(sqlite3.connect(path)) as whole, closing(sqlite3.connect(copied)) as to:
            whole.backup(to)

    def put_back() -> str:
        assert [one.name for one in path.parent.glob("*.sqlite3*")] == [path.name]  # nothing of the old one lies beside
        copied.replace(path)
        return f"sqlite:///{path}"

    with ExitStack() as databases:
        if request.param == "sqlite":
            yield Kind(f"sqlite:///{path}", copy, put_back)
            return
        url, empty = (databases.enter_context(new_database()) for _ in range(2))

        def restored() -> str:
            restore(copied, empty)
            return empty

        yield Kind(url, lambda: dump(url, copied), restored)


def two_wait(bot: RunningBot, url: str) -> Person:
    """Somebody of whose two answers the first is being sent, to no end, and the second waits for it."""
    person = bot.api.person(next(IDS))
    bot.api.fault("sendMessage", Fault.hang(60, executed=False), times=None, chat=person.chat_id)
    person.say(PLAIN)
    bot.api.wait_for(lambda: bot.api.calls("sendMessage"))
    person.say("/answer overdose-signs")
    with closing(Database(url)) as database:
        bot.wait_until(lambda: database.run_now(count_waiting) == (0, 2))
    return person


def one_is_unanswered(api: BotApi, url: str, secret: str) -> Person:
    """Somebody whose message of an hour ago was accepted, and no more."""
    person, sealing = api.person(next(IDS)), Sealing(secret)
    chat = sealing.pseudonym("telegram", api.token.partition(":")[0], str(person.chat_id))
    said = {"message_id": 1, "date": int(time.time()) - 3600, "chat": {"id": person.chat_id, "type": "private"}}
    update = {
        "update_id": 1,
        "message": {**said, "from": {"id": person.chat_id, "is_bot": False, "first_name": "Alex"}, "text": PLAIN},
    }
    with closing(Database(url)) as database:
        letter = Incoming(chat, {"a mark": None}, json.dumps(update).encode())
        database.run_now(lambda db: Mailbox(sealing).put(db, [letter]))
    return person


def test_what_waited_in_a_copy_is_answered_and_sent_once_it_is_put_back(api: BotApi, folder: Path, kind: Kind) -> None:
    secret = secrets.token_urlsafe(32)
    with RunningBot(api, folder, database_url=kind.url, secret_key=secret) as bot:
        sent_to = two_wait(bot, kind.url)
        kind.copy()
        bot.stop()
        api.heal()
        bot.settings["database_url"] = kind.put_back()
        asked = one_is_unanswered(api, bot.settings["database_url"], secret)
        bot.start()
        api.wait_for(lambda: len(api.sent(sent_to.chat_id)) == 2 and api.sent(asked.chat_id), LEFT)
        time.sleep(2.5)  # another would have come by now; the sends that hang are never over
    doubtful, certain = api.sent(sent_to.chat_id)
    assert is_marked(doubtful)  # it was being sent when the copy was taken
    assert not is_marked(certain)
    [late] = api.sent(asked.chat_id)
    assert is_marked(late, "late")


def test_what_waits_under_an_earlier_key_is_dropped_and_everybody_is_answered_anew(
    api: BotApi, folder: Path, kind: Kind
) -> None:
    earlier, later = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with RunningBot(api, folder, database_url=kind.url, secret_key=earlier) as bot:
        sent_to = two_wait(bot, kind.url)
        sent_to_before = len(api.sent(sent_to.chat_id))
        bot.stop()
        api.heal()
        asked = one_is_unanswered(api, kind.url, earlier)
        assert said_by_the_doctor(kind.url, earlier) == {
            "mailbox": "1 messages wait for an answer, 2 replies to be sent"
        }
        assert said_by_the_doctor(kind.url, later)["sealed"].startswith("3 of what waits")
        bot.settings["secret_key"] = later
        bot.start()
        for person in (sent_to, asked):
            person.say("/answer naloxone-get")
        with closing(Database(kind.url)) as database:
            bot.wait_until(lambda: database.run_now(count_waiting) == (0, 0), LEFT)
            buried = database.run_now(
                lambda db: db.execute(select(func.count()).select_from(DEAD_LETTERS)).scalar_one()
            )
        api.wait_for(lambda: api.sent(sent_to.chat_id) and api.sent(asked.chat_id), LEFT)
        time.sleep(2.5)  # another would have come by now; the sends that hang are never over
        assert buried == 3
        assert sent_to_before == 0
        assert [len(api.sent(person.chat_id)) for person in (sent_to, asked)] == [1, 1]
        assert bot.condition()[0] == 200


def said_by_the_doctor(url: str, secret: str) -> dict[str, str]:
    """What the doctor says of what waits."""
    settings = Settings(_env_file=None, database_url=url, secret_key=secret)
    return {found.what: found.found for found in examine(settings) if found.what in {"mailbox", "sealed"}}
