"""Mailbox, sessions and retention, on both kinds of database."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import OperationalError
from sqlalchemy import Connection, Table, select, text, update
from sqlalchemy.exc import NoResultFound

from bot.store.database import DEAD_LETTERS, INBOX, LEASES, METADATA, OUTBOX, SEEN, SENT, SESSIONS, Database
from bot.store.errors import StoreError
from bot.store.mailbox import SENDING, Incoming, Letter, Mailbox
from bot.store.retention import KEPT, forget_old
from bot.store.sealing import Sealing
from bot.store.sessions import Sessions
from bot.vocabulary import Audience, Danger, Profile, Session, Urgency

CANARY = b"zqxcanaryvjk"
CHATS = ("chat",)
TOLD = Session(Profile("ru", "KZ", Audience.TEEN), "detox", Danger(Urgency.EMERGENCY, "someone-down"), True, True)


def incoming(mark: str, fresh: float | None = None) -> Incoming:
    """An update."""
    return Incoming("chat", {mark: fresh}, CANARY)


def waiting(database: Database, mailbox: Mailbox) -> list[Letter]:
    """What is not answered."""
    return database.run_now(lambda db: mailbox.received(db, mailbox.unanswered(db, CHATS)))


def test_a_repeat_is_told_by_its_mark(database: Database, sealing: Sealing) -> None:
    mailbox = Mailbox(sealing)
    first = database.run_now(lambda db: mailbox.put(db, [incoming("a"), incoming("b"), incoming("a")]))
    assert [number is not None for number in first] == [True, True, False]
    assert database.run_now(lambda db: mailbox.put(db, [incoming("b")])) == [None]


def test_a_mark_that_is_fresh_for_a_while_counts_no_more_afterwards(database: Database, sealing: Sealing) -> None:
    mailbox = Mailbox(sealing)

    def age(db: Connection) -> None:
        db.execute(update(SEEN).values(at=time.time() - 400))

    assert database.run_now(lambda db: mailbox.put(db, [incoming("tap", 300)])) != [None]
    assert database.run_now(lambda db: mailbox.put(db, [incoming("tap", 300)])) == [None]
    database.run_now(age)
    assert database.run_now(lambda db: mailbox.put(db, [incoming("tap", 300)])) != [None]


def test_what_was_accepted_and_not_answered_is_there_after_a_restart(
    database: Database, sealing: Sealing, url: str
) -> None:
    mailbox = Mailbox(sealing)
    database.run_now(lambda db: mailbox.put(db, [incoming("a"), incoming("b")]))
    again = Database(url)
    letters = waiting(again, mailbox)
    assert [letter.content for letter in letters] == [CANARY, CANARY]
    again.run_now(
        lambda db: mailbox.answered(db, [letters[0].id], "chat", [mailbox.outgoing(1, b"reply", at_once=True)])
    )
    again.run_now(
        lambda db: mailbox.answered(db, [letters[1].id], "chat", [mailbox.outgoing(0, b"reply 2", at_once=False)])
    )
    assert waiting(again, mailbox) == []
    assert [(o.content, o.lane, o.unsure) for o in again.run_now(partial(mailbox.unsent, chats=CHATS))] == [
        (b"reply", 1, True),
        (b"reply 2", 0, False),
    ]
    again.close()


def test_what_was_sent_is_erased_and_can_be_hidden_once(database: Database, sealing: Sealing) -> None:
    mailbox = Mailbox(sealing)
    [number] = database.run_now(
        lambda db: mailbox.answered(db, [], "chat", [mailbox.outgoing(1, b"reply", at_once=False)])
    )
    database.run_now(lambda db: mailbox.sending(db, number))
    database.run_now(lambda db: mailbox.sent(db, number, "chat", b"17"))
    assert database.run_now(partial(mailbox.unsent, chats=CHATS)) == []
    assert database.run_now(lambda db: mailbox.take_sent(db, "other")) == []
    assert database.run_now(lambda db: mailbox.take_sent(db, "chat")) == [b"17"]
    assert database.run_now(lambda db: mailbox.take_sent(db, "chat")) == []


def test_with_another_key_nothing_can_be_read_and_nothing_fails(database: Database, sealing: Sealing) -> None:
    mailbox, stranger = Mailbox(sealing), Sealing("another secret key entirely")
    database.run_now(lambda db: mailbox.put(db, [incoming("a")]))
    database.run_now(lambda db: Sessions(sealing).remember(db, "chat", TOLD))
    assert waiting(database, Mailbox(stranger)) == []
    assert database.run_now(lambda db: Sessions(stranger).recall(db, "chat")) == Session()
    assert len(database.run_now(lambda db: db.execute(select(DEAD_LETTERS)).all())) == 1


def test_sessions_are_recalled_forgotten_and_moved(database: Database, sealing: Sealing) -> None:
    sessions = Sessions(sealing)
    database.run_now(lambda db: sessions.remember(db, "a", TOLD))
    assert database.run_now(lambda db: sessions.recall(db, "a")) == TOLD
    database.run_now(lambda db: sessions.move(db, "a", "b"))
    assert database.run_now(lambda db: sessions.recall(db, "a")) == Session()
    assert database.run_now(lambda db: sessions.recall(db, "b")) == TOLD
    database.run_now(lambda db: sessions.remember(db, "b", None))
    assert database.run_now(lambda db: db.execute(select(SESSIONS)).all()) == []


def test_every_table_but_alembics_is_forgotten_in_time(database: Database, sealing: Sealing) -> None:
    assert set(KEPT) == set(METADATA.tables.values()) - {LEASES}
    rows: dict[Table, dict[str, Any]] = {
        SESSIONS: {"chat": "c", "sealed": b"x"},
        INBOX: {"chat": "c", "sealed": b"x"},
        OUTBOX: {"chat": "c", "sealed": b"x", "lane": 1, "state": SENDING},
        SEEN: {"mark": "m"},
        SENT: {"chat": "c", "sealed": b"x"},
        DEAD_LETTERS: {"kind": "k", "fault": "f"},
        METADATA.tables["questions"]: {"language": "en", "text": "t"},
    }

    def fill(db: Connection) -> None:
        for table, row in rows.items():
            db.execute(table.insert(), {**row, "at": time.time() - KEPT[table] - 1})
            young = {name: f"{value}2" if name in {"mark", "chat"} else value for name, value in row.items()}
            db.execute(table.insert(), {**young, "at": time.time()})

    database.run_now(fill)
    assert database.run_now(forget_old) == len(rows)
    assert database.run_now(forget_old) == 0


def test_what_has_had_its_time_is_forgotten_some_of_it_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.retention.AT_ONCE", 3)
    old = [{"mark": f"m{number}", "at": 0.0} for number in range(5)]
    database.run_now(lambda db: db.execute(SEEN.insert(), old))
    database.run_now(lambda db: db.execute(DEAD_LETTERS.insert(), {"kind": "k", "fault": "f", "at": 0.0}))
    assert [database.run_now(forget_old) for _ in range(4)] == [3, 3, 0, 0]


@pytest.mark.parametrize(
    ("fault", "seen"), [(ValueError, ValueError), (NoResultFound, StoreError), (OSError, StoreError)]
)
def test_one_failed_piece_of_work_does_not_undo_its_neighbours(
    fault: type[Exception], seen: type[Exception], database: Database, sealing: Sealing
) -> None:
    mailbox = Mailbox(sealing)

    def fails(db: Connection) -> None:
        mailbox.bury(db, "kind", "fault")
        raise fault

    def puts(mark: str) -> Callable[[Connection], list[int | None]]:
        return lambda db: mailbox.put(db, [incoming(mark)])

    async def all_at_once() -> list[object]:
        good = [database.run(puts(str(n))) for n in range(20)]
        return await asyncio.gather(*good, database.run(fails), return_exceptions=True)

    *done, failed = asyncio.run(all_at_once())
    assert isinstance(failed, seen)
    assert all(isinstance(numbers, list) and numbers[0] is not None for numbers in done)
    assert database.run_now(lambda db: db.execute(select(DEAD_LETTERS)).all()) == []
    assert len(waiting(database, mailbox)) == 20


def test_a_filled_database_can_be_taken_back_and_forward(database: Database, sealing: Sealing) -> None:
    mailbox, sessions = Mailbox(sealing), Sessions(sealing)
    database.run_now(lambda db: mailbox.put(db, [incoming("a")]))
    database.run_now(lambda db: sessions.remember(db, "a", TOLD))
    newest = database.revision()[1]
    assert database.revision() == (newest, newest)
    database.upgrade("0001")
    database.upgrade()
    assert database.run_now(lambda db: sessions.recall(db, "a")) == TOLD
    assert len(waiting(database, mailbox)) == 1
    database.upgrade("base")
    database.upgrade()
    assert waiting(database, mailbox) == []


def test_a_revision_that_there_is_not_is_a_store_error_that_names_it(database: Database) -> None:
    before = database.revision()
    with pytest.raises(StoreError, match="nonsense"):
        database.upgrade("nonsense")
    assert database.revision() == before


@pytest.mark.parametrize("work", [Database.upgrade, Database.revision, lambda database: database.run_now(forget_old)])
def test_a_file_that_the_disk_does_not_give_is_a_store_error(work: Callable[[Database], Any], tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}")) as database, pytest.raises(StoreError, match="IsADirectoryError"):
        work(database)


def test_the_tables_are_what_the_migrations_make(database: Database) -> None:
    with database.engine.connect() as db:
        assert compare_metadata(MigrationContext.configure(db), METADATA) == []


def test_a_database_that_is_away_is_a_store_error_and_heals_by_itself(tmp_path: Path, sealing: Sealing) -> None:
    database = Database(f"sqlite:///{tmp_path / 'bot.sqlite3'}", patience=0.2)
    database.upgrade()
    other = sqlite3.connect(tmp_path / "bot.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    mailbox = Mailbox(sealing)
    with pytest.raises(StoreError):
        database.run_now(lambda db: mailbox.put(db, [incoming("a")]))
    other.execute("ROLLBACK")
    assert database.run_now(lambda db: mailbox.put(db, [incoming("a")])) != [None]
    database.close()


def test_a_connection_that_the_server_ended_is_replaced(database: Database, sealing: Sealing) -> None:
    if database.embedded:
        pytest.skip("an embedded database has no server that could end a connection")
    database.run_now(lambda db: db.execute(text("SELECT 1")).all())
    with database.engine.connect() as other:
        other.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
    assert database.run_now(lambda db: Mailbox(sealing).put(db, [incoming("a")])) != [None]


def test_a_reply_is_kept_once_where_the_news_that_it_is_was_lost(
    database: Database, sealing: Sealing, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.embedded:
        pytest.skip("an embedded database has no server whose answer could be lost")
    mailbox = Mailbox(sealing)
    [row] = database.run_now(lambda db: mailbox.put(db, [incoming("a")]))
    assert row is not None
    replies = [mailbox.outgoing(1, content, at_once=False) for content in (b"one", b"two")]
    commit = database.engine.dialect.do_commit

    def commit_unheard(raw: Any) -> None:
        monkeypatch.undo()
        commit(raw)
        raw.dbapi_connection.close()
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(database.engine.dialect, "do_commit", commit_unheard)
    numbers = database.run_now(lambda db: mailbox.answered(db, [row], "chat", replies))
    assert [(letter.id, letter.content) for letter in database.run_now(mailbox.unsent)] == [
        (numbers[0], b"one"),
        (numbers[1], b"two"),
    ]


def test_a_reply_to_what_was_erased_meanwhile_is_kept_all_the_same(database: Database, sealing: Sealing) -> None:
    mailbox = Mailbox(sealing)
    reply = mailbox.outgoing(1, b"reply", at_once=False)
    numbers = [database.run_now(lambda db: mailbox.answered(db, [7], "chat", [reply])) for _ in range(2)]
    assert numbers[0] == numbers[1]
    assert [letter.id for letter in database.run_now(mailbox.unsent)] == numbers[0]


def test_an_embedded_database_is_readable_by_its_owner_only_and_holds_no_words(
    tmp_path: Path, sealing: Sealing
) -> None:
    folder = tmp_path / "data"
    database = Database(f"sqlite:///{folder / 'bot.sqlite3'}")
    database.upgrade()
    database.run_now(lambda db: Mailbox(sealing).put(db, [incoming("a")]))
    files = list(folder.iterdir())
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}
    assert folder.stat().st_mode & 0o077 == 0
    assert not [path for path in files if CANARY in path.read_bytes()]
    database.close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=500), purpose=st.sampled_from(["inbox", "outbox"]))
def test_whatever_is_sealed_can_be_opened_for_its_purpose_only(content: bytes, purpose: str, sealing: Sealing) -> None:
    sealed = sealing.seal(purpose, content)
    assert sealing.open(purpose, sealed) == content
    assert len(content) < 8 or content not in sealed
    with pytest.raises(Exception, match="other"):
        sealing.open("other", sealed)
