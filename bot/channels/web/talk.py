"""What the web remembers of a talk: a sealed token in the page, or what a program names `conversation`. No cookie."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import OrderedDict
from collections.abc import Collection, Coroutine
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.store.sealing import SealError, Sealing
from bot.telemetry import count_failure
from bot.vocabulary import Session

T = TypeVar("T")
PURPOSE = "web-session"
LIFETIME = timedelta(hours=2)
LONGEST = 2_000
"""Characters that a token may have; ours has some 300."""
RECALL_SECONDS = 0.4
REMEMBER_SECONDS = 0.2
"""How long a store may take."""
DOUBTING_SECONDS = 0.05
"""How long it may take after it failed, until it has answered again or so many seconds have gone."""
DOUBTED = 5.0
AGAIN = 1.0
"""Seconds after which a store that has not forgotten a talk is told again."""
AT_ONCE = 50
"""Talks that it is told to forget at once."""


class Token(BaseModel):
    """What is sealed: the session, and until when it holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    until: datetime
    session: Session


def sealed(session: Session, sealing: Sealing, at: datetime) -> str:
    """A session as a token that only we can read, for two hours."""
    content = Token(until=at + LIFETIME, session=session).model_dump_json().encode()
    return base64.urlsafe_b64encode(sealing.seal(PURPOSE, content)).rstrip(b"=").decode()


def opened(token: str, sealing: Sealing, at: datetime, topics: Collection[str]) -> Session:
    """The session of a token; a new one where it is forged, damaged, too old, or names a topic that is gone."""
    if not token or len(token) > LONGEST or not token.isascii():
        return Session()
    try:
        content = sealing.open(PURPOSE, base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        read = Token.model_validate_json(content)
    except (SealError, ValidationError, binascii.Error, ValueError):
        return Session()
    named = {read.session.topic, *(danger.topic for danger in read.session.dangers)} - {None}
    return read.session if at < read.until and named <= set(topics) else Session()


class Talks(Protocol):
    """Where sessions of programs' conversations are kept, by pseudonym."""

    async def recall(self, talk: str) -> Session:
        """The session of a talk; a new one where there is none."""
        ...

    async def remember(self, talk: str, session: Session | None) -> None:
        """Keep the session after a turn; None: forget it."""
        ...


class TalksInMemory:
    """Sessions of at most so many talks, each for two hours after its last turn."""

    def __init__(self, most: int = 10_000, lifetime: timedelta = LIFETIME) -> None:
        self.most = most
        self.lifetime = lifetime.total_seconds()
        self._kept: OrderedDict[str, tuple[float, Session]] = OrderedDict()

    async def recall(self, talk: str) -> Session:
        """The session of a talk; a new one where there is none or it is too old."""
        until, session = self._kept.get(talk, (0.0, Session()))
        return session if asyncio.get_running_loop().time() < until else Session()

    async def remember(self, talk: str, session: Session | None) -> None:
        """Keep the session; of too many, the one unused the longest is forgotten."""
        self._kept.pop(talk, None)
        if session is not None:
            self._kept[talk] = (asyncio.get_running_loop().time() + self.lifetime, session)
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)


class PatientTalks:
    """
    Talks of a store that may be away: help does not wait for a database, and a little while after it failed hardly at all.

    What it does not keep in time is lost, and only a talk begins anew by that. What it is to forget it is told until it has.
    """

    def __init__(self, talks: Talks, most: int = 20_000) -> None:
        """
        Nothing is asked yet.

        Args:
            most: talks that a store which is away is still to forget; of more the oldest is left to the store's retention.
        """
        self._talks = talks
        self._most = most
        self._doubted_until = 0.0
        self._unforgotten: dict[str, None] = {}
        self._forgetting: asyncio.Task[None] | None = None

    async def recall(self, talk: str) -> Session:
        """The session of a talk; a new one where the store fails, takes too long, or is still to forget it."""
        if talk in self._unforgotten:
            return Session()
        return await self._done(self._talks.recall(talk), "recall", RECALL_SECONDS) or Session()

    async def remember(self, talk: str, session: Session | None) -> None:
        """Keep the session after a turn, where the store can; None: forget it, now or as soon as the store can."""
        if session is None:
            await self._forget(talk)
        elif talk not in self._unforgotten:  # else it would be forgotten with what came before
            await self._done(self._talks.remember(talk, session), "remember", REMEMBER_SECONDS)

    async def _forget(self, talk: str) -> None:
        """Have a talk forgotten; what takes longer than is waited for goes on."""
        self._unforgotten[talk] = None
        if len(self._unforgotten) > self._most:
            del self._unforgotten[next(iter(self._unforgotten))]
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = asyncio.create_task(self._forget_all())
        await asyncio.wait({self._forgetting}, timeout=REMEMBER_SECONDS)

    async def _forget_all(self) -> None:
        """Tell the store what it is to forget until it has; that it fails is counted once."""
        failed = False
        while self._unforgotten:
            error = await self._forget_some()
            if error and not failed:
                count_failure(error, "forget")
            failed = error is not None
            if failed:
                await asyncio.sleep(AGAIN)

    async def _forget_some(self) -> BaseException | None:
        """Tell the store the oldest of what it is to forget; an error where it has not forgotten all of that."""
        some = list(islice(self._unforgotten, AT_ONCE))
        told = await asyncio.gather(*(self._talks.remember(talk, None) for talk in some), return_exceptions=True)
        for talk, error in zip(some, told, strict=True):
            if error is None:
                self._unforgotten.pop(talk, None)
        return next(filter(None, told), None)

    async def _done(self, work: Coroutine[Any, Any, T], where: str, patience: float) -> T | None:
        now = asyncio.get_running_loop().time
        try:
            done = await asyncio.wait_for(work, DOUBTING_SECONDS if now() < self._doubted_until else patience)
        except Exception as error:  # noqa: BLE001 - whatever a store does, the answer comes
            count_failure(error, where)
            self._doubted_until = now() + DOUBTED
            return None
        self._doubted_until = 0.0
        return done
