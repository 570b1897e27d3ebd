"""Several processes on one PostgreSQL, Telegram posting to each in turn: one answer, in order, whoever dies."""

from __future__ import annotations

import itertools
import math
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bot.channels.telegram.from_memory import OUTAGE
from bot.channels.telegram.receiving import PATH
from bot.store.leases import LEASE
from tests.postgres import new_database
from tests.telegram.bot_api import BotApi, Fault
from tests.telegram.conftest import IDS
from tests.telegram.door import Door
from tests.telegram.expected import GRAVE, PLAIN, TOPICS, is_emergency, is_marked, unmarked_doubles
from tests.telegram.people import Person
from tests.telegram.running import RunningBot

COUNT = 3
TAKEN_OVER = 32.0
"""Seconds after which the chats of a process that was killed go on: its leases, and a look for what they leave."""


@pytest.fixture
def api() -> Iterator[BotApi]:
    """A Telegram for one test."""
    with BotApi() as api:
        yield api


@contextmanager
def running(api: BotApi, folder: Path) -> Iterator[Sequence[RunningBot]]:
    """Three processes on one database, posted to in turn."""
    with new_database() as url, ExitStack() as all_of_them:
        shared = {"telegram_mode": "webhook", "database_url": url, "secret_key": secrets.token_urlsafe(32)}
        bots = [all_of_them.enter_context(RunningBot(api, folder / str(n), **shared)) for n in range(COUNT)]
        api.route_webhook(*(bot.root + PATH for bot in bots))
        yield bots
        assert not any(bot.events("failure") for bot in bots), [bot.events("failure") for bot in bots]


@pytest.fixture(scope="module")
def standing(telegram: BotApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[RunningBot]]:
    """Three processes for all tests that leave them as they are."""
    with running(telegram, tmp_path_factory.mktemp("standing")) as bots:
        yield bots


@pytest.fixture
def replicas(api: BotApi, tmp_path: Path) -> Iterator[Sequence[RunningBot]]:
    """Three processes that a test may kill."""
    with running(api, tmp_path) as bots:
        yield bots


def people(api: BotApi, count: int) -> list[Person]:
    """Who have not written before."""
    return [api.person(next(IDS)) for _ in range(count)]


def test_each_chat_is_answered_once_and_in_order(telegram: BotApi, standing: Sequence[RunningBot]) -> None:
    crowd = people(telegram, 40)
    for topic in TOPICS[:3]:
        for person in crowd:
            person.say(f"/answer {topic}")
    telegram.wait_for(lambda: all(len(telegram.sent(person.chat_id)) == 3 for person in crowd), 40)
    telegram.wait_for_quiet(1.0)
    assert {tuple(sent.text for sent in telegram.sent(person.chat_id)) for person in crowd} == {
        tuple(sent.text for sent in telegram.sent(crowd[0].chat_id))
    }
    assert len({sent.text for sent in telegram.sent(crowd[0].chat_id)}) == 3
    assert all(bot.metric("overdose_bot_sends_total") > 0 for bot in standing)


def test_what_one_process_was_told_the_others_know(telegram: BotApi, standing: Sequence[RunningBot]) -> None:
    [person], before = people(telegram, 1), len(telegram.posts)
    for number, text in enumerate(("/country KZ", "/language ru", "что такое налоксон")):
        person.say(text)
        telegram.wait_for(lambda wanted=number + 1: len(telegram.sent(person.chat_id)) == wanted)  # type: ignore[misc]
    assert "Казахстан" in telegram.sent(person.chat_id)[-1].text
    assert len({post.url for post in telegram.posts[before:]}) == COUNT


def test_when_one_is_killed_its_chats_go_on_and_the_others_notice_nothing(
    api: BotApi, replicas: Sequence[RunningBot]
) -> None:
    api.slow("sendMessage", 0.1, 0.4)
    before, after = people(api, 60), people(api, 60)
    for number, person in enumerate(before):
        person.say(GRAVE if number % 5 == 0 else PLAIN)
        time.sleep(0.02)
    victim = replicas[0]
    doubtful = sum(call.ended is None or call.ended > time.monotonic() - 0.5 for call in api.calls("sendMessage"))
    victim.kill()
    died = time.monotonic()
    for number, person in enumerate(after):
        person.say(GRAVE if number % 5 == 0 else PLAIN)
        time.sleep(0.05)
    api.wait_for(lambda: all(api.sent(person.chat_id) for person in after))
    api.wait_for(lambda: all(api.sent(person.chat_id) for person in before), TAKEN_OVER + 10)
    late = [sent.at for person in before if (sent := api.sent(person.chat_id)[0]).at > died + LEASE]
    assert all(api.sent(person.chat_id)[0].at < min(late, default=math.inf) for person in after)
    api.wait_for_quiet(2.5)
    chats = [person.chat_id for person in (*before, *after)]
    assert unmarked_doubles(api, chats) == 0
    assert sum(len(api.sent(chat)) - 1 for chat in chats) <= doubtful


def test_who_is_stopped_in_peace_leaves_its_chats_at_once(api: BotApi, replicas: Sequence[RunningBot]) -> None:
    crowd = people(api, 60)
    for person in crowd:
        person.say(PLAIN)
    assert replicas[0].stop() <= 15
    ended = time.monotonic()
    api.wait_for(lambda: all(api.sent(person.chat_id) for person in crowd))
    assert max(api.sent(person.chat_id)[0].at for person in crowd) < ended + LEASE  # nobody waited for it to run out
    api.wait_for_quiet(1.0)
    assert all(len(api.sent(person.chat_id)) == 1 for person in crowd)


def test_an_update_posted_to_all_at_once_is_answered_once(telegram: BotApi, standing: Sequence[RunningBot]) -> None:
    crowd = people(telegram, 12)
    for person in crowd:
        update = person.say(PLAIN)
        for bot in standing:
            telegram.post(update, bot.root + PATH)
    telegram.wait_for(lambda: all(telegram.sent(person.chat_id) for person in crowd))
    telegram.wait_for_quiet(1.0)
    assert all(len(telegram.sent(person.chat_id)) == 1 for person in crowd)


def test_a_crowd_is_answered_once_each(telegram: BotApi, standing: Sequence[RunningBot]) -> None:
    crowd = people(telegram, 150)
    for number, person in enumerate(crowd):
        person.say(GRAVE if number % 20 == 0 else PLAIN)
    telegram.wait_for(lambda: all(telegram.sent(person.chat_id) for person in crowd), 60)
    telegram.wait_for_quiet(1.0)
    assert all(len(telegram.sent(person.chat_id)) == 1 for person in crowd)


def test_when_telegram_stops_one_all_of_them_wait(telegram: BotApi, standing: Sequence[RunningBot]) -> None:
    telegram.fault("sendMessage", Fault.too_many(6, everywhere=True))
    first, later = people(telegram, 6), people(telegram, 6)
    for person in first:
        person.say(PLAIN)
    telegram.wait_for(lambda: len(telegram.calls("sendMessage", status=429)) >= 2)
    time.sleep(1.5)
    calls = len(telegram.calls("sendMessage"))
    for person in later:
        person.say(PLAIN)
    time.sleep(2)
    assert len(telegram.calls("sendMessage")) == calls
    telegram.wait_for(lambda: all(telegram.sent(person.chat_id) for person in (*first, *later)))


def test_while_one_is_cut_off_what_one_person_asks_is_answered_in_order(api: BotApi, tmp_path: Path) -> None:
    with new_database() as url, Door(url) as door:
        shared = {"telegram_mode": "webhook", "secret_key": secrets.token_urlsafe(32)}
        with (
            RunningBot(api, tmp_path / "whole", database_url=url, **shared) as whole,
            RunningBot(api, tmp_path / "cut", database_url=door.url, **shared) as cut,
        ):
            door.shut()
            cut.wait_until(lambda: not cut.condition()[1]["store"])
            time.sleep(OUTAGE + 1.0)  # from then on it answers from memory
            api.route_webhook(whole.root + PATH, cut.root + PATH)
            crowd = people(api, 6)
            for person in crowd:
                for topic in TOPICS[:3]:
                    person.say(f"/answer {topic}")
            api.wait_for(lambda: all(len(api.sent(person.chat_id)) == 3 for person in crowd), 30)
            assert cut.metric("overdose_bot_sends_total") > 0
            door.open()
            cut.wait_until(lambda: cut.condition()[0] == 200)
    titles = {tuple(sent.text.partition("\n")[0] for sent in api.sent(person.chat_id)) for person in crowd}
    assert len(titles) == 1, titles


def test_of_several_that_poll_one_does_and_when_it_dies_another(api: BotApi, tmp_path: Path) -> None:
    with new_database() as url, ExitStack() as all_of_them:
        shared = {"database_url": url, "secret_key": secrets.token_urlsafe(32)}
        bots = [all_of_them.enter_context(RunningBot(api, tmp_path / str(n), **shared)) for n in range(2)]
        [person] = people(api, 1)
        for number in itertools.count():
            person.say(f"/answer {TOPICS[number % 2]}")
            api.wait_for(lambda wanted=number + 1: len(api.sent(person.chat_id)) == wanted)  # type: ignore[misc]
            if number == 3:
                break
        assert not any(bot.events("another process polls") for bot in bots)
        leader = next(bot for bot in bots if bot.metric("overdose_bot_received_total", channel="telegram") > 0)
        leader.kill()
        person.say(GRAVE)
        api.wait_for(lambda: is_emergency(api.sent(person.chat_id)[-1]), TAKEN_OVER)
        assert not is_marked(api.sent(person.chat_id)[-1])


def test_of_several_that_start_at_once_one_upgrades_the_database(api: BotApi, tmp_path: Path) -> None:
    with new_database() as url, ExitStack() as all_of_them:
        shared = {"telegram_mode": "webhook", "database_url": url, "secret_key": secrets.token_urlsafe(32)}
        bots = [RunningBot(api, tmp_path / str(n), **shared) for n in range(COUNT)]
        for bot in bots:
            all_of_them.enter_context(bot.begin())
        for bot in bots:
            bot.wait_until(lambda bot=bot: bot.condition()[0] == 200, 40)  # type: ignore[misc]
        assert not any(bot.events("store away") for bot in bots)
