"""A database with rows in every table, put there by the bot's own ways, and all of it as values to compare."""

from __future__ import annotations

import json
import time
from typing import Any

from sqlalchemy import Connection, inspect, text

from bot.store.database import METADATA, Database
from bot.store.leases import Leases
from bot.store.mailbox import Incoming, Mailbox
from bot.store.questions import keep_question
from bot.store.sealing import Sealing
from bot.store.sessions import Sessions
from bot.vocabulary import Audience, Danger, Profile, Session, Urgency

TALK = Session(Profile("ru", "KZ", Audience.TEEN), "detox", Danger(Urgency.EMERGENCY, "someone-down"), True, True)
LATER = {"questions": "0002", "leases": "0003"}
"""The migrations that made tables beside those of the first one."""


def fill(database: Database, sealing: Sealing) -> None:
    """Two chats of which everything is remembered that can be."""
    mailbox, sessions, leases = Mailbox(sealing), Sessions(sealing), Leases("a process")

    def put(db: Connection) -> None:
        for chat in ("one", "two"):
            leases.claim(db, [chat])
            sessions.remember(db, chat, TALK)
            mailbox.put(db, [incoming(chat, f"{chat}-{number}") for number in range(3)])
            _, goes, gone = mailbox.answered(
                db,
                [],
                chat,
                [mailbox.outgoing(n % 2, f"reply {n} to {chat}".encode(), at_once=n > 0) for n in range(3)],
            )
            mailbox.sending(db, goes)
            mailbox.sent(db, gone, chat, b"1/2")
            mailbox.bury(db, "message", chat)
            keep_question(db, "en", f"is it true, {chat}")

    database.run_now(put)


def incoming(chat: str, mark: str) -> Incoming:
    """An update that was accepted."""
    return Incoming(chat, {mark: None}, json.dumps({"update_id": 1, "mark": mark}).encode())


def fill_as_the_first_version(database: Database, sealing: Sealing) -> None:
    """Rows in every table of the first migration, in plain SQL: the program of that day knew nothing of the others."""
    now = time.time()
    sealed = {purpose: sealing.seal(purpose, b"{}") for purpose in ("session", "inbox", "outbox", "sent")}
    rows = {
        "sessions": {"chat": "c", "sealed": sealed["session"], "at": now},
        "inbox": {"chat": "c", "sealed": sealed["inbox"], "at": now},
        "outbox": {"chat": "c", "lane": 1, "state": "waiting", "sealed": sealed["outbox"], "at": now},
        "seen": {"mark": "m", "at": now},
        "sent": {"chat": "c", "sealed": sealed["sent"], "at": now},
        "dead_letters": {"kind": "k", "fault": "f", "at": now},
    }

    def put(db: Connection) -> None:
        for table, row in rows.items():
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            db.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)

    database.run_now(put)


def tables(database: Database) -> set[str]:
    """The tables there are, but Alembic's own."""
    return database.run_now(lambda db: set(inspect(db).get_table_names())) - {"alembic_version"}


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that is there."""

    def read(db: Connection) -> dict[str, list[tuple[Any, ...]]]:
        there = sorted(METADATA.tables.keys() & inspect(db).get_table_names())
        return {name: sorted(tuple(row) for row in db.execute(METADATA.tables[name].select())) for name in there}

    return database.run_now(read)
