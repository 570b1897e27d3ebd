"""Labelled messages, answered: what was said to each, and whether it was right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.desk.evaluation.labelled import Labelled, LabelledQuestion, Talk
from bot.markup import plain_reply
from bot.vocabulary import ClearedReply, Session, Understanding, Urgency
from bot.wire import ReplyObject, reply_object

OUT_OF_SCOPE = "out-of-scope"


@dataclass(frozen=True)
class Answered:
    """What an assistant gave to one message, the session after it (None: forget it), and the time it took."""

    reply: ClearedReply
    session: Session | None
    understanding: Understanding | None
    elapsed_us: int


Ask = Callable[[LabelledQuestion, Session], Answered]


@dataclass(frozen=True)
class Judged:
    """A labelled message and what was answered; `place` is its place in its conversation, from 0."""

    asked: LabelledQuestion
    answer: ReplyObject
    place: int = 0

    @property
    def urgency_right(self) -> bool:
        """Whether the gravest danger is one that counts as right, or is among all that were found."""
        accepted = {self.asked.urgency, *self.asked.also_urgency}
        return self.answer.urgency in accepted or self.asked.urgency in self.answer.dangers

    @property
    def dosing_right(self) -> bool:
        """Whether dosing was told as labelled."""
        return self.answer.dosing in {self.asked.dosing, self.asked.also_dosing}

    @property
    def topic_right(self) -> bool:
        """Whether the reply is of a topic that counts as right. Where a danger is expected, any will do."""
        return self.asked.urgency is not Urgency.NONE or self.answer.topic in self.asked.topics

    @property
    def right(self) -> bool:
        """Whether all of it is."""
        return self.urgency_right and self.dosing_right and self.topic_right

    @property
    def ranked(self) -> tuple[str, ...]:
        """Topics, best first, with what the triage put first."""
        lead = [self.answer.topic] if self.answer.topic != OUT_OF_SCOPE else []
        return tuple(dict.fromkeys([*lead, *(c.topic for c in self.answer.candidates)]))

    @property
    def first_right(self) -> bool:
        """Whether the best topic counts as right."""
        return bool(set(self.ranked[:1]) & set(self.asked.topics))

    @property
    def among_three_right(self) -> bool:
        """Whether one of the three best topics does."""
        return bool(set(self.ranked[:3]) & set(self.asked.topics))

    @property
    def calm(self) -> bool:
        """Whether nobody is in danger, by any label that counts as right."""
        return self.asked.urgency is Urgency.NONE and not self.asked.also_urgency

    @property
    def answerable(self) -> bool:
        """Whether it is labelled as a plain question that one of our texts answers."""
        plain = self.asked.urgency is Urgency.NONE and not self.asked.dosing
        return plain and OUT_OF_SCOPE not in self.asked.topics


@dataclass(frozen=True)
class Outcome:
    """All messages of a file, answered: the questions, and the turns of the conversations."""

    questions: tuple[Judged, ...]
    turns: tuple[Judged, ...] = ()

    @property
    def all(self) -> tuple[Judged, ...]:
        """Of both kinds."""
        return (*self.questions, *self.turns)


def judge_all(labelled: Labelled, ask: Ask) -> Outcome:
    """Every question by itself, and every conversation turn by turn."""
    return Outcome(judge(((row,) for row in labelled.questions), ask), judge(labelled.conversations, ask))


def judge(talks: Iterable[Talk], ask: Ask) -> tuple[Judged, ...]:
    """Every message of the talks; each talk begins with a session of its own."""
    judged: list[Judged] = []
    for talk in talks:
        session = Session()
        for place, asked in enumerate(talk):
            given = ask(asked, session)
            session = given.session or Session()
            text = plain_reply(given.reply.passages)
            answer = reply_object(given.reply, text, given.understanding, asked.id, given.elapsed_us)
            judged.append(Judged(asked, answer, place))
    return tuple(judged)
