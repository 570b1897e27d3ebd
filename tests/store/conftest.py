"""Both kinds of database, real and empty."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.database import Database
from bot.store.sealing import Sealing
from tests.postgres import new_database


@pytest.fixture
def sealing() -> Sealing:
    """Keys of a secret drawn for the test."""
    return Sealing(secrets.token_urlsafe(32))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store' / 'bot.sqlite3'}"
        return
    with new_database() as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A database brought to the newest revision."""
    database = Database(url)
    database.upgrade()
    yield database
    database.close()
