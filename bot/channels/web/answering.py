"""Answers from a thread of their own, within a time limit; and what is answered when there are too many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from time import monotonic
from typing import TypeVar

from bot.assistant import Answer, Assistant
from bot.channels.delivery import Engine, Lane
from bot.channels.web.limits import Limits
from bot.telemetry import note
from bot.vocabulary import Message, Session, Urgency

T = TypeVar("T")
FIRST_PACE = 0.006
"""Seconds an answer takes, before any was measured."""
SHARE = 0.1
"""How much the newest answer counts in the pace."""


class Answering:
    """
    The assistant for a server that must not wait.

    One thread, where those who speak of a danger go before all others; and one that does what needs no model: it tells who
    they are, answers where the model takes too long, and then looks at what is over the limit, so that a flood holds up
    neither answers nor the server.
    """

    def __init__(self, assistant: Assistant, limits: Limits) -> None:
        self.assistant = assistant
        self._limits = limits
        self._engine: Engine | None = None
        self._doorman: Engine | None = None
        self._waiting = 0
        self._pace = FIRST_PACE

    @property
    def crowded(self) -> bool:
        """Whether more wait than can be answered in good time, at the pace of late."""
        return self._waiting > 1 and self._waiting * self._pace >= self._limits.queue_seconds

    async def answer(self, message: Message, session: Session, channel: str) -> Answer:
        """The answer; by signals alone where the model takes too long."""
        loop = asyncio.get_running_loop()
        lane = await self._lane(message, session)
        if self._engine is None:
            self._engine = Engine("answer")
        self._waiting += 1
        future = self._engine.submit(lane, partial(self._timed, message, session, channel))
        future.add_done_callback(lambda done: self._finished(loop, done))
        try:
            answer, _ = await asyncio.wait_for(asyncio.wrap_future(future), self._limits.answer_seconds)
        except TimeoutError:
            note("slow", channel=channel)
            return await self._at_the_door(
                Lane.EMERGENCY, partial(self.assistant.answer_without_model, message, session, channel)
            )
        return answer

    async def _lane(self, message: Message, session: Session) -> Lane:
        """Where a message waits; who is alone here need not be looked at first."""
        if self._waiting == 0:
            return Lane.ORDINARY
        if session.danger is not None:
            return Lane.EMERGENCY
        self._waiting += 1
        try:
            is_grave = await self._at_the_door(Lane.EMERGENCY, partial(self.assistant.sounds_grave, message))
        finally:
            self._one_less(None)
        return Lane.EMERGENCY if is_grave else Lane.ORDINARY

    async def _at_the_door(self, lane: Lane, work: Callable[[], T]) -> T:
        """What comes of a piece of work that needs no model; the server goes on meanwhile."""
        if self._doorman is None:
            self._doorman = Engine("doorman")
        return await asyncio.wrap_future(self._doorman.submit(lane, work))

    def _timed(self, message: Message, session: Session, channel: str) -> tuple[Answer, float]:
        begun = monotonic()
        return self.assistant.answer(message, session, channel), monotonic() - begun

    def _finished(self, loop: asyncio.AbstractEventLoop, done: Future[tuple[Answer, float]]) -> None:
        """In the thread, or where the wait was given up."""
        is_done = not done.cancelled() and done.exception() is None
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._one_less, done.result()[1] if is_done else None)

    def _one_less(self, seconds: float | None) -> None:
        self._waiting = max(0, self._waiting - 1)
        if seconds is not None:
            self._pace += SHARE * (seconds - self._pace)

    async def hurried(self, message: Message, session: Session, channel: str) -> Answer | None:
        """The answer to a danger, by signals alone, for a message over the limit; None where none is heard."""
        lane = Lane.ORDINARY if session.danger is None else Lane.EMERGENCY
        return await self._at_the_door(lane, partial(self._danger_in, message, session, channel))

    def _danger_in(self, message: Message, session: Session, channel: str) -> Answer | None:
        # Most of a flood says nothing grave: it is not worth the composing of an answer.
        if session.danger is None and not message.text.startswith("/") and not self.assistant.sounds_grave(message):
            return None
        answer = self.assistant.answer_without_model(message, session, channel)
        heard = answer.understanding is None or answer.understanding.urgency is not Urgency.NONE
        return answer if heard else None

    def close(self) -> None:
        """Let the threads end; a message after that starts new ones."""
        for engine in (self._engine, self._doorman):
            if engine is not None:
                engine.close()
        self._engine, self._doorman, self._waiting = None, None, 0
