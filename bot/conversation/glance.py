"""
Plain words -> how likely each danger is, and dosing, in a twentieth of a millisecond and without the encoder.

It says who is read first, which part of a long message is worth the reading, what sounds like a danger where the model is
away, and is a second opinion beside the model.
Three in four dangers hold no signal: people tell of them in words of their own. The pieces of words that they have in
common are heard all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from bot.conversation.language import words
from bot.conversation.matching import URGENCIES, between
from bot.conversation.triage import Probabilities, Thresholds
from bot.vocabulary import Urgency

PLACES = 2**15
"""Places that pieces are hashed to; twice as many hear a hundredth more."""
PIECES = range(2, 6)
"""Letters in a piece of a word."""

SHARE = 0.2
"""
Its share, in log-odds, in how likely a danger is beside what the model says. The two err on other messages: where 95 in 100
tell of self-harm and are heard, 4.5 of 100 that do not are heard too by the model alone, 3.2 by both; with .3 and more
nothing was gained.
"""


def pieces(text: str) -> Iterator[str]:
    """The words of a text, two neighbours together, and each word's pieces; its ends are marked by a space."""
    plain = words(text)
    for word in plain:
        marked = f" {word} "
        yield marked
        for length in PIECES:
            for start in range(len(marked) - length + 1):
                yield marked[start : start + length]
    for word, following in pairwise(plain):
        yield f"{word} {following}"


def places(text: str) -> npt.NDArray[np.intp]:
    """Where the pieces of a text stand among the weights: each place once, in order."""
    return np.array(sorted({crc32(piece.encode()) % PLACES for piece in pieces(text)}), dtype=np.intp)


@dataclass(frozen=True)
class Glance:
    """
    Logistic regressions on which pieces stand in a text; each piece counts 1 / sqrt(their number).

    `weights` has a row for each of `URGENCIES` and one for dosing, the intercept last. From `hasty` on a danger may be told,
    from `asking` on dosing may be asked for; `thresholds` are for where nothing better is there.
    """

    weights: npt.NDArray[np.float32]
    hasty: float
    asking: float
    thresholds: Thresholds

    def __call__(self, text: str) -> Probabilities:
        """The probabilities of a text; none of topics."""
        found = places(text)
        scores = self.weights[:, found].sum(axis=1) / np.sqrt(max(1, len(found))) + self.weights[:, -1]
        *urgencies, dosing = (1 / (1 + np.exp(-scores))).tolist()
        return Probabilities(dict(zip(URGENCIES, urgencies, strict=True)), dosing)

    def beside(self, likely: Mapping[Urgency, float], text: str) -> dict[Urgency, float]:
        """The probabilities of dangers that the model gave a text, with a share of the glance's."""
        glanced = self(text).urgencies
        return {urgency: between(p, glanced[urgency], SHARE) for urgency, p in likely.items()}

    def hurries(self, text: str) -> bool:
        """Whether a text may tell of a danger: it is to be read before others."""
        return max(self(text).urgencies.values()) >= self.hasty

    def pull(self, text: str, urgencies: Collection[Urgency], dosing: bool) -> float:
        """How much a part of a message tells of some dangers, and, if it is to be looked for, of dosing: which to read first."""
        glanced = self(text)
        told = [glanced.urgencies[urgency] / self.hasty for urgency in urgencies]
        return max([*told, glanced.dosing / self.asking if dosing else 0.0])
