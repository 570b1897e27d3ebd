"""
Many messages: dangers first, nobody waits for somebody else's flood, and nothing grows without end.

What is told here is who is answered before whom; how soon, the commands of `tests/load` measure.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from tests.telegram.bot_api import BotApi, Limits
from tests.telegram.conftest import IDS, Newcomers
from tests.telegram.expected import GRAVE, GRAVES, PLAIN, TOPICS, is_emergency, is_marked
from tests.telegram.people import Person
from tests.telegram.running import RunningBot


def places(api: BotApi, people: list[Person]) -> list[int]:
    """The places that the first answers of these people had among all that was sent, in order."""
    return sorted(api.sent(person.chat_id)[0].order for person in people)


def test_of_a_backlog_dangers_are_answered_first_and_old_ones_are_called_old(tmp_path: Path) -> None:
    with BotApi() as api:
        ago = int(time.time()) - 7200
        people = [api.person(next(IDS)) for _ in range(150)]
        graves = [api.person(next(IDS)) for _ in range(10)]
        for person in people:
            person.say(PLAIN, date=ago)
        for person, text in zip(graves, itertools.cycle(GRAVES), strict=False):
            person.say(text, date=ago)
        with RunningBot(api, tmp_path).start(ready=False):
            api.wait_for(lambda: all(api.sent(person.chat_id) for person in [*people, *graves]), 40)
        assert all(is_marked(sent, "late") for sent in api.sent())
        last = max(api.sent(person.chat_id)[0].order for person in graves)
        assert last < len(graves) + 60  # what was sent before the second hundred of updates was there
        assert len(api.sent()) == 160


def test_of_many_messages_at_once_the_danger_is_answered_and_the_rest_in_part(
    bot: RunningBot, newcomer: Newcomers
) -> None:
    person = newcomer()
    bot.api.limit(Limits())
    for number, topic in zip(range(20), itertools.cycle(TOPICS), strict=False):
        person.say(GRAVE if number == 6 else f"/answer {topic}")
        time.sleep(0.1)
    bot.api.wait_for(lambda: any(is_emergency(sent) for sent in bot.api.sent(person.chat_id)))
    bot.api.wait_for_quiet(2.5)
    sent = bot.api.sent(person.chat_id)
    assert any(is_emergency(one) for one in sent[:3])
    assert 3 <= len(sent) <= 9
    assert sum(is_marked(one, "many") for one in sent) == 1
    assert all(later.at - sooner.at >= 0.95 for sooner, later in itertools.pairwise(sent))


def test_a_flood_of_one_is_not_felt_by_others(bot: RunningBot, newcomer: Newcomers) -> None:
    flooder, others = newcomer(), []
    before = bot.memory()
    for number, topic in zip(range(300), itertools.cycle(TOPICS), strict=False):
        flooder.say(f"/answer {topic}")
        if number % 15 == 0:
            others.append(newcomer())
            others[-1].say(PLAIN)
        time.sleep(0.02)
    bot.api.wait_for(lambda: all(bot.api.sent(person.chat_id) for person in others))
    assert len(bot.api.sent(flooder.chat_id)) < len(others)  # each of them came before what the flood still waits for
    bot.api.wait_for_quiet(2.5)
    assert sum(is_marked(sent, "many") for sent in bot.api.sent(flooder.chat_id)) == 1
    assert bot.memory() - before < 60


def test_a_steady_stream_stays_within_what_telegram_allows(bot: RunningBot, newcomer: Newcomers) -> None:
    bot.api.limit(Limits())
    over = bot.api.over_the_limits
    people = [newcomer() for _ in range(120)]
    begun = time.monotonic()
    for number, person in enumerate(people):
        time.sleep(max(0.0, begun + number / 20 - time.monotonic()))
        person.say(PLAIN)
    bot.api.wait_for(lambda: all(bot.api.sent(person.chat_id) for person in people))
    assert bot.api.over_the_limits == over


def test_dangers_do_not_wait_behind_a_backlog(tmp_path: Path) -> None:
    with BotApi() as api, RunningBot(api, tmp_path):  # one whose pace nothing has raised before
        api.limit(Limits())
        people = [api.person(next(IDS)) for _ in range(250)]
        for person in people:
            person.say(PLAIN)
        graves = [api.person(next(IDS)) for _ in range(10)]
        for person, text in zip(graves, itertools.cycle(GRAVES), strict=False):
            person.say(text)
            time.sleep(0.3)
        api.wait_for(lambda: all(api.sent(person.chat_id) for person in [*people, *graves]), 60)
        assert places(api, graves)[-1] < places(api, people)[-100]
        assert api.over_the_limits == 0


@pytest.fixture
def crowd(bot: RunningBot, newcomer: Newcomers) -> list[Person]:
    """Many who write at the same moment, every twentieth of a danger."""
    return [newcomer() for _ in range(400)]


def test_a_crowd_is_answered_dangers_first_and_leaves_nothing_behind(bot: RunningBot, crowd: list[Person]) -> None:
    memory, files = bot.memory(), bot.files()
    for number, person in enumerate(crowd):
        person.say(GRAVE if number % 20 == 0 else PLAIN)
    bot.api.wait_for(lambda: all(bot.api.sent(person.chat_id) for person in crowd), 60)
    assert places(bot.api, crowd[::20])[-1] < places(bot.api, crowd)[-200]
    assert len(bot.api.sent(crowd[0].chat_id)) == 1
    assert bot.memory() - memory < 120
    assert bot.files() - files < 140  # connections that are kept for a while
