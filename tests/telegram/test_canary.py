"""The canary: a question of our own that goes the whole way and reaches nobody."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from prometheus_client import REGISTRY

from bot.assistant import Assistant
from bot.channels.delivery import Engine
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.sending import Sender
from bot.content.loader import find_responses, load
from bot.store.database import Database
from bot.store.sealing import Sealing
from tests.telegram.bot_api import BotApi


def of_people() -> list[float | None]:
    """What is counted of people's messages, and of answers to them."""
    telegram = {"channel": "telegram", "outcome": "message"}
    sent = {"lane": "ordinary", "outcome": "sent"}
    return [
        REGISTRY.get_sample_value("overdose_bot_received_total", telegram),
        REGISTRY.get_sample_value("overdose_bot_sends_total", sent),
        REGISTRY.get_sample_value("overdose_bot_answer_seconds_count", {"lane": "ordinary"}),
    ]


def test_the_canary_comes_back_and_nothing_of_it_is_sent_or_left(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    database.upgrade()
    assistant = Assistant(load(find_responses()).library, {})
    counted = of_people()

    async def live(api: BotApi) -> float:
        telegram = Telegram(
            assistant,
            Sealing("a secret key of this test"),
            database,
            Sender(api.token, api.root),
            api.token,
            Engine("t"),
        )
        await telegram.recover()
        sending = asyncio.create_task(telegram.outbox.run())
        begun = time.monotonic()
        await telegram.sing()
        while telegram.canary.age > time.monotonic() - begun:
            await asyncio.sleep(0.01)
            assert time.monotonic() - begun < 10
        await telegram.sing()
        await asyncio.sleep(1.5)
        sending.cancel()
        return telegram.canary.age

    with BotApi() as api:
        assert asyncio.run(live(api)) < 1.5
        assert not api.calls()
    assert of_people() == counted
    with database.engine.connect() as db:
        for table in ("inbox", "outbox", "sent"):
            assert db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0
    database.close()
