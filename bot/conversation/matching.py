"""Probabilities -> candidate topics with scores, or none sure enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.conversation.triage import Probabilities, Thresholds
from bot.vocabulary import Candidate, Urgency, Vector

Weights = npt.NDArray[np.float64]
URGENCIES = (Urgency.EMERGENCY, Urgency.SELF_HARM, Urgency.SAFEGUARDING)
OFFERED = 3
"""How many topics are offered between sure and lost."""
SHOWN = 5
"""How many candidates an understanding keeps."""


@dataclass(frozen=True)
class Heads:
    """
    Logistic regressions on the encoder's vectors, and the decisions fitted with them.

    `urgency` and `dosing` are one-against-rest (rows of width + 1, the intercept last); `topic` is multinomial over
    `topics`. `answer_from` and `offer_from` are probabilities of the best topic.
    """

    urgency: Weights
    dosing: Weights
    topic: Weights
    topics: tuple[str, ...]
    thresholds: Mapping[str, Thresholds]
    answer_from: float
    offer_from: float

    def __call__(self, vector: Vector) -> Probabilities:
        """The probabilities of a unit vector of the width that the heads were fitted on."""
        extended = np.append(vector.astype(np.float64), 1.0)
        urgency = 1 / (1 + np.exp(-(self.urgency @ extended)))
        dosing = 1 / (1 + np.exp(-(self.dosing @ extended)))
        scores = self.topic @ extended
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        return Probabilities(
            dict(zip(URGENCIES, urgency.tolist(), strict=True)),
            float(dosing[0]),
            dict(zip(self.topics, shares.tolist(), strict=True)),
        )


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

    mixed = {topic: p ** (1 - weight) * within.topics.get(topic, 0.0) ** weight for topic, p in alone.topics.items()}
    whole = sum(mixed.values()) or 1.0
    return Probabilities(
        {u: graver(p, within.urgencies.get(u, 0.0)) for u, p in alone.urgencies.items()},
        graver(alone.dosing, within.dosing),
        {topic: p / whole for topic, p in mixed.items()},
    )


def candidates(probabilities: Probabilities) -> tuple[Candidate, ...]:
    """The likeliest topics, best first."""
    ranked = sorted(probabilities.topics.items(), key=lambda item: -item[1])[:SHOWN]
    return tuple(Candidate(topic, round(min(1.0, p), 4)) for topic, p in ranked)


@dataclass(frozen=True)
class Match:
    """The topic that was asked for, or None; and the topics to offer where it is not sure."""

    topic: str | None
    offered: tuple[str, ...] = ()


def match(ranked: Sequence[Candidate], heads: Heads | None, unanswerable: str) -> Match:
    """
    The topic, where the best candidate is sure enough; a few to choose from between sure and lost; else nothing.

    Args:
        unanswerable: the class of what we do not answer. Where it leads, we abstain.
    """
    if not ranked or heads is None:
        return Match(None)
    best = ranked[0]
    others = tuple(c.topic for c in ranked if c.topic != unanswerable)[:OFFERED]
    if best.topic != unanswerable and best.score >= heads.answer_from:
        return Match(best.topic)
    near = [c.score for c in ranked if c.topic != unanswerable]
    return Match(None, others if near and near[0] >= heads.offer_from else ())
