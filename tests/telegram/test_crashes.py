"""The process is killed, stopped and started again, and nothing that was accepted is lost or doubled in silence."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.telegram.bot_api import BotApi, Fault
from tests.telegram.conftest import IDS
from tests.telegram.expected import GRAVE, PLAIN, is_marked, unmarked_doubles
from tests.telegram.people import Person
from tests.telegram.running import RunningBot


@pytest.fixture
def api() -> Iterator[BotApi]:
    """A Telegram for one test."""
    with BotApi() as api:
        yield api


def writing(api: BotApi, count: int, per_second: float) -> Iterator[Person]:
    """People who write one message each, every fifth of a danger, at a steady pace."""
    begun = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
        person = api.person(next(IDS))
        person.say(GRAVE if number % 5 == 0 else PLAIN)
        yield person


def in_flight(api: BotApi) -> int:
    """Sends of which the process may not know how they end, should it die now."""
    now = time.monotonic()
    return sum(call.ended is None or call.ended > now - 0.5 for call in api.calls("sendMessage"))


def test_killed_again_and_again_it_loses_nothing_and_marks_what_it_repeats(api: BotApi, folder: Path) -> None:
    api.slow("sendMessage", 0.05, 0.3)
    people: list[Person] = []
    doubtful = 0
    with RunningBot(api, folder) as bot:
        for _ in range(3):
            people += writing(api, 60, 60)
            doubtful += in_flight(api)
            bot.kill()
            people += writing(api, 10, 100)
            bot.start()
        api.wait_for(lambda: all(api.sent(person.chat_id) for person in people))
        api.wait_for_quiet(2.5)
    chats = [person.chat_id for person in people]
    assert unmarked_doubles(api, chats) == 0
    assert sum(len(api.sent(chat)) - 1 for chat in chats) <= doubtful


def test_what_is_delivered_again_after_a_crash_is_not_answered_twice(api: BotApi, folder: Path) -> None:
    with RunningBot(api, folder) as bot:
        people = list(itertools.islice(writing(api, 20, 200), 20))
        api.wait_for(lambda: not api.waiting)
        api.wait_for_quiet(0.5)
        updates = [{"update_id": 1000 + n, "message": p.chat.messages[1]} for n, p in enumerate(people)]
        bot.kill()
        for update in updates:
            api.again(update)
        bot.start()
        time.sleep(1.5)
    assert all(len(api.sent(person.chat_id)) == 1 for person in people)


def test_told_to_end_it_ends_soon_and_loses_and_doubles_nothing(api: BotApi, folder: Path) -> None:
    api.slow("sendMessage", 0.05, 0.4)
    with RunningBot(api, folder) as bot:
        people = list(writing(api, 80, 60))
        assert bot.stop() <= 15
        people += writing(api, 10, 100)
        bot.start()
        api.wait_for(lambda: all(api.sent(person.chat_id) for person in people))
        api.wait_for_quiet(1.5)
    assert all(len(api.sent(person.chat_id)) == 1 for person in people)
    assert not any(is_marked(sent) for sent in api.sent())


def test_told_to_end_amid_sends_that_hang_it_ends_all_the_same(api: BotApi, folder: Path) -> None:
    person = api.person(next(IDS))
    with RunningBot(api, folder) as bot:
        api.fault("sendMessage", Fault.hang(60))
        person.say(GRAVE)
        api.wait_for(lambda: api.calls("sendMessage"))
        assert bot.stop() <= 15
        bot.start()
        api.wait_for(lambda: len(api.sent(person.chat_id)) == 2)
    assert is_marked(api.sent(person.chat_id)[1])


def test_it_comes_up_without_telegram_and_goes_on_when_that_is_there(api: BotApi, folder: Path) -> None:
    person = api.person(next(IDS))
    api.offline()
    with RunningBot(api, folder).start(ready=False) as bot:
        time.sleep(3)
        assert bot.lives()
        api.online()
        person.say(PLAIN)
        api.wait_for(lambda: api.sent(person.chat_id))
        api.wait_for(lambda: api.about_bot("name"))
