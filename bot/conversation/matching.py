"""Probabilities -> candidate topics with scores, or none sure enough."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import nlargest
from math import exp, log
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from bot.conversation.triage import Probabilities, Thresholds
from bot.vocabulary import Candidate, Urgency, Vector

Weights = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
URGENCIES = (Urgency.EMERGENCY, Urgency.SELF_HARM, Urgency.SAFEGUARDING)
OFFERED = 3
"""How many topics are offered between sure and lost."""
SHOWN = 5
"""How many candidates an understanding keeps."""
WEIGHED = 256
"""Of more topics than this only the likeliest are weighed further: of thousands, the others would only take time."""


@dataclass(frozen=True)
class Heads:
    """
    Logistic regressions on the encoder's vectors, and the decisions fitted with them.

    `urgency` and `dosing` are one-against-rest (rows of width + 1, the intercept last); `topic` is multinomial over
    `topics`. `witnesses` are the topics that speak of a danger, `dosing_witnesses` those that speak of dosing: their share
    is a second opinion on it. `answer_from` and `offer_from` are probabilities of the best topic. `talk` is another
    multinomial one over `topics`, for a message in a talk: on its vector alone and its vector after the last title.
    `aside` (a row for each danger, one for dosing) tells of them where a message says something else too; `aside_from` is the
    probability from which on it is read in parts.
    """

    urgency: Weights
    dosing: Weights
    topic: Weights
    topics: tuple[str, ...]
    thresholds: Mapping[str, Thresholds]
    answer_from: float
    offer_from: float
    aside: Weights
    aside_from: float
    witnesses: Mapping[Urgency, frozenset[str]] = field(default_factory=dict)
    dosing_witnesses: frozenset[str] = frozenset()
    talk: Weights | None = None

    def __call__(self, vector: Vector) -> Probabilities:
        """The probabilities of a unit vector of the width that the heads were fitted on."""
        extended = np.append(vector.astype(np.float64), 1.0)
        urgency = 1 / (1 + np.exp(-(self.urgency @ extended)))
        dosing = 1 / (1 + np.exp(-(self.dosing @ extended)))
        *aside, dosing_aside = (1 / (1 + np.exp(-(self.aside @ extended)))).tolist()
        shares = shares_of(self.topic @ extended)
        told = {u: float(shares[places].sum()) for u, places in self._places.items()}
        return Probabilities(
            {u: between(p, told[u]) if u in told else p for u, p in zip(URGENCIES, urgency.tolist(), strict=True)},
            self._dosing_agreed(float(dosing[0]), shares, sum(told.values())),
            self._likeliest(shares),
            dict(zip(URGENCIES, aside, strict=True)),
            dosing_aside,
        )

    def topics_in_talk(self, alone: Vector, within: Vector) -> dict[str, float] | None:
        """
        The probabilities of the topics of a message in a talk; None where nothing is known of talks.

        By itself "and if he uses anyway" may be about a few topics; read together with the title of the last answer it is
        about the same again, for the title has most of the words. Which of both to believe, and when, is learnt: of 499
        turns of other people's talks 427 got their topic so, 422 read within alone, 335 read by themselves.

        Args:
            alone: the vector of the message.
            within: that of the message after the title of what was answered last.
        """
        if self.talk is None:
            return None
        return self._likeliest(shares_of(self.talk @ np.concatenate([alone, within, [1.0]]).astype(np.float64)))

    @cached_property
    def _places(self) -> Mapping[Urgency, Places]:
        """
        Where the topics that speak of each danger stand.

        The mean, in log-odds, of what a danger's own head says and what its topics' share says is taken. Each errs on
        other messages: of 97 in 100 dangers found, both together raise half the false alarms of one.
        """
        return {urgency: places_of(topics, self.topics) for urgency, topics in self.witnesses.items() if topics}

    @cached_property
    def _dosing_places(self) -> Places:
        return places_of(self.dosing_witnesses, self.topics)

    def _dosing_agreed(self, likely: float, shares: Weights, dangers: float) -> float:
        """What the head says of dosing and what its topics' share says; of 97 in 100 requests found, two fifths of the honest
        questions are then refused that the head alone would refuse."""
        asking = float(shares[self._dosing_places].sum())
        return between_on_dosing(likely, asking, dangers) if self.dosing_witnesses else likely

    def _likeliest(self, shares: Weights) -> dict[str, float]:
        """By topic, of all or of the likeliest."""
        if len(shares) <= WEIGHED:
            return dict(zip(self.topics, shares.tolist(), strict=True))
        best = np.argpartition(shares, -WEIGHED)[-WEIGHED:]
        return {self.topics[at]: share for at, share in zip(best.tolist(), shares[best].tolist(), strict=True)}


def shares_of(scores: Weights) -> Weights:
    """The probability of each of several classes."""
    shares = np.exp(scores - scores.max())
    whole: Weights = shares / shares.sum()
    return whole


def places_of(some: Container[str], topics: Sequence[str]) -> Places:
    """Where some of the topics stand among all."""
    return np.array([place for place, topic in enumerate(topics) if topic in some], dtype=np.intp)


def between_on_dosing(likely: float, asking: float, dangers: float) -> float:
    """
    Half-way between the head and the topics; a topic that is a danger says nothing of dosing, and the head speaks for it.

    Args:
        asking: the share of the topics that speak of dosing.
        dangers: that of those that speak of a danger.
    """
    return between(likely, asking + dangers * likely)


NEVER = 1e-9
"""No head is surer than this, either way."""


def between(first: float, second: float, share: float = 0.5) -> float:
    """The probability between two, in log-odds: half-way, or nearer to the first where the second's share is smaller."""

    def odds(p: float) -> float:
        held = min(max(p, NEVER), 1 - NEVER)
        return log(held / (1 - held))

    return 1 / (1 + exp(-(1 - share) * odds(first) - share * odds(second)))


HEARD_IN_CONTEXT = 0.5
"""From here on a danger counts that is heard in context alone; below, the last topic would speak for the message."""


def in_context(alone: Probabilities, within: Probabilities, weight: float) -> Probabilities:
    """
    One message judged alone and with the last topic before it.

    The graver wins for dangers and dosing, where the context is clear of them; topics are the geometric mean, `weight`
    the share of the context.
    """

    def graver(before: float, after: float) -> float:
        return max(before, after if after >= HEARD_IN_CONTEXT else 0.0)

    # Of thousands of topics each reading has its likeliest alone: what the other has is at most its least likely.
    least = min(alone.topics.values(), default=0.0)
    mixed = {
        topic: alone.topics.get(topic, least) ** (1 - weight) * within.topics.get(topic, 0.0) ** weight
        for topic in dict.fromkeys((*alone.topics, *within.topics))
    }
    whole = sum(mixed.values()) or 1.0
    return Probabilities(
        {u: graver(p, within.urgencies.get(u, 0.0)) for u, p in alone.urgencies.items()},
        graver(alone.dosing, within.dosing),
        {topic: p / whole for topic, p in mixed.items()},
        alone.urgencies_aside,
        alone.dosing_aside,
    )


def in_both(alone: Mapping[Urgency, float], within: Mapping[Urgency, float]) -> dict[Urgency, float]:
    """
    Dangers in a message after a topic that is none: the graver reading where one is clear, else half-way between.

    Few words are read darkly by themselves: "i lie awake" after a question on grief is grief.
    """

    def both(before: float, after: float) -> float:
        return max(before, after) if max(before, after) >= HEARD_IN_CONTEXT else between(before, after)

    return {urgency: both(p, within.get(urgency, 0.0)) for urgency, p in alone.items()}


def with_dangers_as(
    alone: Mapping[str, float], mixed: Mapping[str, float], urgency_of: Mapping[str, Urgency]
) -> dict[str, float]:
    """
    Topics in a talk, those of one danger told from each other by the message alone.

    After "what if I use on the block", a friend who turned blue is still a friend, and not the one who writes.
    """
    topics = dict(mixed)
    for urgency in URGENCIES:
        rivals = [topic for topic in mixed if urgency_of.get(topic) is urgency]
        said = sum(alone.get(topic, 0.0) for topic in rivals)
        whole = sum(mixed[topic] for topic in rivals)
        if said:
            topics |= {topic: whole * alone.get(topic, 0.0) / said for topic in rivals}
    return topics


def candidates(probabilities: Probabilities) -> tuple[Candidate, ...]:
    """The likeliest topics, best first."""
    ranked = nlargest(SHOWN, probabilities.topics.items(), key=itemgetter(1))
    return tuple(Candidate(topic, round(min(1.0, p), 4)) for topic, p in ranked)


@dataclass(frozen=True)
class Match:
    """The topic that was asked for, or None; and the topics to offer where it is not sure."""

    topic: str | None
    offered: tuple[str, ...] = ()


def match(ranked: Sequence[Candidate], heads: Heads | None, unanswerable: str, bar: float | None = None) -> Match:
    """
    The topic, where the best candidate is sure enough; a few to choose from between sure and lost; else nothing.

    Args:
        unanswerable: the class of what we do not answer. Where it leads, we abstain.
        bar: from which probability on a topic is sure; None for the heads' own.
    """
    if not ranked or heads is None:
        return Match(None)
    best = ranked[0]
    others = tuple(c.topic for c in ranked if c.topic != unanswerable)[:OFFERED]
    if best.topic != unanswerable and best.score >= (heads.answer_from if bar is None else bar):
        return Match(best.topic)
    near = [c.score for c in ranked if c.topic != unanswerable]
    return Match(None, others if near and near[0] >= heads.offer_from else ())
