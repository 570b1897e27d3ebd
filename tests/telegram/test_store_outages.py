"""The store is away, locked or full: dangers are answered all the same, and nothing is lost or doubled by it."""

from __future__ import annotations

import resource
import secrets
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.postgres import Disk, Server, new_database, set_full, use_log
from tests.telegram.bot_api import BotApi, Fault
from tests.telegram.conftest import IDS
from tests.telegram.door import Door
from tests.telegram.expected import GRAVE, GRAVES, PLAIN, TOPICS, is_emergency, is_marked
from tests.telegram.network import Network
from tests.telegram.people import Person
from tests.telegram.running import RunningBot
from tests.telegram.world import Sent

SOON = 5.0
"""Seconds within which who writes of a danger is answered while the store is away."""
LONG = 11.0
"""Seconds of an outage after which ordinary messages too are answered from memory."""


@pytest.fixture
def api() -> Iterator[BotApi]:
    """A Telegram for one test."""
    with BotApi() as api:
        yield api


@pytest.fixture
def door() -> Iterator[Door]:
    """An empty PostgreSQL database behind a door."""
    with new_database() as url, Door(url) as door:
        yield door


def title(sent: Sent) -> str:
    """The first line of an answer."""
    return sent.text.partition("\n")[0]


def nothing_is_lost(bot: RunningBot, away: Callable[[], object], back: Callable[[], object], seconds: float) -> None:
    """
    Let people write before, while and after the store is away.

    While it is, who writes of a danger is answered; once it is back, everybody is, and once.
    """
    api = bot.api
    graves = [api.person(next(IDS)) for _ in range(3)]
    plains = [api.person(next(IDS)) for _ in range(6)]
    known = api.person(next(IDS))
    known.say("/country KZ")
    api.wait_for(lambda: api.sent(known.chat_id))
    api.wait_for_quiet(0.5)
    away()
    begun = time.monotonic()
    for number, person in enumerate(plains):
        person.say(PLAIN)
        if number % 2 == 0:
            graves[number // 2].say(GRAVES[number // 2])
            api.wait_for(lambda who=graves[number // 2]: api.sent(who.chat_id), SOON)  # type: ignore[misc]
    known.say(GRAVE)
    api.wait_for(lambda: len(api.sent(known.chat_id)) == 2)
    bot.wait_until(lambda: not bot.condition()[1]["store"])
    assert bot.events("store away")
    time.sleep(max(0.0, begun + seconds - time.monotonic()))
    back()
    api.wait_for(lambda: all(api.sent(person.chat_id) for person in [*plains, *graves]))
    bot.wait_until(lambda: bot.condition()[0] == 200)
    known.say("signs of an overdose")
    api.wait_for(lambda: len(api.sent(known.chat_id)) == 3)
    api.wait_for_quiet(1.5)
    assert all(len(api.sent(person.chat_id)) == 1 for person in [*plains, *graves])
    assert not any(is_marked(sent) for sent in api.sent())
    assert "Kazakhstan" in api.sent(known.chat_id)[2].text  # what was told before is not forgotten over it


def test_a_database_locked_by_somebody_else(api: BotApi, folder: Path) -> None:
    with RunningBot(api, folder) as bot:
        other = sqlite3.connect(next(folder.rglob("*.sqlite3")), isolation_level=None, check_same_thread=False)
        nothing_is_lost(bot, lambda: other.execute("BEGIN IMMEDIATE"), lambda: other.execute("ROLLBACK"), 10)
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert other.execute("SELECT count(*) FROM inbox").fetchone() == (0,)
        assert other.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
        other.close()


def test_a_danger_that_was_answered_from_memory_is_kept_until_that_has_arrived(api: BotApi, folder: Path) -> None:
    with RunningBot(api, folder) as bot:
        person = api.person(next(IDS))
        api.fault("sendMessage", Fault.hang(30.0), chat=person.chat_id)
        other = sqlite3.connect(next(folder.rglob("*.sqlite3")), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        person.say(GRAVES[0])
        time.sleep(1.4)  # longer than a danger waits for the store, and shorter than it is given to keep it
        other.execute("ROLLBACK")
        api.wait_for(lambda: api.calls("sendMessage", chat=person.chat_id))
        time.sleep(1.0)
        kept = "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM outbox)"
        api.wait_for(lambda: other.execute(kept).fetchone() == (1,), 10)
        bot.kill()
        api.heal()
        bot.begin()
        api.wait_for(lambda: api.sent(person.chat_id), 20)
        other.close()


def test_a_disk_that_is_full(api: BotApi, folder: Path) -> None:
    with RunningBot(api, folder) as bot:
        whole = resource.prlimit(bot.pid, resource.RLIMIT_FSIZE)
        nothing_is_lost(
            bot,
            lambda: resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (1, whole[1])),
            lambda: resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, whole),
            6,
        )
        bot.restart()
        with sqlite3.connect(next(folder.rglob("*.sqlite3"))) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_while_a_disk_is_full_for_long_ordinary_messages_are_answered_too(api: BotApi, folder: Path) -> None:
    with RunningBot(api, folder) as bot:
        whole = resource.prlimit(bot.pid, resource.RLIMIT_FSIZE)
        first, second = api.person(next(IDS)), api.person(next(IDS))
        resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (1, whole[1]))
        first.say(GRAVES[0])
        api.wait_for(lambda: api.sent(first.chat_id), SOON)
        time.sleep(LONG)
        second.say(PLAIN)
        api.wait_for(lambda: api.sent(second.chat_id), LONG)
        resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, whole)
        bot.wait_until(lambda: bot.condition()[0] == 200)
        api.wait_for_quiet(1.5)
        assert [len(api.sent(person.chat_id)) for person in (first, second)] == [1, 1]


def test_while_it_is_away_who_asks_much_at_once_keeps_no_danger_of_others_waiting(api: BotApi, folder: Path) -> None:
    with RunningBot(api, folder) as bot:
        other = sqlite3.connect(next(folder.rglob("*.sqlite3")), isolation_level=None)
        first, much, grave = (api.person(next(IDS)) for _ in range(3))
        other.execute("BEGIN IMMEDIATE")
        first.say(GRAVES[0])
        api.wait_for(lambda: api.sent(first.chat_id), SOON)
        time.sleep(LONG)
        for title in TOPICS[:6]:
            much.say(title)
        time.sleep(6.0)  # by then the first batch of them was too much to be sent in time
        grave.say(GRAVES[1])
        api.wait_for(lambda: api.sent(grave.chat_id), SOON)
        other.execute("ROLLBACK")
        bot.wait_until(lambda: bot.condition()[0] == 200)
        other.close()


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_server_that_is_full(api: BotApi, folder: Path, door: Door, mode: str) -> None:
    settings = {"telegram_mode": mode, "database_url": door.url, "secret_key": secrets.token_urlsafe(32)}
    with RunningBot(api, folder, **settings) as bot:
        nothing_is_lost(bot, lambda: set_full(door.url, True), lambda: set_full(door.url, False), 12)
        if mode == "webhook":
            assert {post.status for post in api.posts} == {200, 503}


@pytest.fixture
def disk() -> Iterator[Disk]:
    """A small file system of its own, where one can be made."""
    with ExitStack() as made:
        try:
            disk = made.enter_context(Disk(160))
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("no file system can be made here")
        yield disk


@pytest.fixture
def network() -> Iterator[Network]:
    """A network of its own, where one can be made."""
    with ExitStack() as made:
        try:
            network = made.enter_context(Network())
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("no network can be made here")
        yield network


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_server_whose_disk_is_full_and_that_ends_itself(api: BotApi, folder: Path, disk: Disk, mode: str) -> None:
    server = Server(disk.path / "data", kept=True)

    def fill() -> None:
        disk.fill()
        use_log(url)
        api.wait_for(lambda: server.head is None, 15)

    def free() -> None:
        disk.free()
        server.begin()

    try:
        with new_database(server) as url:
            settings = {"telegram_mode": mode, "database_url": url, "secret_key": secrets.token_urlsafe(32)}
            with RunningBot(api, folder, **settings) as bot:
                nothing_is_lost(bot, fill, free, 12)
    finally:
        server.end()


def test_a_server_that_fails_and_is_started_again(api: BotApi, folder: Path, tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    with new_database(server) as url:
        settings = {"telegram_mode": "webhook", "database_url": url, "secret_key": secrets.token_urlsafe(32)}
        with RunningBot(api, folder, **settings) as bot:
            nothing_is_lost(bot, server.end, server.begin, 6)


def test_a_network_that_is_cut(api: BotApi, folder: Path, network: Network) -> None:
    with new_database() as url, Door(url, network) as door:
        settings = {"telegram_mode": "webhook", "database_url": door.url, "secret_key": secrets.token_urlsafe(32)}
        with RunningBot(api, folder, **settings) as bot:
            nothing_is_lost(bot, network.cut, network.mend, 12)


@pytest.mark.parametrize(("mode", "how"), [("polling", "shut"), ("webhook", "hang")])
def test_a_server_that_is_away(api: BotApi, folder: Path, door: Door, mode: str, how: str) -> None:
    settings = {"telegram_mode": mode, "database_url": door.url, "secret_key": secrets.token_urlsafe(32)}
    with RunningBot(api, folder, **settings) as bot:
        nothing_is_lost(bot, getattr(door, how), door.open, 12)
        if mode == "webhook":
            assert {post.status for post in api.posts} == {200, 503}


@pytest.mark.parametrize("how", ["hang", "full"])
def test_while_it_is_away_for_long_what_one_person_asks_is_answered_soon_in_order_and_once(
    api: BotApi, folder: Path, door: Door, how: str
) -> None:
    ways: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
        "hang": (door.hang, door.open),
        "full": (partial(set_full, door.url, True), partial(set_full, door.url, False)),
    }
    fail, mend = ways[how]
    settings = {"telegram_mode": "webhook", "database_url": door.url, "secret_key": secrets.token_urlsafe(32)}
    with RunningBot(api, folder, **settings) as bot:
        person = api.person(next(IDS))
        fail()
        for topic in TOPICS[:3]:
            person.say(f"/answer {topic}")
        api.wait_for(lambda: api.sent(person.chat_id), 20)
        api.wait_for(lambda: len(api.sent(person.chat_id)) == 3, 10)
        mend()
        bot.wait_until(lambda: bot.condition()[0] == 200)
        api.wait_for_quiet(2.0)
        sent = api.sent(person.chat_id)
        calm = api.person(next(IDS))
        for topic in TOPICS[:3]:
            calm.say(f"/answer {topic}")
        api.wait_for(lambda: len(api.sent(calm.chat_id)) == 3, 10)
        assert [title(one) for one in sent] == [title(one) for one in api.sent(calm.chat_id)]


def test_a_server_that_is_away_from_the_start(api: BotApi, folder: Path, door: Door) -> None:
    door.shut()
    person, plain = api.person(next(IDS)), api.person(next(IDS))
    settings = {"database_url": door.url, "secret_key": secrets.token_urlsafe(32)}
    with RunningBot(api, folder, **settings).start(ready=False) as bot:
        person.say(GRAVE)
        plain.say(PLAIN)
        api.wait_for(lambda: api.sent(person.chat_id))
        assert is_emergency(api.sent(person.chat_id)[0])
        assert not bot.condition()[1]["store"]
        door.open()
        bot.wait_until(lambda: bot.condition()[0] == 200)
        api.wait_for(lambda: api.sent(plain.chat_id))
        api.wait_for_quiet(1.0)
        assert len(api.sent(person.chat_id)) == 1


def test_a_lock_that_comes_and_goes_under_load(api: BotApi, folder: Path) -> None:
    people: list[Person] = []
    with RunningBot(api, folder) as bot:
        other = sqlite3.connect(next(folder.rglob("*.sqlite3")), isolation_level=None, check_same_thread=False)
        ended = threading.Event()

        def lock_now_and_then() -> None:
            while not ended.wait(0.4):
                other.execute("BEGIN IMMEDIATE")
                time.sleep(1.1)
                other.execute("ROLLBACK")

        thread = threading.Thread(target=lock_now_and_then)
        thread.start()
        for number in range(60):
            people.append(api.person(next(IDS)))
            people[-1].say(GRAVE if number % 4 == 0 else PLAIN)
            time.sleep(0.08)
        ended.set()
        thread.join()
        api.wait_for(lambda: all(api.sent(person.chat_id) for person in people))
        api.wait_for_quiet(1.5)
        assert bot.alive
        assert all(len(api.sent(person.chat_id)) == 1 for person in people)
        assert other.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
        other.close()
