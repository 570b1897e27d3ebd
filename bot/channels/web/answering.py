"""Answers from a few threads of their own, within a time limit; and what is answered when there are too many."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor

from bot.assistant import Answer, Assistant
from bot.channels.web.limits import Limits
from bot.telemetry import note
from bot.vocabulary import Message, Session, Urgency

THREADS = 2


class Answering:
    """The assistant for a server that must not wait."""

    def __init__(self, assistant: Assistant, limits: Limits) -> None:
        self.assistant = assistant
        self._limits = limits
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="answer")
        self._waiting = 0

    @property
    def crowded(self) -> bool:
        """Whether more wait than can be answered in good time."""
        return self._waiting >= self._limits.waiting

    async def answer(self, message: Message, session: Session, channel: str) -> Answer:
        """The answer; by signals alone where the model takes too long."""
        loop = asyncio.get_running_loop()
        self._waiting += 1
        future = self._pool.submit(self.assistant.answer, message, session, channel)
        future.add_done_callback(lambda done: self._finished(loop, done))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._limits.answer_seconds)
        except TimeoutError:
            note("slow", channel=channel)
            return self.assistant.answer_without_model(message, session, channel)

    def _finished(self, loop: asyncio.AbstractEventLoop, done: Future[Answer]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._one_less)

    def _one_less(self) -> None:
        self._waiting -= 1

    def hurried(self, message: Message, session: Session, channel: str) -> Answer | None:
        """The answer to a danger, by signals alone, for a message over the limit; None where none is heard."""
        answer = self.assistant.answer_without_model(message, session, channel)
        heard = answer.understanding is None or answer.understanding.urgency is not Urgency.NONE
        return answer if heard else None

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
