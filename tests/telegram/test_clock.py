"""The machine's clock jumps by an hour, and nobody is answered twice, or not at all, for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.channels.telegram.requests import ServerClock
from tests.telegram.bot_api import BotApi, Fault
from tests.telegram.clock import FAKETIME, Clock
from tests.telegram.conftest import Newcomers
from tests.telegram.expected import GRAVE, PLAIN, is_emergency, is_marked
from tests.telegram.running import RunningBot

HOUR = 3600


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    """The clock of the module's bot."""
    if FAKETIME is None:
        pytest.skip("the system's package faketime is not installed")
    return Clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def polling(telegram: BotApi, clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    """A bot whose clock can be set."""
    bot = RunningBot(telegram, tmp_path_factory.mktemp("data"))
    bot.around = clock.around
    with bot:
        yield bot


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_clock_that_jumps_holds_up_nobody(jump: int, bot: RunningBot, clock: Clock, newcomer: Newcomers) -> None:
    clock.set(0)
    before, after, grave = newcomer(), newcomer(), newcomer()
    first = before.say(PLAIN)
    bot.api.wait_for(lambda: bot.api.sent(before.chat_id))
    bot.api.fault("sendMessage", Fault.too_many(2), chat=after.chat_id)
    after.say(PLAIN)
    clock.set(jump)
    grave.say(GRAVE)
    bot.api.wait_for(lambda: bot.api.sent(after.chat_id) and bot.api.sent(grave.chat_id))
    assert is_emergency(bot.api.sent(grave.chat_id)[0])
    assert bot.api.sends_while_limited() == 0
    bot.api.again(first)
    after.say("/answer overdose-signs")
    bot.api.wait_for(lambda: len(bot.api.sent(after.chat_id)) == 2)
    time.sleep(0.3)
    assert len(bot.api.sent(before.chat_id)) == 1


def test_a_button_that_is_pressed_again_after_a_minute_is_answered_again(
    bot: RunningBot, clock: Clock, newcomer: Newcomers
) -> None:
    clock.set(0)
    person = newcomer()
    person.tap("/answer overdose-signs", 3)
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    clock.set(60)
    person.tap("/answer overdose-signs", 3)
    bot.api.wait_for(lambda: len(bot.api.sent(person.chat_id)) == 2)


def test_with_a_clock_an_hour_ahead_no_answer_is_said_to_be_late(
    bot: RunningBot, clock: Clock, newcomer: Newcomers
) -> None:
    clock.set(HOUR)
    person = newcomer()
    person.say(PLAIN)
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    assert not is_marked(bot.api.sent(person.chat_id)[0], "late")


@pytest.mark.parametrize("date", [None, "", "noon", "Thu, 26 Nov 2026 20:00:00 -0000", "Thu, 99 Nov 2026 20:00:00 GMT"])
def test_an_answer_without_a_date_leaves_the_clock_as_it_was(date: str | None) -> None:
    clock = ServerClock()
    clock.heard("Thu, 26 Nov 2026 20:00:00 GMT")
    ahead = clock.now() - datetime.now(UTC)
    clock.heard(date)
    assert abs(clock.now() - datetime.now(UTC) - ahead) < timedelta(seconds=1)
