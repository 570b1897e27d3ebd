"""How much is lost when the same messages are typed in a hurry, shouted, or disguised."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from bot.desk.evaluation.figures import Share, share
from bot.desk.evaluation.judging import Ask, Judged, Outcome, judge
from bot.desk.evaluation.labelled import Labelled, LabelledQuestion, Talk
from bot.desk.noise import (
    Noise,
    in_capitals,
    in_latin_letters,
    in_leet,
    mistyped_often,
    stretched,
    with_emoji,
    with_spaces_lost,
    without_accents,
)
from bot.vocabulary import Urgency

NOISES: Mapping[str, Noise] = {
    "typos, 5 %": mistyped_often,
    "capitals": in_capitals,
    "spaces lost": with_spaces_lost,
    "leet": in_leet,
    "no accents": without_accents,
    "Latin letters": in_latin_letters,
    "emoji": with_emoji,
    "stretched letters": stretched,
}
ONLY_IN: Mapping[str, str] = {"Latin letters": "ru"}
"""Noises that are tried on messages of one language alone."""

PARTS: Mapping[str, tuple[Callable[[Judged], bool], Callable[[Judged], bool]]] = {
    "danger": (lambda j: j.asked.urgency is not Urgency.NONE, lambda j: j.urgency_right),
    "dosing": (lambda j: j.asked.dosing, lambda j: j.dosing_right),
    "topic among three": (lambda j: j.answerable, lambda j: j.among_three_right),
    "no false alarm": (lambda j: j.calm, lambda j: j.answer.urgency is Urgency.NONE),
    "no false dosing": (lambda j: not j.asked.dosing, lambda j: j.dosing_right),
}
"""What is looked at, on which messages, and what is right there; a noise that is taken for danger must not look harmless."""


@dataclass(frozen=True)
class Part:
    """One part of the figures, of the same messages without noise and with it."""

    clean: Share
    noisy: Share

    @property
    def lost(self) -> float | None:
        """Points of a hundred that the noise costs; None of no messages."""
        if self.clean.value is None or self.noisy.value is None:
            return None
        return 100 * (self.clean.value - self.noisy.value)


@dataclass(frozen=True)
class Loss:
    """What one noise costs."""

    noise: str
    parts: tuple[Part, ...]


def losses(labelled: Labelled, clean: Outcome, ask: Ask) -> tuple[Loss, ...]:
    """Every message asked again under each noise, against what was answered without it."""
    answers = iter(clean.all)
    talks = (*((row,) for row in labelled.questions), *labelled.conversations)
    answered = [(talk, tuple(islice(answers, len(talk)))) for talk in talks]
    return tuple(loss(name, answered, ask) for name in NOISES)


def loss(name: str, answered: Sequence[tuple[Talk, tuple[Judged, ...]]], ask: Ask) -> Loss:
    """Of one noise, on the talks it is for; one that it leaves as it is need not be asked again."""
    clean: list[Judged] = []
    noisy: list[Judged] = []
    for talk, before in answered:
        if ONLY_IN.get(name) in {None, talk[0].language}:
            again = tuple(typed(asked, name) for asked in talk)
            clean += before
            noisy += before if again == talk else judge([again], ask)
    return Loss(name, tuple(Part(part(which, clean), part(which, noisy)) for which in PARTS))


def typed(asked: LabelledQuestion, name: str) -> LabelledQuestion:
    """The message under a noise; its id and the noise's name decide how."""
    dice = random.Random(f"{name} {asked.id}")
    text = NOISES[name](asked.text, dice) if asked.text else ""
    return asked.model_copy(update={"text": text})


def part(which: str, judged: Sequence[Judged]) -> Share:
    """How many of the messages that a part looks at are right."""
    looked_at, right = PARTS[which]
    return share(which, [j for j in judged if looked_at(j)], right)


def as_lines(found: Sequence[Loss]) -> list[str]:
    """Points lost by noise, for a terminal; in brackets of how many messages."""
    head = f"{'points lost under':20}" + "".join(f"{name:>20}" for name in PARTS)
    return [head, *(f"{one.noise:20}" + "".join(f"{cell(p):>20}" for p in one.parts) for one in found)]


def cell(part: Part) -> str:
    """Points lost, and of how many messages."""
    return "none" if part.lost is None else f"{part.lost:.1f} ({part.clean.all})"
