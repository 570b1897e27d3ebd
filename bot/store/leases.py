"""
Who does what, among several processes on one database.

A lease is a name, its owner and an end by the database's clock. A process that is killed loses its leases by itself;
nobody has to sweep. Only plain statements are used, so it works behind PgBouncer in transaction mode.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, cast, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from bot.store.database import INBOX, LEASES, OUTBOX

LEASE = 25.0
"""Seconds that a lease lasts unless it is renewed."""
RENEWED = 8.0
"""Seconds between two renewals: two may fail before a lease is lost."""
PROCESS = "process/"
"""What the lease of a process's own life is called."""


class Leases:
    """The leases of one process."""

    def __init__(self, owner: str) -> None:
        """`owner` names the process: drawn anew at each start."""
        self.owner = owner

    def claim(self, db: Connection, names: Iterable[str]) -> set[str]:
        """Take what is free, ours, or was left to run out; the names that are ours now."""
        now = clock(db)
        rows = [{"name": name, "owner": self.owner, "until": now + LEASE} for name in sorted(set(names))]
        if not rows:
            return set()
        made: Any = postgresql_insert(LEASES) if db.dialect.name == "postgresql" else sqlite_insert(LEASES)
        ours = made.values(rows).on_conflict_do_update(
            index_elements=["name"],
            set_={"owner": self.owner, "until": now + LEASE},
            where=or_(LEASES.c.owner == self.owner, LEASES.c.until < now),
        )
        return set(db.execute(ours.returning(LEASES.c.name)).scalars())

    def renew(self, db: Connection) -> int:
        """
        Renew all that is ours, the lease of our own life with it.

        Returns:
            How many processes live.
        """
        now = clock(db)
        self.claim(db, [PROCESS + self.owner])
        db.execute(update(LEASES).where(LEASES.c.owner == self.owner).values(until=now + LEASE))
        alive = select(func.count()).select_from(LEASES).where(LEASES.c.name.startswith(PROCESS), LEASES.c.until > now)
        return int(db.execute(alive).scalar_one())

    def release(self, db: Connection, chats: Collection[str]) -> set[str]:
        """
        Give back chats that are done with; those for which something still waits stay ours.

        Returns:
            The chats given back.
        """
        if not chats:
            return set()
        waits = select(INBOX.c.id).where(INBOX.c.chat == LEASES.c.name).exists()
        unsent = select(OUTBOX.c.id).where(OUTBOX.c.chat == LEASES.c.name).exists()
        gone = delete(LEASES).where(LEASES.c.owner == self.owner, LEASES.c.name.in_(chats), ~waits, ~unsent)
        return set(db.execute(gone.returning(LEASES.c.name)).scalars())

    def release_all(self, db: Connection) -> None:
        """Give back everything: the process ends in peace."""
        db.execute(delete(LEASES).where(LEASES.c.owner == self.owner))

    def orphans(self, db: Connection) -> set[str]:
        """Chats for which something waits and that nobody looks after."""
        now = clock(db)
        held = select(LEASES.c.name).where(LEASES.c.until >= now)
        found: set[str] = set()
        for table in (INBOX, OUTBOX):
            found |= set(
                db.execute(select(table.c.chat).where(table.c.chat.not_in(held)).distinct().limit(500)).scalars()
            )
        return found


def clock(db: Connection) -> ColumnElement[float]:
    """The database's clock in seconds; processes on several machines need not agree with each other."""
    if db.dialect.name == "postgresql":
        return cast(func.extract("epoch", func.clock_timestamp()), Float)
    return literal(time.time())


def forget_lost(db: Connection) -> None:
    """Erase leases that ran out long ago."""
    db.execute(delete(LEASES).where(LEASES.c.until < clock(db) - 60 * LEASE))
