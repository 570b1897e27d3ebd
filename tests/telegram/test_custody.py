"""What an earlier process left is taken up, however much it is."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.channels.telegram.custody import TIDIED, Custody, Taken
from bot.store.database import LEASES, Database
from bot.store.errors import StoreError
from bot.store.mailbox import Incoming, Letter, Mailbox
from bot.store.sealing import Sealing
from tests.postgres import new_database

LEFT = 1200
"""More than one look finds, in messages and in chats."""


class Begun:
    """A caretaker that only remembers what it was to begin with."""

    def __init__(self) -> None:
        self.rows: set[int] = set()

    def begin(self, letter: Letter) -> None:
        """Remember it; it is begun once."""
        assert letter.id not in self.rows
        self.rows.add(letter.id)

    def take_up(self, letter: Letter) -> None:
        """Nothing is left to be sent."""
        raise AssertionError(letter)

    def lacking(self, rows: Collection[int]) -> set[int]:
        """What was not begun with."""
        return set(rows) - self.rows

    def drop(self, chats: Collection[str]) -> None:
        """No other process is there to take any."""
        assert not chats

    def idle(self, chats: Iterable[str]) -> set[str]:
        """All have something waiting."""
        return set()

    def pause(self, seconds: float) -> None:
        """Nobody asks for one."""
        raise AssertionError(seconds)

    def share(self, part: float) -> None:
        """There is one."""
        assert part == 1.0


class Handing(Begun):
    """A caretaker that has nothing to do, and remembers what it was to drop."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped: set[str] = set()

    def drop(self, chats: Collection[str]) -> None:
        """Remember them."""
        self.dropped |= set(chats)

    def idle(self, chats: Iterable[str]) -> set[str]:
        """All of them."""
        return set(chats)

    def share(self, part: float) -> None:
        """Any will do."""


def test_a_chat_that_was_given_back_and_claimed_anew_while_leases_are_renewed_is_not_lost() -> None:
    with new_database() as url:
        database, mailbox = Database(url), Mailbox(Sealing(secrets.token_urlsafe(32)))
        database.upgrade()
        handing = Handing()

        async def live() -> None:
            renewed = asyncio.Event()

            async def slowly(work: Callable[[Connection], Any]) -> Any:
                found = await database.run_beside(work)
                await renewed.wait()
                return found

            def take(db: Connection) -> Taken:
                return custody.take(db, {"chat"})

            custody = Custody(mailbox, database.run, slowly, handing, alone=False)
            custody.took(await database.run(take))
            await database.run(custody.leave)
            renewing = asyncio.create_task(custody.renew())
            await asyncio.sleep(0.3)
            custody.took(await database.run(take))
            renewed.set()
            await renewing

        asyncio.run(live())
        assert not handing.dropped
        database.close()


class Sending(Handing):
    """A caretaker that remembers what it was to send, and is done with nothing of it."""

    def __init__(self) -> None:
        super().__init__()
        self.sending: list[str] = []

    def take_up(self, letter: Letter) -> None:
        """Remember it."""
        self.sending.append(letter.chat)

    def idle(self, chats: Iterable[str]) -> set[str]:
        """All for which nothing is to be sent."""
        return set(chats) - set(self.sending)


def test_a_claim_that_nobody_heard_of_is_made_good() -> None:
    with new_database() as url:
        database, mailbox = Database(url), Mailbox(Sealing(secrets.token_urlsafe(32)))
        database.upgrade()
        reply = mailbox.outgoing(0, b"x", at_once=False)
        database.run_now(lambda db: mailbox.answered(db, [], "chat", [reply]))
        sending = Sending()

        async def live() -> bool:
            is_slow = True

            async def run(work: Callable[[Connection], Any]) -> Any:
                done = await database.run(work)
                if is_slow:
                    raise StoreError("no answer in time")
                return done

            custody = Custody(mailbox, run, database.run_beside, sending, alone=False)
            with pytest.raises(StoreError):
                await custody.recover()
            is_slow = False
            assert await custody.leads()
            await custody.look()
            other = Custody(mailbox, database.run, database.run_beside, Handing(), alone=False)
            return await other.leads()

        assert not asyncio.run(live())  # only chats are given back
        assert sending.sending == ["chat"]
        database.close()


@pytest.mark.parametrize(("was_away", "taken"), [(False, 1), (True, 0)])
def test_who_starts_while_the_store_is_away_does_not_take_others_for_dead_at_once(was_away: bool, taken: int) -> None:
    with new_database() as url:
        database, mailbox = Database(url), Mailbox(Sealing(secrets.token_urlsafe(32)))
        database.upgrade()
        database.run_now(lambda db: mailbox.put(db, [Incoming("chat", {"mark": None}, b"x")]))
        ran_out = {"name": "chat", "owner": "another", "until": 0.0}
        database.run_now(lambda db: db.execute(LEASES.insert(), ran_out))
        begun = Begun()

        async def live() -> None:
            custody = Custody(mailbox, database.run, database.run_beside, begun, alone=False)
            if was_away:
                custody.note_away()
            await custody.recover()
            await custody.look()

        asyncio.run(live())
        assert len(begun.rows) == taken
        database.close()


def test_all_that_a_killed_process_left_is_taken_up_on_an_embedded_database(tmp_path: Path) -> None:
    database, mailbox = Database(f"sqlite:///{tmp_path / 'bot.sqlite3'}"), Mailbox(Sealing(secrets.token_urlsafe(32)))
    database.upgrade()
    left = [Incoming(f"chat {number}", {f"mark {number}": None}, b"x") for number in range(LEFT)]
    rows = database.run_now(lambda db: mailbox.put(db, left))
    begun = Begun()

    async def live() -> None:
        custody = Custody(mailbox, database.run, database.run_beside, begun, alone=True)
        await custody.recover()
        for _ in range(4):
            await asyncio.sleep(1.05)
            await custody.look()

    asyncio.run(live())
    assert begun.rows == set(rows)
    database.close()


def test_of_chats_that_are_done_with_nothing_stays_on_an_embedded_database(tmp_path: Path) -> None:
    database, mailbox = Database(f"sqlite:///{tmp_path / 'bot.sqlite3'}"), Mailbox(Sealing(secrets.token_urlsafe(32)))
    database.upgrade()

    async def live() -> None:
        custody = Custody(mailbox, database.run, database.run_beside, Handing(), alone=True)
        for number in range(20):
            custody.took(await database.run(partial(custody.take, chats={f"chat {number}"})))
            await custody.look()
            await custody.renew()
        assert not any(held for held in vars(custody).values() if isinstance(held, set))

    asyncio.run(live())
    database.close()


def test_what_is_kept_and_not_started_on_is_found_on_an_embedded_database(tmp_path: Path) -> None:
    database, mailbox = Database(f"sqlite:///{tmp_path / 'bot.sqlite3'}"), Mailbox(Sealing(secrets.token_urlsafe(32)))
    database.upgrade()
    begun = Begun()
    kept: list[int | None] = []

    async def live() -> None:
        custody = Custody(mailbox, database.run, database.run_beside, begun, alone=True)
        await custody.recover()
        # As where the store keeps what it was given up for: nobody hears of it.
        kept.extend(await database.run(lambda db: mailbox.put(db, [Incoming("chat", {"mark": None}, b"x")])))
        for _ in range(3):
            await custody.look()
            await asyncio.sleep(TIDIED / 2 + 0.05)

    asyncio.run(live())
    assert begun.rows == set(kept)
    database.close()
