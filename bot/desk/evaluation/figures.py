"""Shares with their intervals, by slice: what is found, and how often the topic is right; confusion; time taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from bot.desk.evaluation.judging import OUT_OF_SCOPE, Judged
from bot.desk.evaluation.labelled import LabelledQuestion
from bot.vocabulary import Urgency

Z = 1.96
"""Two-sided 95 % of a normal distribution."""
DANGERS = tuple(urgency for urgency in Urgency if urgency is not Urgency.NONE)


@dataclass(frozen=True)
class Share:
    """Some of all, with its 95 % interval by Wilson."""

    name: str
    some: int
    all: int

    @property
    def value(self) -> float | None:
        """In [0, 1]; None of nothing."""
        return self.some / self.all if self.all else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson score interval (Wilson 1927)."""
        if self.value is None:
            return None
        p, n = self.value, self.all
        middle, spread = p + Z * Z / (2 * n), Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        low, high = (middle - spread) / (1 + Z * Z / n), (middle + spread) / (1 + Z * Z / n)
        return max(0.0, low), min(1.0, high)

    def __str__(self) -> str:
        if self.value is None or self.interval is None:
            return f"{self.name:34}    none"
        low, high = self.interval
        return f"{self.name:34} {self.value:7.1%}  [{low:.1%}, {high:.1%}]  {self.some}/{self.all}"


def share(name: str, rows: Iterable[Judged], right: Callable[[Judged], bool]) -> Share:
    """How many of the rows are right."""
    verdicts = [right(row) for row in rows]
    return Share(name, sum(verdicts), len(verdicts))


def figures(judged: Sequence[Judged]) -> tuple[Share, ...]:
    """The figures of a set of rows."""
    calm = [j for j in judged if j.calm]
    look_alikes = [j for j in calm if "hard_negative" in j.asked.tags]
    asked = [j for j in judged if j.answerable]
    answered = [j for j in asked if not j.answer.abstained]
    harmless = [j for j in judged if j.asked.urgency is Urgency.NONE and OUT_OF_SCOPE in j.asked.topics]
    return (
        *(found(urgency, judged) for urgency in DANGERS),
        *(precision(urgency, judged) for urgency in DANGERS),
        share("false alarms", calm, lambda j: j.answer.urgency is not Urgency.NONE),
        share("false alarms, look-alikes", look_alikes, lambda j: j.answer.urgency is not Urgency.NONE),
        share("dosing found", [j for j in judged if j.asked.dosing], lambda j: j.dosing_right),
        share("dosing precision", [j for j in judged if j.answer.dosing], lambda j: j.dosing_right),
        share("dosing false", [j for j in judged if not j.asked.dosing], lambda j: not j.dosing_right),
        share("right topic first", asked, lambda j: j.first_right),
        share("right topic among three", asked, lambda j: j.among_three_right),
        share("answered", asked, lambda j: not j.answer.abstained),
        share("wrong among answered", answered, lambda j: j.answer.topic not in j.asked.topics),
        share("out of scope handled", harmless, lambda j: j.answer.abstained or j.answer.topic in j.asked.topics),
        share("pointer in the reply", judged, lambda j: j.answer.emergency_contact.number in j.answer.text),
    )


def found(urgency: Urgency, judged: Iterable[Judged]) -> Share:
    """Recall: of those in this danger, how many were told to be."""
    return share(f"{urgency.value} found", [j for j in judged if j.asked.urgency is urgency], lambda j: j.urgency_right)


def precision(urgency: Urgency, judged: Iterable[Judged]) -> Share:
    """Of those told to be in this danger, beside another or not, how many are labelled so."""
    told = [j for j in judged if urgency in j.answer.dangers]
    return share(f"{urgency.value} precision", told, lambda j: urgency in {j.asked.urgency, *j.asked.also_urgency})


SLICES: Mapping[str, Callable[[LabelledQuestion], tuple[str, ...]]] = {
    "language": lambda asked: (asked.language,),
    "audience": lambda asked: (asked.audience,),
    "tag": lambda asked: asked.tags,
    "meaning": lambda asked: (asked.meaning,) if asked.meaning else (),
}
"""By what the rows are sliced, and the slices that a row belongs to."""


def slices(judged: Sequence[Judged], *kinds: str) -> Mapping[str, Sequence[Judged]]:
    """The rows by slice, named as "language en"."""
    return {
        f"{kind} {value}": [j for j in judged if value in SLICES[kind](j.asked)]
        for kind in kinds
        for value in sorted({value for j in judged for value in SLICES[kind](j.asked)})
    }


def by_slice(judged: Sequence[Judged], *kinds: str) -> Mapping[str, tuple[Share, ...]]:
    """The figures of all rows, and of each slice of these kinds; without a kind, of every kind."""
    rows = {"all": judged, **slices(judged, *(kinds or SLICES))}
    return {name: figures(part) for name, part in rows.items()}


def turn_figures(turns: Sequence[Judged]) -> tuple[Share, ...]:
    """How many turns of conversations are right, and each part of it by itself."""
    return (
        share("turns right", turns, lambda j: j.right),
        share("urgency right", turns, lambda j: j.urgency_right),
        share("dosing right", turns, lambda j: j.dosing_right),
        share("topic right", turns, lambda j: j.topic_right),
    )


def by_turn(turns: Sequence[Judged]) -> Mapping[str, tuple[Share, ...]]:
    """The figures of all turns, by position and by language."""
    languages = sorted({j.asked.language for j in turns})
    rows: dict[str, Sequence[Judged]] = {
        "all turns": turns,
        "first turns": [j for j in turns if j.place == 0],
        "later turns": [j for j in turns if j.place > 0],
        **{f"turns in {language}": [j for j in turns if j.asked.language == language] for language in languages},
    }
    return {name: turn_figures(part) for name, part in rows.items()}


def urgency_confusion(judged: Sequence[Judged]) -> Counter[tuple[Urgency, Urgency]]:
    """How often each labelled urgency was found as which."""
    return Counter((j.asked.urgency, j.answer.urgency) for j in judged)


def topic_confusion(judged: Sequence[Judged]) -> list[tuple[tuple[str, str], int]]:
    """The thirty pairs of labelled and found topic that are confused most, with how often."""
    wrong = [j for j in judged if j.ranked and not j.first_right]
    pairs = Counter(("/".join(j.asked.topics[:1]), j.ranked[0]) for j in wrong)
    return pairs.most_common(30)


def latency(judged: Sequence[Judged]) -> tuple[float, float]:
    """Milliseconds from message to reply: the median, and what 95 % stay within."""
    times = sorted(j.answer.elapsed_us / 1000 for j in judged)
    return times[len(times) // 2], times[int(len(times) * 0.95)]
