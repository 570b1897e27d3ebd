"""What the web remembers of a talk, and for how long."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.channels.web.talk import LIFETIME, PURPOSE, REMEMBER_SECONDS, PatientTalks, TalksInMemory, opened, sealed
from bot.store.sealing import Sealing
from bot.vocabulary import Audience, Danger, Profile, Session, Urgency
from tests.conftest import NOON

SEALING = Sealing("a secret key for tests only")
OTHER = Sealing("another key for tests only")
SESSION = Session(
    Profile("ru", "KZ", Audience.TEEN), "someone-down", Danger(Urgency.EMERGENCY, "someone-down"), True, True
)
TOPICS = {"someone-down"}


def spoilt(token: str) -> str:
    """A token with another character in its middle: at its end some are but padding."""
    middle = len(token) // 2
    return token[:middle] + ("B" if token[middle] == "A" else "A") + token[middle + 1 :]


@pytest.mark.parametrize("session", [Session(), SESSION, Session(Profile("en"), "someone-down")])
def test_a_session_comes_back_from_its_token(session: Session) -> None:
    assert opened(sealed(session, SEALING, NOON), SEALING, NOON, TOPICS) == session


def test_a_token_shows_nothing_and_is_another_one_each_time() -> None:
    first, second = sealed(SESSION, SEALING, NOON), sealed(SESSION, SEALING, NOON)
    assert first != second
    assert "someone-down" not in first
    assert len(first) < 600


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "?" * 40,
        "я" * 40,
        "A" * 5_000,
        sealed(SESSION, OTHER, NOON),
        spoilt(sealed(SESSION, SEALING, NOON)),
        sealed(SESSION, SEALING, NOON - LIFETIME - timedelta(seconds=1)),
        sealed(replace(SESSION, topic="gone"), SEALING, NOON),
        sealed(replace(SESSION, danger=Danger(Urgency.EMERGENCY, "gone")), SEALING, NOON),
    ],
)
def test_a_token_that_is_not_ours_not_whole_or_too_old_begins_a_new_talk(token: str) -> None:
    assert opened(token, SEALING, NOON, TOPICS) == Session()


def test_what_is_sealed_for_another_purpose_is_no_token() -> None:
    import base64

    other = base64.urlsafe_b64encode(
        SEALING.seal("other", b'{"until": "2030-01-01T00:00:00Z", "session": {}}')
    ).decode()
    broken = base64.urlsafe_b64encode(SEALING.seal(PURPOSE, b"{}")).decode()
    assert opened(other, SEALING, NOON, TOPICS) == Session()
    assert opened(broken, SEALING, NOON, TOPICS) == Session()


def test_talks_in_memory_are_bounded_and_end() -> None:
    async def go() -> None:
        talks = TalksInMemory(most=2)
        for name in ("a", "b", "c"):
            await talks.remember(name, SESSION)
        assert [await talks.recall(name) for name in ("a", "b", "c")] == [Session(), SESSION, SESSION]
        await talks.remember("c", None)
        assert await talks.recall("c") == Session()
        short = TalksInMemory(lifetime=timedelta(0))
        await short.remember("a", SESSION)
        assert await short.recall("a") == Session()

    asyncio.run(go())


class Broken:
    """A store that is down."""

    async def recall(self, talk: str) -> Session:
        """Nothing comes back."""
        raise OSError

    async def remember(self, talk: str, session: Session | None) -> None:
        """Nothing is kept."""
        raise OSError


STUCK = 60.0
"""Seconds that a store which hangs takes: longer than any test."""


class Stuck(Broken):
    """A store that does not answer."""

    async def recall(self, talk: str) -> Session:
        """It takes forever."""
        await asyncio.sleep(STUCK)
        raise AssertionError

    async def remember(self, talk: str, session: Session | None) -> None:
        """It takes forever."""
        await asyncio.sleep(STUCK)


@pytest.mark.parametrize("talks", [Broken(), Stuck()], ids=["down", "stuck"])
def test_a_store_that_fails_or_hangs_begins_a_new_talk_within_a_second_and_then_at_once(talks: Broken) -> None:
    async def go() -> None:
        patient = PatientTalks(talks)
        for seconds in (1.0, 0.5):
            async with asyncio.timeout(seconds):
                assert await patient.recall("a") == Session()
                await patient.remember("a", SESSION)

    asyncio.run(go())


def test_a_store_that_is_there_again_is_trusted_again() -> None:
    class Waking(TalksInMemory):
        """A store that fails once."""

        is_awake = False

        async def recall(self, talk: str) -> Session:
            if not self.is_awake:
                self.is_awake = True
                raise OSError
            await asyncio.sleep(0.02)
            return await super().recall(talk)

    async def go() -> None:
        patient = PatientTalks(Waking())
        await patient.remember("a", SESSION)
        assert [await patient.recall("a") for _ in range(3)] == [Session(), SESSION, SESSION]

    asyncio.run(go())


class Reluctant(TalksInMemory):
    """A store that forgets at the third time of asking, and takes longer than is waited for."""

    asked = 0

    async def remember(self, talk: str, session: Session | None) -> None:
        """Keep it at once; None forgets it late."""
        if session is None:
            self.asked += 1
            if self.asked < 3:
                raise OSError
            await asyncio.sleep(2 * REMEMBER_SECONDS)
        await super().remember(talk, session)


def test_who_asks_to_be_forgotten_is_forgotten_at_once_though_the_store_does_it_late() -> None:
    async def go() -> None:
        store = Reluctant()
        patient = PatientTalks(store)
        await patient.remember("a", SESSION)
        async with asyncio.timeout(1.0):
            await patient.remember("a", None)
        assert await store.recall("a") == SESSION
        assert await patient.recall("a") == Session()
        async with asyncio.timeout(10.0):
            while await store.recall("a") != Session():
                await patient.remember("a", SESSION)  # what is kept between would be forgotten with the rest
                await asyncio.sleep(0.05)
        await patient.remember("a", SESSION)
        assert await patient.recall("a") == SESSION

    asyncio.run(go())


def test_of_too_many_talks_that_a_store_is_to_forget_the_oldest_is_given_up() -> None:
    async def go() -> None:
        store = Reluctant()
        patient = PatientTalks(store, most=2)
        for talk in ("a", "b", "c"):
            await patient.remember(talk, SESSION)
        for talk in ("a", "b", "c"):
            await patient.remember(talk, None)
        assert [await patient.recall(talk) for talk in ("a", "b", "c")] == [SESSION, Session(), Session()]

    asyncio.run(go())
