"""What a store missed while it was away it is told once it is back: all of it, once, and nobody waits for that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text

from bot.channels.telegram.background import Background
from bot.channels.telegram.patient_store import PatientStore
from bot.store.database import DEAD_LETTERS, Database, ping
from bot.store.errors import StoreError
from tests.postgres import new_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of each kind, empty and up to date."""
    if request.param == "sqlite":
        yield from opened(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
        return
    with new_database() as url:
        yield from opened(url)


def opened(url: str) -> Iterator[Database]:
    """A database, until it is not needed any more."""
    database = Database(url)
    database.upgrade()
    yield database
    database.close()


def writes(name: str, seconds: float, db: Connection) -> None:
    """A piece of work that leaves a row and takes its time."""
    db.execute(insert(DEAD_LETTERS), {"kind": name, "fault": "", "at": 0.0})
    time.sleep(seconds)


def fails(db: Connection) -> None:
    """A piece of work that no store can do."""
    db.execute(text("SELECT nothing FROM nowhere"))


def written(database: Database) -> list[str]:
    """What pieces of work have left, in order."""
    kinds = select(DEAD_LETTERS.c.kind).order_by(DEAD_LETTERS.c.id)
    return database.run_now(lambda db: list(db.execute(kinds).scalars()))


def in_a_store(database: Database, talk: Callable[[PatientStore], Awaitable[None]]) -> None:
    """Let something be told to a store, and wait until all of it has been."""

    async def whole() -> None:
        background = Background("test")
        store = PatientStore(database, background)
        await talk(store)
        for _ in range(5):
            await store.run(ping)
            await background.finish(20)

    asyncio.run(whole())


def test_work_that_always_fails_keeps_none_of_the_rest_back_and_is_given_up(database: Database) -> None:
    names, tried = [str(number) for number in range(120)], 0

    def fails_and_counts(db: Connection) -> None:
        nonlocal tried
        tried += 1
        fails(db)

    async def talk(store: PatientStore) -> None:
        for name in names:
            store.tell_later(partial(writes, name, 0.0))
            if name == "60":
                store.tell_later(fails_and_counts)
        await store.run(ping)

    in_a_store(database, talk)
    assert written(database) == names
    assert tried <= 6  # three times in a batch with others, and as often by itself


def test_what_is_new_has_its_turn_while_the_store_is_told_what_it_missed(database: Database) -> None:
    names = [str(number) for number in range(200)]

    async def talk(store: PatientStore) -> None:
        for name in names:
            store.tell_later(partial(writes, name, 0.01))
        for _ in range(3):
            await store.run(ping, patience=1.5)
        assert len(await store.run(lambda db: db.execute(select(DEAD_LETTERS.c.id)).all())) < len(names)

    in_a_store(database, talk)
    assert written(database) == names


def test_a_store_that_is_back_is_caught_up_once_it_was_told_what_it_missed(database: Database) -> None:
    async def talk(store: PatientStore) -> None:
        assert store.is_caught_up
        store.tell_later(partial(writes, "missed", 0.0))
        assert not store.is_caught_up
        await store.run(ping)
        while not store.is_caught_up:
            await asyncio.sleep(0.01)

    in_a_store(database, talk)
    assert written(database) == ["missed"]


def test_what_the_store_is_still_at_is_not_done_again(database: Database) -> None:
    async def talk(store: PatientStore) -> None:
        await store.tell(partial(writes, "slow", 0.5), patience=0.1)

    in_a_store(database, talk)
    assert written(database) == ["slow"]


def test_what_was_still_under_way_and_failed_is_done_later(database: Database) -> None:
    tried = 0

    def fails_at_first(db: Connection) -> None:
        nonlocal tried
        tried += 1
        writes("late", 0.3, db)
        if tried == 1:
            fails(db)

    async def talk(store: PatientStore) -> None:
        await store.tell(fails_at_first, patience=0.1)
        with suppress(StoreError):
            await store.run(ping)

    in_a_store(database, talk)
    assert written(database) == ["late"]
