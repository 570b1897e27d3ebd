"""The machine's clock jumps by an hour, and nobody is answered twice, or not at all, for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.telegram.bot_api import BotApi, Fault
from tests.telegram.conftest import Newcomers
from tests.telegram.expected import GRAVE, PLAIN, is_emergency
from tests.telegram.running import RunningBot

LIBRARIES = Path("/usr/lib")
HOUR = 3600


class Clock:
    """The clock of a process that runs with libfaketime: its wall clock alone, as when it is set anew."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        library = next(LIBRARIES.glob("*/faketime/libfaketimeMT.so.1"), None)
        if library is None:
            pytest.skip("the system's package faketime is not installed")
        self.set(0)
        self.around = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: int) -> None:
        """So far ahead of the machine's clock, or behind it."""
        self._file.write_text(f"{seconds:+d}\n", encoding="utf-8")


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    """The clock of the module's bot."""
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
