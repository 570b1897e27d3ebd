"""The tables, the engine, one writer that commits in batches, and `db upgrade`."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    insert,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from bot.store.errors import StoreError, UnderWayError

T = TypeVar("T")
METADATA = MetaData()
NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""An identity: SQLite numbers rows by itself only where the key is INTEGER, and then gives numbers again."""

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("chat", String(32), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", Float, nullable=False, index=True),
)
INBOX = Table(
    "inbox",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("chat", String(32), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_autoincrement=True,
)
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("chat", String(32), nullable=False, index=True),
    Column("lane", SmallInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_autoincrement=True,
)
SEEN = Table(
    "seen",
    METADATA,
    Column("mark", String(32), primary_key=True),
    Column("at", Float, nullable=False, index=True),
)
SENT = Table(
    "sent",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("chat", String(32), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", Float, nullable=False, index=True),
)
DEAD_LETTERS = Table(
    "dead_letters",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("kind", String(64), nullable=False),
    Column("fault", String(64), nullable=False),
    Column("at", Float, nullable=False, index=True),
)
LEASES = Table(
    "leases",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("owner", String(32), nullable=False, index=True),
    Column("until", Float, nullable=False),
)
QUESTIONS = Table(
    "questions",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("language", String(8), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Float, nullable=False, index=True),
)

UPGRADING = 0x6F6462
"""The advisory lock that an upgrade holds (PostgreSQL)."""
BATCH = 64
"""Pieces of work in one commit at most."""


class Database:
    """
    One database, one writer.

    A thread of its own runs what `run` is given, in the order of the calls, up to 64 pieces in one transaction:
    a commit that reaches the disk costs some milliseconds, and is shared (SQLite has one writer at a time anyhow).
    """

    def __init__(self, url: str, patience: float = 3.0) -> None:
        """
        Prepare; nothing is connected yet.

        Args:
            url: `sqlite:///PATH` or `postgresql://...`.
            patience: seconds that a lock or a connection is waited for.
        """
        self.url = url
        self.embedded = url.startswith("sqlite")
        self.engine = _engine(url, patience)
        self._work: SimpleQueue[tuple[Callable[[Connection], Any], Future[Any]] | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="store-writer", daemon=True)
        self._writer.start()

    async def run(self, work: Callable[[Connection], T], timeout: float | None = 5.0) -> T:
        """
        Run a piece of work in a transaction of the writer, and wait until it is committed.

        Args:
            timeout: seconds that it is waited for; None until it has ended.

        Raises:
            UnderWayError: it was begun and has not ended within `timeout` seconds.
            StoreError: it could not be done, or was not begun in time and never will be.
        """
        future: Future[T] = Future()
        self._work.put((work, future))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), timeout)
        except TimeoutError as error:
            raise (StoreError("no answer in time") if future.cancel() else UnderWayError(future)) from error

    async def run_beside(self, work: Callable[[Connection], T]) -> T:
        """
        Run a piece of work in a transaction of its own, past all that waits for the writer; for a shared database.

        Raises:
            StoreError: it could not be done.
        """
        try:
            return await asyncio.to_thread(self._beside, work)
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(type(error).__name__) from error

    def _beside(self, work: Callable[[Connection], T]) -> T:
        with self.engine.begin() as db:
            return work(db)

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """
        Run a piece of work from a program that has no event loop.

        Raises:
            StoreError: it could not be done.
        """
        future: Future[T] = Future()
        self._work.put((work, future))
        return future.result()

    def close(self) -> None:
        """Finish what was handed in, then close."""
        self._work.put(None)
        self._writer.join(10)
        self.engine.dispose()

    def _write(self) -> None:
        """The writer."""
        while (first := self._work.get()) is not None:
            batch, last = [first], False
            while len(batch) < BATCH:
                try:
                    more = self._work.get_nowait()
                except Empty:
                    break
                if more is None:
                    last = True
                    break
                batch.append(more)
            self._commit([(work, future) for work, future in batch if future.set_running_or_notify_cancel()])
            if last:
                return

    def _commit(self, batch: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
        """
        One transaction for them all, in which one's failure is not another's.

        A connection that turns out to be dead is replaced once: every piece of work bears being done twice.
        """
        for attempt in range(2):
            try:
                results = self._transaction([work for work, _ in batch])
            except (SQLAlchemyError, OSError) as error:
                dead = isinstance(error, DBAPIError) and error.connection_invalidated
                if dead and attempt == 0:
                    continue
                for _, future in batch:
                    future.set_exception(StoreError(type(error).__name__))
                return
            for (_, future), (result, failure) in zip(batch, results, strict=True):
                if failure:
                    future.set_exception(failure)
                else:
                    future.set_result(result)
            return

    def _transaction(self, works: list[Callable[[Connection], Any]]) -> list[tuple[Any, Exception | None]]:
        """
        What each piece of work gave, or how it failed.

        Savepoints keep one's failure from the others but cost two questions more to the database for each, so they are
        only used where the first attempt, without them, met a failure.
        """
        try:
            with self.engine.begin() as db:
                return [(work(db), None) for work in works]
        except Exception as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            if len(works) == 1:
                if isinstance(error, SQLAlchemyError | OSError):
                    raise
                return [(None, error)]
        results: list[tuple[Any, Exception | None]] = []
        with self.engine.begin() as db:
            for work in works:
                try:
                    with db.begin_nested():
                        results.append((work(db), None))
                except (SQLAlchemyError, OSError) as error:
                    if isinstance(error, DBAPIError) and error.connection_invalidated:
                        raise
                    results.append((None, StoreError(type(error).__name__)))
                except Exception as error:  # noqa: BLE001 - it belongs to whoever handed in the work
                    results.append((None, error))
        return results

    def upgrade(self, revision: str = "head") -> None:
        """
        Bring the database to a revision, the newest by default; older ones are gone back to.

        One that a newer program has brought further stays as it is: migrations leave it usable for the version before.

        Raises:
            StoreError: it could not be reached or changed, or there is no such revision.
        """
        try:
            with self.engine.connect() as db:
                if not self.embedded:  # of several processes that start at once, one changes it and the others wait
                    db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADING})")
                config = _alembic(db)
                script = ScriptDirectory.from_config(config)
                present = MigrationContext.configure(db).get_current_revision()
                known = [found.revision for found in script.walk_revisions()]  # newest first
                target = script.get_current_head() if revision == "head" else revision
                older = present in known and target in known and known.index(target) > known.index(present)
                if revision == "base" or older:
                    command.downgrade(config, revision)
                elif present == target or (revision == "head" and present not in {None, *known}):
                    return
                else:
                    command.upgrade(config, revision)
                db.commit()
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(type(error).__name__) from error
        except CommandError as error:
            raise StoreError(str(error)) from error

    def revision(self) -> tuple[str | None, str | None]:
        """
        The database's revision, and the newest there is.

        Raises:
            StoreError: it could not be reached.
        """
        try:
            with self.engine.connect() as db:
                head = ScriptDirectory.from_config(_alembic(db)).get_current_head()
                return MigrationContext.configure(db).get_current_revision(), head
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(type(error).__name__) from error


def ping(db: Connection) -> None:
    """Fails where the database takes no writes; that its disk is full it does not tell, for nothing is written."""
    db.execute(text("DELETE FROM seen WHERE mark = ''"))


def try_writing(db: Connection) -> None:
    """Fails where the database cannot be written, its full disk included: a row is written, and gone again."""
    mark = secrets.token_hex(8)
    db.execute(insert(SEEN).values(mark=mark, at=0.0))
    db.execute(delete(SEEN).where(SEEN.c.mark == mark))


def find_migrations() -> Path:
    """The folder of migrations: beside the package in a checkout, inside it once installed."""
    package = Path(__file__).parent.parent
    inside, beside = package / "migrations", package.parent / "migrations"
    return inside if inside.is_dir() else beside


def _alembic(db: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(find_migrations()).replace("%", "%%"))
    config.attributes["connection"] = db
    return config


def _engine(url: str, patience: float) -> Engine:
    """The engine of an address, with what each kind of database needs."""
    if not url.startswith("sqlite"):
        address = url.replace("postgresql://", "postgresql+psycopg://", 1)
        # No prepared statements and no startup options: both break behind PgBouncer in transaction mode.
        arguments = {
            "connect_timeout": max(2, int(patience)),
            "prepare_threshold": None,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 8000,
            "application_name": "overdose-bot",
        }
        engine = create_engine(address, pool_size=2, max_overflow=2, pool_timeout=patience, connect_args=arguments)
        event.listen(engine, "begin", _limit_statements)
        return engine
    path = Path(url.removeprefix("sqlite:///"))
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=2,
        pool_timeout=patience,
        connect_args={"timeout": patience, "isolation_level": None, "check_same_thread": False},
    )
    event.listen(engine, "do_connect", lambda *_: _owned(path))
    event.listen(engine, "connect", _pragmas)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _owned(path: Path) -> None:
    """An embedded database is made readable by its owner only; SQLite gives the same rights to what it puts beside."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _pragmas(raw: Any, _: Any) -> None:
    cursor = raw.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # An update is acknowledged after the commit, so the commit must reach the disk.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute("PRAGMA journal_size_limit=4194304")
    cursor.close()


def _begin_immediate(db: Connection) -> None:
    # A transaction that reads and then writes is refused at once, whatever the timeout, where another wrote between.
    db.exec_driver_sql("BEGIN IMMEDIATE")


def _limit_statements(db: Connection) -> None:
    db.exec_driver_sql("SET LOCAL statement_timeout = '4s'; SET LOCAL lock_timeout = '2s'")
