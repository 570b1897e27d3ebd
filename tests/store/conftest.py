"""Both kinds of database, real and empty."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from bot.store.database import Database
from bot.store.sealing import Sealing
from tests.postgres import postgres_url


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
    server, name = postgres_url(), f"test_{secrets.token_hex(6)}"
    admin = create_engine(server.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT")
    with admin.connect() as db:
        db.execute(text(f"CREATE DATABASE {name}"))
    base, _, options = server.partition("?")
    yield base.rsplit("/", 1)[0] + f"/{name}" + (f"?{options}" if options else "")
    with admin.connect() as db:
        db.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A database brought to the newest revision."""
    database = Database(url)
    database.upgrade()
    yield database
    database.close()
