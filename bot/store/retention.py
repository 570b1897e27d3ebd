"""Forget what has had its time."""

from __future__ import annotations

import time
from collections.abc import Mapping

from sqlalchemy import Connection, Table, delete, select

from bot.store.database import DEAD_LETTERS, INBOX, OUTBOX, QUESTIONS, SEEN, SENT, SESSIONS
from bot.store.leases import forget_lost

HOUR = 3600
DAY = 24 * HOUR
KEPT: Mapping[Table, int] = {
    # A talk taken up again the next day goes on; after that it is a new one.
    SESSIONS: 2 * DAY,
    # Telegram repeats an update for 24 hours at most, and lets a bot delete its messages for 48.
    SEEN: 2 * DAY,
    SENT: 2 * DAY,
    # What could not be answered or sent for a day helps nobody.
    INBOX: DAY,
    OUTBOX: DAY,
    DEAD_LETTERS: 30 * DAY,
    QUESTIONS: 365 * DAY,
}
"""Seconds that each kind of row is kept at most."""

AT_ONCE = 5000
"""Rows that are erased in one transaction at most: what is accepted and answered meanwhile waits for its end."""


def forget_old(db: Connection) -> int:
    """Erase rows that have had their time; how many there were. Where that is `AT_ONCE`, there may be more."""
    now, gone = time.time(), 0
    forget_lost(db)
    for table, kept in KEPT.items():
        (key,) = table.primary_key
        old = select(key).where(table.c.at < now - kept).limit(AT_ONCE - gone)
        gone += db.execute(delete(table).where(key.in_(old))).rowcount
    return gone
