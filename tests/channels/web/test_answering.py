"""Whatever a message costs, the server goes on; a danger over the limit is answered all the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from threading import Event
from typing import TypeVar

import pytest

from bot.assistant import Answer, Assistant
from bot.channels.web.answering import Answering
from bot.channels.web.limits import Limits
from bot.conversation.library import Library
from bot.vocabulary import Message, Session, Urgency
from tests.conftest import NOON

LOOK = 0.3
"""Seconds that a look at a message takes here."""
T = TypeVar("T")


class Slow(Assistant):
    """An assistant that takes a while for all that it does without the model, and with it as long as it is held up."""

    def __init__(self, library: Library) -> None:
        super().__init__(library, {}, "web")
        self.looks = 0
        self.goes_on = Event()
        self.goes_on.set()

    def sounds_grave(self, message: Message) -> bool:
        """After a while."""
        time.sleep(LOOK)
        is_grave = super().sounds_grave(message)
        self.looks += 1
        return is_grave

    def answer_without_model(self, message: Message, session: Session, channel: str) -> Answer:
        """After a while."""
        time.sleep(LOOK)
        return super().answer_without_model(message, session, channel)

    def answer(self, message: Message, session: Session, channel: str) -> Answer:
        """When it is held up no more."""
        self.goes_on.wait(20)
        return super().answer(message, session, channel)


async def turns_meanwhile(work: Awaitable[T]) -> tuple[T, int]:
    """What comes of a piece of work, and how often the server had a turn meanwhile."""
    task, turns = asyncio.ensure_future(work), 0
    while not task.done():
        await asyncio.sleep(LOOK / 30)
        turns += 1
    return await task, turns


async def looked_at(text: str, library: Library) -> tuple[Answer | None, int]:
    """What a message over the limit is answered, and how often the server had a turn meanwhile."""
    answering = Answering(Slow(library), Limits())
    found = await turns_meanwhile(answering.hurried(Message(text, NOON), Session(), "web"))
    answering.close()
    return found


@pytest.mark.parametrize(("text", "urgency"), [("my friend wont wake up", Urgency.EMERGENCY), ("hello", None)])
def test_while_a_message_over_the_limit_is_looked_at_the_server_goes_on(
    text: str, urgency: Urgency | None, library: Library
) -> None:
    answer, turns = asyncio.run(looked_at(text, library))
    assert (answer and answer.reply.urgency) == urgency
    assert turns > 5


async def until(is_so: Callable[[], bool]) -> int:
    """How often the server had a turn until something was so."""
    turns, end = 0, time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end
        await asyncio.sleep(LOOK / 30)
        turns += 1
    return turns


async def answered_behind_another(library: Library) -> tuple[list[str], int]:
    """The topics of two questions and a danger in the order of their answers, and the server's turns during two looks."""
    assistant = Slow(library)
    order: list[str] = []
    answering = Answering(assistant, Limits(answer_seconds=20))

    async def asked(text: str) -> None:
        order.append((await answering.answer(Message(text, NOON), Session(), "web")).reply.topic)

    assistant.goes_on.clear()
    first, second = asyncio.create_task(asked("what is naloxone")), asyncio.create_task(asked("/answer overdose-signs"))
    turns = await until(lambda: assistant.looks == 1)
    third = asyncio.create_task(asked("my friend wont wake up"))
    turns += await until(lambda: assistant.looks == 2)
    await asyncio.sleep(LOOK / 3)
    assistant.goes_on.set()
    await asyncio.gather(first, second, third)
    answering.close()
    return order, turns


def test_a_danger_goes_before_a_question_and_the_server_goes_on_while_it_is_looked_for(library: Library) -> None:
    order, turns = asyncio.run(answered_behind_another(library))
    assert order == ["naloxone-what-is", "someone-down", "overdose-signs"]
    assert turns > 10


async def answered_in_spite(library: Library) -> tuple[Answer, int]:
    """The answer where the model takes too long, and how often the server had a turn while it was made without."""
    assistant = Slow(library)
    answering = Answering(assistant, Limits(answer_seconds=0.01))
    assistant.goes_on.clear()
    found = await turns_meanwhile(answering.answer(Message("my friend wont wake up", NOON), Session(), "web"))
    assistant.goes_on.set()
    answering.close()
    return found


def test_where_the_model_takes_too_long_the_server_goes_on_while_an_answer_is_made_without_it(
    library: Library,
) -> None:
    answer, turns = asyncio.run(answered_in_spite(library))
    assert answer.reply.urgency is Urgency.EMERGENCY
    assert turns > 5


async def crowded_and_left(library: Library) -> None:
    """Four ask at once, three of whom are looked at first, and all go away."""
    assistant = Slow(library)
    answering = Answering(assistant, Limits(queue_seconds=0.01))
    assistant.goes_on.clear()
    asked = [asyncio.ensure_future(answering.answer(Message("hello", NOON), Session(), "web")) for _ in range(4)]
    await until(lambda: answering.crowded)
    assert assistant.looks == 0
    for one in asked:
        one.cancel()
    assistant.goes_on.set()
    await asyncio.gather(*asked, return_exceptions=True)
    await until(lambda: not answering.crowded)
    answering.close()


def test_who_is_looked_at_waits_too_and_who_goes_away_meanwhile_no_more(library: Library) -> None:
    asyncio.run(crowded_and_left(library))
