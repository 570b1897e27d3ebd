"""Every migration runs both ways on filled tables, and takes along nothing but what it made."""

from __future__ import annotations

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from bot.store.database import METADATA, Database, find_migrations, ping
from bot.store.errors import StoreError
from bot.store.sealing import Sealing
from tests.store.filled import LATER, contents, fill, fill_as_the_first_version, tables

REVISIONS = [script.revision for script in ScriptDirectory(str(find_migrations())).walk_revisions()][::-1]


def test_the_tables_that_each_migration_made_are_known_here() -> None:
    assert set(LATER.values()) == set(REVISIONS[1:])


def test_the_filling_leaves_no_table_empty(database: Database, sealing: Sealing) -> None:
    fill(database, sealing)
    found = contents(database)
    assert set(found) == set(METADATA.tables)
    assert all(found.values()), found


@pytest.mark.parametrize("revision", REVISIONS)
def test_back_to_a_revision_and_forward_again_loses_only_what_came_after_it(
    revision: str, database: Database, sealing: Sealing
) -> None:
    fill(database, sealing)
    before = contents(database)
    database.upgrade(revision)
    assert database.revision()[0] == revision
    kept = {name for name in before if LATER.get(name, REVISIONS[0]) <= revision}
    assert tables(database) == kept
    assert contents(database) == {name: before[name] for name in kept}
    database.upgrade()
    assert contents(database) == {name: rows if name in kept else [] for name, rows in before.items()}


def test_a_database_of_the_first_version_comes_forward_step_by_step_with_all_its_rows(
    url: str, sealing: Sealing
) -> None:
    database = Database(url)
    database.upgrade(REVISIONS[0])
    fill_as_the_first_version(database, sealing)
    before = contents(database)
    assert all(before.values())
    for revision in REVISIONS[1:]:
        database.upgrade(revision)
        found = contents(database)
        assert {name: found[name] for name in before} == before
    database.close()


def test_what_the_newest_program_writes_can_be_read_after_going_back_and_forward(
    database: Database, sealing: Sealing
) -> None:
    fill(database, sealing)
    before = contents(database)
    for revision in [*REVISIONS[-2::-1], *REVISIONS[1:]]:
        database.upgrade(revision)
    after = contents(database)
    assert {name for name in before if before[name] != after[name]} == set(LATER)


def test_what_a_newer_program_has_brought_further_is_used_as_it_is(database: Database) -> None:
    database.run_now(lambda db: db.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    database.upgrade()
    database.run_now(ping)
    assert database.revision()[0] == "9999"


def test_a_revision_that_there_is_not_is_a_store_error(database: Database) -> None:
    with pytest.raises(StoreError, match="9999"):
        database.upgrade("9999")
