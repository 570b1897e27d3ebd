"""A copy is taken while the process writes; it is whole, and has all that was accepted before it was begun."""

from __future__ import annotations

import itertools
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.store.database import Database
from bot.store.mailbox import Mailbox, count_waiting
from bot.store.sealing import Sealing
from tests.postgres import dump, new_database, restore
from tests.store.filled import contents, fill, incoming

TAKEN_AT = 30
"""Messages that are there before the copy is begun."""


@contextmanager
def writing(database: Database, sealing: Sealing) -> Iterator[list[str]]:
    """Messages are accepted all the while; the marks of those that are safe."""
    safe: list[str] = []
    ended, enough = threading.Event(), threading.Event()

    def write() -> None:
        for number in itertools.count():
            if ended.is_set():
                return
            database.run_now(lambda db: Mailbox(sealing).put(db, [incoming("three", f"written {number}")]))  # noqa: B023
            safe.append(f"written {number}")
            if number == TAKEN_AT:
                enough.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert enough.wait(60)
    yield safe
    ended.set()
    thread.join()


def is_whole(copy: Database, sealing: Sealing, before: dict[str, list[tuple[object, ...]]], safe: list[str]) -> None:
    """All rows of before are there, all that was safe, and nothing half."""
    assert copy.revision()[0] == copy.revision()[1]
    found = contents(copy)
    assert all(set(rows) <= set(found[name]) for name, rows in before.items())
    letters = copy.run_now(lambda db: Mailbox(sealing).received(db, Mailbox(sealing).unanswered(db, ["three"])))
    marks = {row[0] for row in found["seen"]}
    assert set(safe) <= marks
    assert len(letters) == len([mark for mark in marks if mark.startswith("written")])
    assert copy.run_now(lambda db: Mailbox(sealing).put(db, [incoming("three", safe[0])])) == [None]  # known again


def test_an_embedded_database_is_copied_while_it_is_written(tmp_path: Path, sealing: Sealing) -> None:
    database = Database(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    database.upgrade()
    fill(database, sealing)
    before = contents(database)
    with writing(database, sealing) as written:
        safe = list(written)
        # What the command `sqlite3 bot.sqlite3 ".backup copy.sqlite3"` does.
        with (
            closing(sqlite3.connect(tmp_path / "bot.sqlite3")) as whole,
            closing(sqlite3.connect(tmp_path / "copy")) as to,
        ):
            whole.backup(to)
    with closing(sqlite3.connect(tmp_path / "copy")) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy = Database(f"sqlite:///{tmp_path / 'copy'}")
    is_whole(copy, sealing, before, safe)
    copy.close()
    database.close()


def test_an_embedded_database_leaves_nothing_beside_its_file_once_it_is_closed(
    tmp_path: Path, sealing: Sealing
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    database.upgrade()
    fill(database, sealing)
    assert (tmp_path / "bot.sqlite3-wal").stat().st_size > 0
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == ["bot.sqlite3"]


def test_a_shared_database_is_dumped_while_it_is_written_and_restored_into_an_empty_one(
    tmp_path: Path, sealing: Sealing
) -> None:
    with new_database() as url, new_database() as empty:
        database = Database(url)
        database.upgrade()
        fill(database, sealing)
        before = contents(database)
        with writing(database, sealing) as written:
            safe = list(written)
            dump(url, tmp_path / "bot.dump")
        restore(tmp_path / "bot.dump", empty)
        copy = Database(empty)
        is_whole(copy, sealing, before, safe)
        assert copy.run_now(count_waiting)[1] == 4
        fill_more(copy, sealing)
        copy.close()
        database.close()


def fill_more(copy: Database, sealing: Sealing) -> None:
    """Numbers go on where those of the copy ended: nothing new meets what was there."""
    numbers = {row[0] for row in contents(copy)["inbox"]}
    [new] = copy.run_now(lambda db: Mailbox(sealing).put(db, [incoming("four", "new")]))
    assert new is not None
    assert new > max(numbers)


def test_a_dump_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        dump("postgresql://nobody@127.0.0.1:9/none", tmp_path / "bot.dump")
