"""What runs beside the channels."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bot import serve
from bot.assistant import Assistant
from bot.channels.delivery import Engine
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.sending import Sender
from bot.conversation.library import Library
from bot.serve import Served, tend_store
from bot.store.database import Database
from bot.store.errors import StoreError
from bot.store.retention import AT_ONCE
from bot.store.sealing import Sealing


@pytest.fixture
def served(library: Library, tmp_path: Path) -> Iterator[Served]:
    """A store, with nothing on it."""
    database = Database(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    yield Served(Assistant(library, {}), database)
    database.close()


def test_who_starts_while_the_store_is_away_takes_no_other_process_for_dead(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[bool] = []

    def fail(_: Database) -> None:
        raise StoreError("away")

    async def live() -> None:
        sender = Sender("1:x", "http://127.0.0.1:1")
        sealing = Sealing("a secret key of this test")
        served.telegram = Telegram(served.assistant, sealing, served.database, sender, "1:x", Engine("engine"))
        monkeypatch.setattr(served.telegram.custody, "note_away", lambda: noted.append(True))
        tending = asyncio.create_task(tend_store(served))
        await asyncio.sleep(0.5)
        tending.cancel()
        await sender.close()

    monkeypatch.setattr(Database, "upgrade", fail)
    asyncio.run(live())
    assert noted


@pytest.mark.parametrize(
    ("found", "looks"),
    [
        ((0,), 1),
        ((AT_ONCE, AT_ONCE, 7), 3),  # as long as there may be more
        ((AT_ONCE, StoreError("away")), 2),  # then not at once again: it may be this that the store cannot do
    ],
)
def test_what_has_had_its_time_is_forgotten_some_of_it_at_a_time(
    served: Served, monkeypatch: pytest.MonkeyPatch, found: tuple[int | StoreError, ...], looks: int
) -> None:
    looked: list[int | StoreError] = []

    def forget(_: Connection) -> int:
        looked.append(found[len(looked) % len(found)])
        if isinstance(looked[-1], StoreError):
            raise looked[-1]
        return looked[-1]

    async def live() -> None:
        tending = asyncio.create_task(tend_store(served))
        await asyncio.sleep(1.0)
        tending.cancel()

    monkeypatch.setattr(serve, "TICK", 0.01)
    monkeypatch.setattr(serve, "forget_old", forget)
    asyncio.run(live())
    assert len(looked) == looks
