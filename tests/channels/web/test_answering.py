"""What is over the limit is looked at beside the server, and a danger in it answered all the same."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.assistant import Answer, Assistant
from bot.channels.web.answering import Answering
from bot.channels.web.limits import Limits
from bot.conversation.library import Library
from bot.vocabulary import Message, Session, Urgency
from tests.conftest import NOON

LOOK = 0.3
"""Seconds that a look at a message takes here."""


class Slow(Assistant):
    """An assistant that looks at a message for a while, as at one of many unknown words."""

    def sounds_grave(self, message: Message) -> bool:
        """After a while."""
        time.sleep(LOOK)
        return super().sounds_grave(message)


async def looked_at(text: str, library: Library) -> tuple[Answer | None, int]:
    """What a message over the limit is answered, and how often the server had a turn meanwhile."""
    answering = Answering(Slow(library, {}, "web"), Limits())
    looking = asyncio.create_task(answering.hurried(Message(text, NOON), Session(), "web"))
    turns = 0
    while not looking.done():
        await asyncio.sleep(LOOK / 30)
        turns += 1
    answering.close()
    return await looking, turns


@pytest.mark.parametrize(("text", "urgency"), [("my friend wont wake up", Urgency.EMERGENCY), ("hello", None)])
def test_while_a_message_over_the_limit_is_looked_at_the_server_goes_on(
    text: str, urgency: Urgency | None, library: Library
) -> None:
    answer, turns = asyncio.run(looked_at(text, library))
    assert (answer and answer.reply.urgency) == urgency
    assert turns > 5
