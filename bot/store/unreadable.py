"""What waits and cannot be opened with the present key: another one sealed it."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bot.store.database import INBOX, OUTBOX
from bot.store.sealing import SealError, Sealing


def count_unreadable(db: Connection, sealing: Sealing) -> int:
    """How many rows of the inbox and the outbox the next start would drop as dead letters."""
    waiting = ((purpose, db.execute(select(table.c.sealed)).scalars()) for purpose, table in PURPOSES.items())
    return sum(not _opens(sealing, purpose, sealed) for purpose, rows in waiting for sealed in rows)


PURPOSES = {"inbox": INBOX, "outbox": OUTBOX}


def _opens(sealing: Sealing, purpose: str, sealed: bytes) -> bool:
    try:
        sealing.open(purpose, sealed)
    except SealError:
        return False
    return True
