"""Labelled rows, and an assistant's answers to them: made up where a figure is wanted, real where the bot is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.conversation.library import Library
from bot.conversation.turn import take_turn
from bot.desk.evaluation.judging import Answered, Ask, Judged
from bot.desk.evaluation.labelled import LabelledQuestion
from bot.vocabulary import Message, Profile, ReviewKind, Session, Urgency
from bot.wire import CandidateObject, ContactObject, ReplyObject
from tests.conftest import NOON

MadeUp = Callable[..., Judged]


def question(id: str, text: str = "x", **labels: Any) -> LabelledQuestion:
    """A labelled question; without labels a harmless one that detox answers."""
    usual = {"language": "en", "urgency": "none", "dosing": False, "topics": ["detox"]}
    return LabelledQuestion.model_validate({**usual, **labels, "id": id, "text": text})


def made_up(
    asked: LabelledQuestion,
    topic: str = "detox",
    *dangers: Urgency,
    dosing: bool = False,
    score: float = 0.9,
    best: str | None = None,
    elapsed_us: int = 1000,
) -> Judged:
    """A question with an answer made up for it; the best candidate is the topic served, unless another is given."""
    answer = ReplyObject(
        id=asked.id,
        text="Call 112.",
        language=asked.language,
        country=None,
        topic=topic,
        candidates=(CandidateObject(topic=best or topic, score=score),),
        urgency=dangers[0] if dangers else Urgency.NONE,
        dangers=dangers,
        dosing=dosing,
        abstained=topic == "out-of-scope",
        emergency_contact=ContactObject(number="112", label="all services"),
        choices=(),
        sources=(),
        review=ReviewKind.CLINICIAN,
        elapsed_us=elapsed_us,
    )
    return Judged(asked, answer)


@pytest.fixture(scope="session")
def ask(library: Library) -> Ask:
    """The real bot."""

    def answer(asked: LabelledQuestion, session: Session) -> Answered:
        turn = take_turn(Message(asked.text, NOON, Profile(asked.language)), session, library)
        return Answered(turn.reply, turn.session, turn.understanding, 1000)

    return answer
