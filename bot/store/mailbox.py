"""The inbox and outbox: put, claim, done; each row sealed until it is erased."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, insert, select, text, true, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from bot.store.database import DEAD_LETTERS, INBOX, OUTBOX, SEEN, SENT
from bot.store.sealing import SealError, Sealing

WAITING = "waiting"
SENDING = "sending"


class BusyError(Exception):
    """Another process is at the same thing at this very moment; it is to be tried again a little later."""


@dataclass(frozen=True)
class Incoming:
    """
    What a channel received.

    `marks` are pseudonyms that tell a repeat: of the update, and of what it carries; each with the seconds after which
    it counts no more (None: for as long as marks are kept). `settled` where it was answered already while the
    database was away, and is only to be known again.
    """

    chat: str
    marks: Mapping[str, float | None]
    content: bytes
    settled: bool = False


@dataclass(frozen=True)
class Letter:
    """A row that waits: of the inbox, or of the outbox with its lane; `unsure` where a send of it may have succeeded."""

    id: int
    chat: str
    content: bytes
    at: float
    lane: int = 0
    unsure: bool = False


@dataclass(frozen=True)
class Outgoing:
    """A reply to be sent, by reference; whether a send of it begins at once. Its sealed bytes are like no others."""

    lane: int
    sealed: bytes
    at_once: bool


class Mailbox:
    """What was accepted and is not answered, what was answered and is not sent."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing

    def put(self, db: Connection, incoming: Iterable[Incoming]) -> list[int | None]:
        """
        Accept; for each its number, or None where it is a repeat.

        Raises:
            BusyError: another process accepts one of them at this moment, and to wait for it would hold up all else.
        """
        incoming = list(incoming)
        if db.dialect.name == "postgresql":
            names = [mark for one in incoming for mark in one.marks]
            free = "SELECT bool_and(pg_try_advisory_xact_lock(hashtextextended(mark, 0))) FROM unnest(CAST(:names AS text[])) AS mark"
            if names and not db.execute(text(free), {"names": names}).scalar_one():
                raise BusyError
        new = self._new_of(db, [one.marks for one in incoming])
        kept = [n for n, one in enumerate(incoming) if new[n] and not one.settled]
        now = time.time()
        rows = [
            {"chat": incoming[n].chat, "sealed": self._sealing.seal("inbox", incoming[n].content), "at": now}
            for n in kept
        ]
        numbers: list[int | None] = [None] * len(incoming)
        for n, number in zip(kept, insert_all(db, INBOX, rows), strict=True):
            numbers[n] = number
        return numbers

    def note_seen(self, db: Connection, marks: Mapping[str, float | None]) -> bool:
        """Keep the marks; False where one of them was there."""
        return self._new_of(db, [marks])[0]

    def _new_of(self, db: Connection, many: Sequence[Mapping[str, float | None]]) -> list[bool]:
        """Keep sets of marks; for each whether none of it was there, nor in a set before it."""
        now = time.time()
        unused = insert_new(
            db, SEEN, [{"mark": mark, "at": now} for mark in dict.fromkeys(m for one in many for m in one)]
        )
        answers = []
        for marks in many:
            new = True
            for mark, fresh in marks.items():
                if mark in unused:
                    unused.remove(mark)
                    continue
                at = db.execute(select(SEEN.c.at).where(SEEN.c.mark == mark)).scalar_one()
                if fresh is None or 0 <= now - at <= fresh:
                    new = False
                else:
                    db.execute(update(SEEN).where(SEEN.c.mark == mark).values(at=now))
            answers.append(new)
        return answers

    def is_seen(self, db: Connection, mark: str) -> bool:
        """Whether a mark is there."""
        return db.execute(select(SEEN.c.mark).where(SEEN.c.mark == mark)).first() is not None

    def unanswered(self, db: Connection, chats: Collection[str] | None = None) -> set[int]:
        """The numbers of what was accepted from chats, or from all, and is not answered."""
        if chats is not None and not chats:
            return set()
        which = true() if chats is None else INBOX.c.chat.in_(chats)
        return set(db.execute(select(INBOX.c.id).where(which)).scalars())

    def unsent(self, db: Connection, chats: Collection[str] | None = None) -> list[Letter]:
        """What is to be sent to chats, or to all, in order. What cannot be opened is a dead letter."""
        return self._opened(db, OUTBOX, "outbox", true() if chats is None else OUTBOX.c.chat.in_(chats))

    def received(self, db: Connection, ids: Collection[int] | None = None) -> list[Letter]:
        """What was accepted under these numbers, or all, the oldest first. What cannot be opened is a dead letter."""
        return self._opened(db, INBOX, "inbox", true() if ids is None else INBOX.c.id.in_(ids))

    def _opened(self, db: Connection, table: Table, purpose: str, which: ColumnElement[bool]) -> list[Letter]:
        letters = []
        for row in db.execute(select(table).where(which).order_by(table.c.id)).mappings().all():
            try:
                content = self._sealing.open(purpose, row["sealed"])
            except SealError:
                db.execute(delete(table).where(table.c.id == row["id"]))
                self.bury(db, purpose, "SealError")
                continue
            letters.append(
                Letter(
                    row["id"], row["chat"], content, row["at"], row.get("lane", 0), row.get("state", WAITING) == SENDING
                )
            )
        return letters

    def outgoing(self, lane: int, content: bytes, *, at_once: bool) -> Outgoing:
        """A reply that is to be kept, once."""
        return Outgoing(lane, self._sealing.seal("outbox", content), at_once)

    def answered(self, db: Connection, ids: Sequence[int], chat: str, replies: Sequence[Outgoing]) -> list[int]:
        """
        Erase what was answered, and keep what is to be sent; its numbers, in order.

        Where nothing is left to erase it may have been done before, and only the news of that was lost.
        """
        erased = db.execute(delete(INBOX).where(INBOX.c.id.in_(ids))).rowcount
        kept = {} if erased else self._kept(db, chat, replies)
        rows = [
            {
                "chat": chat,
                "lane": one.lane,
                "state": SENDING if one.at_once else WAITING,
                "sealed": one.sealed,
                "at": time.time(),
            }
            for one in replies
            if one.sealed not in kept
        ]
        new = iter(insert_all(db, OUTBOX, rows))
        return [kept[one.sealed] if one.sealed in kept else next(new) for one in replies]

    def _kept(self, db: Connection, chat: str, replies: Sequence[Outgoing]) -> dict[bytes, int]:
        """The numbers of those replies that are in the outbox already."""
        there = select(OUTBOX.c.sealed, OUTBOX.c.id).where(_is_one_of(chat, replies))
        return {bytes(sealed): number for sealed, number in db.execute(there)} if replies else {}

    def take_back(self, db: Connection, chat: str, replies: Sequence[Outgoing]) -> None:
        """Erase those replies that are in the outbox."""
        if replies:
            db.execute(delete(OUTBOX).where(_is_one_of(chat, replies)))

    def sending(self, db: Connection, id_: int, content: bytes | None = None) -> None:
        """A send begins; after a crash its outcome is unknown. `content` replaces what the row says."""
        values: dict[str, Any] = {"state": SENDING}
        if content is not None:
            values["sealed"] = self._sealing.seal("outbox", content)
        db.execute(update(OUTBOX).where(OUTBOX.c.id == id_).values(**values))

    def not_sent(self, db: Connection, ids: Sequence[int]) -> None:
        """What was about to be sent did not leave after all; after a crash there is no doubt about it."""
        db.execute(update(OUTBOX).where(OUTBOX.c.id.in_(ids)).values(state=WAITING))

    def sent(self, db: Connection, id_: int | None, chat: str, message: bytes | None) -> None:
        """Erase what was sent; `message` is what its message is known by on the channel, kept for /hide."""
        if id_ is not None:
            db.execute(delete(OUTBOX).where(OUTBOX.c.id == id_))
        if message is not None:
            row = {"chat": chat, "sealed": self._sealing.seal("sent", message), "at": time.time()}
            db.execute(insert(SENT), row)

    def take_sent(self, db: Connection, chat: str) -> list[bytes]:
        """What messages were sent to a chat, as far as known; forgotten with this."""
        rows = db.execute(delete(SENT).where(SENT.c.chat == chat).returning(SENT.c.sealed)).scalars().all()
        opened = []
        for sealed in rows:
            try:
                opened.append(self._sealing.open("sent", sealed))
            except SealError:
                continue
        return opened

    def close(self, db: Connection, chat: str, before: int | None = None) -> None:
        """
        Nothing more goes to a chat: it was blocked, left or deleted.

        Args:
            before: the number in the inbox of what says so; what came after it is to be answered.
        """
        db.execute(delete(OUTBOX).where(OUTBOX.c.chat == chat))
        if before is not None:
            db.execute(delete(INBOX).where(INBOX.c.chat == chat, INBOX.c.id < before))

    def move(self, db: Connection, old: str, new: str) -> None:
        """A chat has another pseudonym now."""
        for table in (INBOX, OUTBOX, SENT):
            db.execute(update(table).where(table.c.chat == old).values(chat=new))

    def unreadable(self, db: Connection, id_: int, fault: str) -> None:
        """A row of the outbox that says nothing to this program is a dead letter."""
        db.execute(delete(OUTBOX).where(OUTBOX.c.id == id_))
        self.bury(db, "outbox", fault)

    def bury(self, db: Connection, kind: str, fault: str, inbox_id: int | None = None) -> None:
        """Keep of what cannot be handled its kind and what failed, never its content."""
        if inbox_id is not None:
            db.execute(delete(INBOX).where(INBOX.c.id == inbox_id))
        db.execute(insert(DEAD_LETTERS), {"kind": kind[:64], "fault": fault[:64], "at": time.time()})


def _is_one_of(chat: str, replies: Sequence[Outgoing]) -> ColumnElement[bool]:
    """Of a row of the outbox, whether it is one of a chat's replies."""
    return and_(OUTBOX.c.chat == chat, OUTBOX.c.sealed.in_([one.sealed for one in replies]))


def count_waiting(db: Connection) -> tuple[int, int]:
    """How many messages wait for an answer, and how many replies to be sent."""
    inbox, outbox = (db.execute(select(func.count()).select_from(table)).scalar_one() for table in (INBOX, OUTBOX))
    return inbox, outbox


def insert_into(dialect: str, table: Table) -> Any:
    """An insert that may say what to do on a conflict: each kind of database has its own, of the same methods."""
    return postgresql_insert(table) if dialect == "postgresql" else sqlite_insert(table)


def insert_new(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> set[Any]:
    """Insert those rows whose key is not taken, in one statement; the keys that were free."""
    return set(db.execute(_insert_new(db.dialect.name, table), rows).scalars()) if rows else set()


def insert_all(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert numbered rows in one statement; their numbers, in order."""
    return list(db.execute(_insert_all(table), rows).scalars()) if rows else []


def upsert(db: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert a whole row, or replace what stands under the key."""
    db.execute(_upsert(db.dialect.name, table), row)


# To build a statement takes as long as to run it; the values of a row are its parameters.


@cache
def _insert_new(dialect: str, table: Table) -> Any:
    return insert_into(dialect, table).on_conflict_do_nothing().returning(*table.primary_key)


@cache
def _insert_all(table: Table) -> Any:
    return insert(table).returning(table.c.id, sort_by_parameter_order=True)


@cache
def _upsert(dialect: str, table: Table) -> Any:
    made = insert_into(dialect, table)
    changed = {column.name: made.excluded[column.name] for column in table.columns if not column.primary_key}
    return made.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)
