"""Whether the best topic's score can be trusted: reliability, expected calibration error, coverage against error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.desk.evaluation.figures import Share, share
from bot.desk.evaluation.judging import OUT_OF_SCOPE, Judged

BINS = 10
THRESHOLDS = tuple(step / 20 for step in range(20))


@dataclass(frozen=True)
class Bin:
    """Rows whose best topic has about the same score."""

    rows: int
    score: float
    """Their mean score."""
    right: float
    """The share of them whose best topic is right."""


def reliability(judged: Sequence[Judged]) -> tuple[Bin, ...]:
    """By tenths of the best topic's score, the lowest first; tenths without rows are left out."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for j in judged:
        if j.answer.candidates:
            best = j.answer.candidates[0]
            bins.setdefault(min(BINS - 1, int(best.score * BINS)), []).append(
                (best.score, best.topic in j.asked.topics)
            )
    return tuple(
        Bin(len(rows), sum(score for score, _ in rows) / len(rows), sum(right for _, right in rows) / len(rows))
        for _, rows in sorted(bins.items())
    )


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """
    Expected calibration error: how far score and share right lie apart, in the mean over all rows.

    Of equally wide bins, as Guo et al. 2017 have it. None of no rows.
    """
    rows = sum(one.rows for one in bins)
    return sum(one.rows * abs(one.score - one.right) for one in bins) / rows if rows else None


@dataclass(frozen=True)
class Coverage:
    """What a bar for answering would do: how many questions are answered, and how many of those wrongly."""

    threshold: float
    answered: Share
    wrong: Share


def coverage(judged: Sequence[Judged]) -> tuple[Coverage, ...]:
    """
    Coverage against error on the plain questions that our texts answer, from no bar to a high one.

    Where the best candidate is that we have no answer, none is given under any bar.
    """
    asked = [j for j in judged if j.answerable]
    points = []
    for threshold in THRESHOLDS:
        over = [j for j in asked if clears(j, threshold)]
        answered = Share("answered", len(over), len(asked))
        wrong = share("wrong", over, lambda j: j.answer.candidates[0].topic not in j.asked.topics)
        points.append(Coverage(threshold, answered, wrong))
    return tuple(points)


def clears(judged: Judged, threshold: float) -> bool:
    """Whether the best candidate is an answer and reaches the bar."""
    best = next(iter(judged.answer.candidates), None)
    return best is not None and best.topic != OUT_OF_SCOPE and best.score >= threshold
