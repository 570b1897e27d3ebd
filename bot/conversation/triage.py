"""
Signals and probabilities -> the dangers in a message, gravest first; and whether dosing is asked.

A signal is a reviewed pattern of plain words. It is written as people speak:

    he|she|friend .. (not|isnt|aint) breathing

Words stand side by side; `a|b` is either; `word*` begins so; `..` lets up to four words stand between; a phrase of
several words may stand in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from bot.vocabulary import Danger, Urgency

GAP = r"(?:\s\S+){0,4}?\s"


@dataclass(frozen=True)
class Signal:
    """
    Phrases that speak of a danger (or of dosing, where `topic` is no-dosing).

    `near`: one of these must stand in the message too, where any is given. `unless`: none of these may. `calm`:
    instead of speaking of danger, the phrases tell a look-alike, which the model alone may overrule when it is sure.
    """

    topic: str
    phrases: tuple[re.Pattern[str], ...]
    near: tuple[re.Pattern[str], ...] = ()
    unless: tuple[re.Pattern[str], ...] = ()
    calm: bool = False

    def stands_in(self, text: str) -> bool:
        """Whether the signal stands in plain words joined by single spaces."""
        return (
            any(p.search(text) for p in self.phrases)
            and (not self.near or any(p.search(text) for p in self.near))
            and not any(p.search(text) for p in self.unless)
        )


@cache
def pattern(phrase: str) -> re.Pattern[str]:
    """
    A phrase as a regular expression over plain words.

    Raises:
        ValueError: the phrase cannot be read.
    """
    if re.sub(r"\([^()]*\)", "", phrase).count("(") or re.sub(r"\([^()]*\)", "", phrase).count(")"):
        raise ValueError(f"a bracket of the phrase {phrase!r} has no other half")
    pieces: list[str] = []
    for token in re.findall(r"\([^()]*\)|\.\.|[^\s()]+", phrase):
        if token == "..":
            pieces.append(GAP)
            continue
        options = token.strip("()").split("|")
        if not all(re.fullmatch(r"[^\W_]+(?: [^\W_]+)*\*?", option) for option in options):
            raise ValueError(f"cannot read {token!r} of the phrase {phrase!r}")
        read = "(?:" + "|".join(o[:-1] + r"\S*" if o.endswith("*") else o for o in options) + ")"
        if pieces and pieces[-1] != GAP:
            pieces.append(r"\s")
        pieces.append(read)
    if not pieces or pieces[0] == GAP or pieces[-1] == GAP:
        raise ValueError(f"the phrase {phrase!r} has no words at an end")
    return re.compile(r"(?<!\S)" + "".join(pieces) + r"(?!\S)")


@dataclass(frozen=True)
class Probabilities:
    """What the heads say of one vector; empty where there is no model."""

    urgencies: Mapping[Urgency, float] = field(default_factory=dict)
    dosing: float = 0.0
    topics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Thresholds:
    """From which probability on a danger, and dosing, is taken as meant; by language, set on data of our own."""

    urgencies: Mapping[Urgency, float]
    dosing: float


SURE = 0.97
"""Above this the model outvotes a look-alike phrase. It fails to the safe side."""

DOUBTED = 0.004
"""Below this the model outvotes a signal: it has then read the words as a film, a laptop or a year long gone."""

USUAL_TOPIC = {
    Urgency.EMERGENCY: "someone-down",
    Urgency.SELF_HARM: "self-harm",
    Urgency.SAFEGUARDING: "unsafe-at-home",
}


def triage(
    text: str,
    signals: Iterable[Signal],
    probabilities: Probabilities,
    thresholds: Thresholds | None,
    urgency_of: Mapping[str, Urgency],
) -> tuple[Danger, ...]:
    """
    All dangers in a message, gravest first: the larger of signal and model, for each urgency.

    Args:
        text: the plain words, joined by single spaces.
        urgency_of: the danger that each topic answers.
    """
    heard = [signal for signal in signals if signal.stands_in(text)]
    loud = {urgency_of.get(s.topic, Urgency.NONE): s.topic for s in reversed(heard) if not s.calm}
    calm = {urgency_of.get(s.topic, Urgency.NONE) for s in heard if s.calm}
    dangers: list[Danger] = []
    for urgency, usual in USUAL_TOPIC.items():
        likely = probabilities.urgencies.get(urgency, 0.0)
        bar = thresholds.urgencies[urgency] if thresholds else 1.1
        if urgency in calm and urgency not in loud:
            bar = max(bar, SURE)
        spoken = urgency in loud and (thresholds is None or likely >= DOUBTED)
        if spoken or likely >= bar:
            topic = gravest_topic(urgency, probabilities.topics, urgency_of) or loud.get(urgency) or usual
            dangers.append(Danger(urgency, loud[urgency] if spoken and loud[urgency] != usual else topic))
    return tuple(sorted(dangers, key=lambda danger: -danger.urgency.gravity))


def gravest_topic(urgency: Urgency, topics: Mapping[str, float], urgency_of: Mapping[str, Urgency]) -> str | None:
    """The likeliest topic among those that answer this danger; None without a model."""
    rivals = {topic: p for topic, p in topics.items() if urgency_of.get(topic) is urgency}
    return max(rivals, key=lambda topic: rivals[topic]) if rivals else None


def asks_for_dosing(
    text: str, signals: Sequence[Signal], probabilities: Probabilities, thresholds: Thresholds | None
) -> bool:
    """Whether amounts, timing, ways to use, to beat a block or to get drugs are asked for."""
    heard = [signal for signal in signals if signal.topic == "no-dosing" and signal.stands_in(text)]
    if any(not signal.calm for signal in heard):
        return True
    bar = thresholds.dosing if thresholds else 1.1
    return probabilities.dosing >= (max(bar, SURE) if heard else bar)
