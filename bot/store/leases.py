"""
Who does what, among several processes on one database.

A lease is a name, its owner and an end by the database's clock. A process that is killed loses its leases by itself;
nobody has to sweep. Only plain statements are used, so it works behind PgBouncer in transaction mode.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Connection, Float, cast, delete, func, literal_column, or_, select, true, update

from bot.store.database import INBOX, LEASES, OUTBOX
from bot.store.mailbox import insert_into

LEASE = 20.0
"""Seconds that a lease lasts unless it is renewed."""
GRACE = 5.0
"""Seconds after the end of a lease before another takes what its owner left: the owner may only have been held up."""
LASTS: ColumnElement[float] = literal_column(str(LEASE), Float)
"""The same in a statement, where a parameter would have to be given for each row (SQLite)."""
RENEWED = 2.5
"""Seconds between two renewals: several may fail before a lease is lost."""
PROCESS = "process/"
"""What the lease of a process's own life is called."""
PAUSE = "pause/"
"""What the lease is called whose end is the end of a pause that all keep."""


class LostError(Exception):
    """Another process looks after a chat now; what this one was about to do for it is not to be done."""


class Leases:
    """The leases of one process."""

    def __init__(self, owner: str) -> None:
        """`owner` names the process: drawn anew at each start."""
        self.owner = owner

    def claim(self, db: Connection, names: Iterable[str], *, adopt: bool = True) -> set[str]:
        """
        Take what is free, ours, or was left to run out; the names that are ours now.

        Args:
            adopt: whether to take what another left to run out.

        What another holds is only read, not locked: two processes that each hold what the other asks for would wait
        for each other.
        """
        now = clock(db)
        wanted = set(names)
        until = now + LASTS
        held = LEASES.c.until >= now if adopt else true()
        others = select(LEASES.c.name).where(LEASES.c.name.in_(wanted), LEASES.c.owner != self.owner, held)
        wanted -= set(db.execute(others).scalars()) if wanted else set()
        if not wanted:
            return set()
        ours = (
            insert_into(db.dialect.name, LEASES)
            .values(until=until)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={"owner": self.owner, "until": until},
                where=or_(LEASES.c.owner == self.owner, ~held),
            )
            .returning(LEASES.c.name)
        )
        # The names are parameters: a statement that holds the rows would be compiled anew at every message.
        return set(db.execute(ours, [{"name": name, "owner": self.owner} for name in sorted(wanted)]).scalars())

    def seize(self, db: Connection, name: str) -> None:
        """Take a lease from whoever has it; they find out when they next use or renew it."""
        values = {"owner": self.owner, "until": clock(db) + LEASE}
        taken = insert_into(db.dialect.name, LEASES).values(name=name, **values)
        db.execute(taken.on_conflict_do_update(index_elements=["name"], set_=values))

    def hold(self, db: Connection, name: str) -> None:
        """
        Make sure, for the rest of the transaction, that a lease is ours.

        Raises:
            LostError: it is not.
        """
        ours = update(LEASES).where(LEASES.c.name == name, LEASES.c.owner == self.owner)
        if not db.execute(ours.values(until=clock(db) + LEASE)).rowcount:
            raise LostError(name)

    def renew(self, db: Connection) -> tuple[set[str], float]:
        """
        Renew all that is ours, the lease of our own life with it.

        What the writer holds at this moment is left out: `hold` has renewed it, and to wait for it while the writer
        waits for what is renewed here would end one of the two.

        Returns:
            The names that are ours; and our part of what all processes share. Half of that is dealt out evenly, so that
            none has to wait when it gets work, and half by what each holds: one that is behind is helped by the idle.
        """
        now = clock(db)
        self.claim(db, [PROCESS + self.owner])
        ours = select(LEASES.c.name).where(LEASES.c.owner == self.owner)
        names = self.names(db)
        free = ours.with_for_update(skip_locked=True).cte()  # once, before the update, so that it waits for no row
        db.execute(update(LEASES).where(LEASES.c.name.in_(select(free.c.name))).values(until=now + LEASE))
        living = select(LEASES.c.owner).where(LEASES.c.name.startswith(PROCESS), LEASES.c.until > now)
        counts = select(LEASES.c.owner, func.count()).where(LEASES.c.owner.in_(living)).group_by(LEASES.c.owner)
        held = {owner: int(count) for owner, count in db.execute(counts)}
        return names, 0.5 / len(held) + 0.5 * held[self.owner] / sum(held.values())

    def names(self, db: Connection) -> set[str]:
        """All that is ours, the lease of our own life with it."""
        return set(db.execute(select(LEASES.c.name).where(LEASES.c.owner == self.owner)).scalars())

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
        held = select(LEASES.c.name).where(LEASES.c.until >= clock(db) - GRACE)
        found: set[str] = set()
        for table in (INBOX, OUTBOX):
            found |= set(
                db.execute(select(table.c.chat).where(table.c.chat.not_in(held)).distinct().limit(500)).scalars()
            )
        return found

    def waiting(self, db: Connection) -> set[int]:
        """The numbers of what waits in the inbox for our chats."""
        ours = select(INBOX.c.id).join(LEASES, LEASES.c.name == INBOX.c.chat).where(LEASES.c.owner == self.owner)
        return set(db.execute(ours).scalars())


def pause(db: Connection, what: str, seconds: float) -> None:
    """Let all processes keep a pause; a longer one that stands already stays."""
    now = clock(db)
    values = {"owner": "", "until": now + seconds}
    kept = insert_into(db.dialect.name, LEASES).values(name=PAUSE + what, **values)
    db.execute(kept.on_conflict_do_update(index_elements=["name"], set_=values, where=LEASES.c.until < now + seconds))


def pause_left(db: Connection, what: str) -> float:
    """Seconds that a pause of all processes still lasts; 0 where there is none."""
    left = db.execute(select(LEASES.c.until - clock(db)).where(LEASES.c.name == PAUSE + what)).scalar_one_or_none()
    return max(0.0, left or 0.0)


def clock(db: Connection) -> ColumnElement[float]:
    """The database's clock in seconds; processes on several machines need not agree with each other."""
    if db.dialect.name == "postgresql":
        return cast(func.extract("epoch", func.clock_timestamp()), Float)
    return literal_column("((julianday('now') - 2440587.5) * 86400.0)", Float)


def forget_lost(db: Connection) -> None:
    """Erase leases that ran out long ago."""
    db.execute(delete(LEASES).where(LEASES.c.until < clock(db) - 60 * LEASE))
