"""Who does what, among several processes: on both kinds of database."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, update

from bot.store.database import LEASES, Database
from bot.store.leases import Leases, LostError, forget_lost, pause, pause_left
from bot.store.mailbox import Incoming, Mailbox
from bot.store.sealing import Sealing


def run_out(db: Connection) -> None:
    """Time passes."""
    db.execute(update(LEASES).values(until=LEASES.c.until - 1000))


def test_what_one_process_holds_another_cannot_take(database: Database) -> None:
    one, other = Leases("one"), Leases("other")
    assert database.run_now(lambda db: one.claim(db, ["a", "b"])) == {"a", "b"}
    assert database.run_now(lambda db: other.claim(db, ["b", "c"])) == {"c"}
    assert database.run_now(lambda db: one.claim(db, ["a"])) == {"a"}


def test_what_a_killed_process_held_can_be_taken_once_its_time_is_over(database: Database) -> None:
    one, other = Leases("one"), Leases("other")
    database.run_now(lambda db: one.claim(db, ["a"]))
    database.run_now(run_out)
    assert database.run_now(lambda db: other.claim(db, ["a"])) == {"a"}
    assert database.run_now(lambda db: one.claim(db, ["a"])) == set()


def test_renewal_keeps_what_is_held(database: Database) -> None:
    one, other = Leases("one"), Leases("other")
    database.run_now(lambda db: one.claim(db, ["a"]))
    assert database.run_now(one.renew)[0] == {"a", "process/one"}
    database.run_now(run_out)
    assert database.run_now(one.renew)[0] == {"a", "process/one"}
    assert database.run_now(lambda db: other.claim(db, ["a"])) == set()


def test_renewal_waits_for_nothing_that_the_writer_holds(database: Database) -> None:
    if database.embedded:
        pytest.skip("an embedded database has one process, which needs no lease")
    one, other = Leases("one"), Leases("other")
    database.run_now(lambda db: one.claim(db, ["a", "b", "c"]))
    database.run_now(run_out)

    def write(db: Connection) -> set[str]:
        one.hold(db, "b")
        with database.engine.begin() as beside:
            names, _ = one.renew(beside)
        one.hold(db, "a")
        return names

    assert database.run_now(write) == {"a", "b", "c", "process/one"}
    assert database.run_now(lambda db: other.claim(db, ["a", "b", "c"])) == set()


def test_what_is_shared_goes_half_evenly_and_half_to_whoever_holds_more(database: Database) -> None:
    one, other = Leases("one"), Leases("other")
    assert database.run_now(one.renew)[1] == 1.0
    assert database.run_now(other.renew)[1] == 0.5
    database.run_now(lambda db: one.claim(db, [str(number) for number in range(8)]))
    assert [database.run_now(leases.renew)[1] for leases in (one, other)] == pytest.approx([0.7, 0.3])
    database.run_now(run_out)
    assert database.run_now(one.renew)[1] == 1.0  # who no longer renews has no part


def test_a_chat_for_which_something_waits_is_not_given_back(database: Database, sealing: Sealing) -> None:
    one, mailbox = Leases("one"), Mailbox(sealing)
    database.run_now(lambda db: one.claim(db, ["a", "b"]))
    [row] = database.run_now(lambda db: mailbox.put(db, [Incoming("a", {"m": None}, b"x")]))
    assert row is not None
    assert database.run_now(lambda db: one.release(db, ["a", "b"])) == {"b"}
    database.run_now(lambda db: mailbox.answered(db, [row], "a", []))
    assert database.run_now(lambda db: one.release(db, ["a"])) == {"a"}


def test_orphans_are_chats_that_wait_and_that_nobody_holds(database: Database, sealing: Sealing) -> None:
    one, mailbox = Leases("one"), Mailbox(sealing)
    letters = [Incoming(chat, {chat: None}, b"x") for chat in ("a", "b")]
    database.run_now(lambda db: mailbox.put(db, letters))
    assert database.run_now(one.orphans) == {"a", "b"}
    database.run_now(lambda db: one.claim(db, ["a"]))
    assert database.run_now(one.orphans) == {"b"}
    database.run_now(run_out)
    assert database.run_now(one.orphans) == {"a", "b"}


def test_leases_that_ran_out_long_ago_are_erased(database: Database) -> None:
    database.run_now(lambda db: Leases("one").claim(db, ["a"]))
    database.run_now(lambda db: db.execute(update(LEASES).values(until=1.0)))
    database.run_now(forget_lost)
    assert database.run_now(Leases("other").orphans) == set()
    assert database.run_now(lambda db: db.execute(LEASES.select()).all()) == []


def test_what_was_taken_away_is_noticed_before_anything_is_done_with_it(database: Database) -> None:
    one, other = Leases("one"), Leases("other")
    database.run_now(lambda db: one.claim(db, ["a"]))
    database.run_now(lambda db: one.hold(db, "a"))
    database.run_now(lambda db: other.seize(db, "a"))
    with pytest.raises(LostError):
        database.run_now(lambda db: one.hold(db, "a"))
    assert database.run_now(one.renew)[0] == {"process/one"}
    database.run_now(lambda db: other.hold(db, "a"))


def test_what_waits_for_our_chats_is_found_by_number(database: Database, sealing: Sealing) -> None:
    one, mailbox = Leases("one"), Mailbox(sealing)
    letters = [Incoming(chat, {chat: None}, b"x") for chat in ("a", "b")]
    [ours, _] = database.run_now(lambda db: mailbox.put(db, letters))
    database.run_now(lambda db: one.claim(db, ["a"]))
    assert database.run_now(one.waiting) == {ours}


def test_a_pause_is_kept_by_all_until_its_end_and_a_shorter_one_ends_it_no_sooner(database: Database) -> None:
    assert database.run_now(lambda db: pause_left(db, "x")) == 0
    database.run_now(lambda db: pause(db, "x", 30))
    database.run_now(lambda db: pause(db, "x", 5))
    assert 28 < database.run_now(lambda db: pause_left(db, "x")) <= 30
    database.run_now(run_out)
    assert database.run_now(lambda db: pause_left(db, "x")) == 0
