"""What the tests of the running bot share: a Telegram, a process, and people who have not written before."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.telegram.bot_api import BotApi
from tests.telegram.people import Person
from tests.telegram.running import RunningBot

IDS = itertools.count(7_000_001)

Newcomers = Callable[[], Person]


@pytest.fixture(scope="module")
def telegram() -> Iterator[BotApi]:
    """A Telegram for all tests of a module."""
    with BotApi() as telegram:
        yield telegram


@pytest.fixture(scope="module")
def polling(telegram: BotApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    """A bot that polls, for all tests of a module."""
    with RunningBot(telegram, tmp_path_factory.mktemp("data")) as bot:
        yield bot


@pytest.fixture
def bot(polling: RunningBot) -> Iterator[RunningBot]:
    """The bot of the module, with nothing going wrong but what the test wants; it must have lived through it."""
    polling.api.heal()
    polling.api.limit(None)
    yield polling
    polling.api.heal()
    polling.api.limit(None)
    assert polling.alive, polling.tail()
    polling.wait_until(lambda: polling.condition()[0] == 200)


@pytest.fixture
def newcomer(bot: RunningBot) -> Newcomers:
    """Makes people who have not written before."""
    return lambda: bot.api.person(next(IDS))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the data of one test's bot lie."""
    return tmp_path / "data"
