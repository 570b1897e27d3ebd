"""An evaluation as text for a terminal and as JSON; and the rows that went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.desk.evaluation import comparison, robustness
from bot.desk.evaluation.calibration import calibration_error, coverage, reliability
from bot.desk.evaluation.comparison import Comparison
from bot.desk.evaluation.figures import (
    Share,
    by_slice,
    by_turn,
    figures,
    latency,
    slices,
    topic_confusion,
    urgency_confusion,
)
from bot.desk.evaluation.judging import Judged, Outcome
from bot.desk.evaluation.robustness import Loss
from bot.vocabulary import Urgency

COLUMNS: Mapping[str, str] = {
    "emergency": "emergency found",
    "self-harm": "self_harm found",
    "false alarms": "false alarms",
    "dosing": "dosing found",
    "topic": "right topic first",
}
"""What a compact table shows of a slice."""
SHOWN = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The bars for answering of which a terminal is told."""


@dataclass(frozen=True)
class Evaluation:
    """All that was found out."""

    outcome: Outcome
    losses: tuple[Loss, ...] = ()
    comparison: Comparison | None = None


def as_text(evaluation: Evaluation) -> str:
    """The figures as tables for a terminal."""
    questions, turns = evaluation.outcome.questions, evaluation.outcome.turns
    parts: list[Iterable[str]] = []
    if questions:
        parts += [lines(name, shares) for name, shares in by_slice(questions, "language", "audience").items()]
        parts += [tag_lines(questions), score_lines(questions)]
    parts += [lines(name, shares) for name, shares in by_turn(turns).items() if turns]
    if evaluation.losses:
        parts.append(robustness.as_lines(evaluation.losses))
    middle, late = latency(evaluation.outcome.all)
    parts.append([f"time a message: median {middle:.1f} ms, 95 % within {late:.1f} ms"])
    if evaluation.comparison:
        parts.append(comparison.as_lines(evaluation.comparison))
    return "\n\n".join("\n".join(part) for part in parts if part)


def lines(name: str, shares: Iterable[Share]) -> list[str]:
    """A slice's figures; those of no rows are left out."""
    return [name, *(f"  {s}" for s in shares if s.all)]


def tag_lines(judged: Sequence[Judged]) -> list[str]:
    """A compact table of the tags: a share and of how many rows, in each column."""
    rows = slices(judged, "tag")
    if not rows:
        return []
    head = f"{'':28}" + "".join(f"{name:>15}" for name in COLUMNS)
    return [head, *(f"{name:28}" + "".join(f"{c:>15}" for c in tag_cells(part)) for name, part in rows.items())]


def tag_cells(judged: Sequence[Judged]) -> list[str]:
    """The columns of the compact table for one slice."""
    shares = {s.name: s for s in figures(judged)}
    return [in_short(shares[figure]) for figure in COLUMNS.values()]


def in_short(s: Share) -> str:
    """A share and of how many, as "96 % of 25"."""
    return "-" if s.value is None else f"{s.value:.0%} of {s.all}"


def score_lines(judged: Sequence[Judged]) -> list[str]:
    """How far the best topic's score can be trusted."""
    error = calibration_error(reliability(judged))
    points = [point for point in coverage(judged) if point.threshold in SHOWN and point.answered.all]
    told = [] if error is None else [f"expected calibration error of the best topic's score: {error:.3f}"]
    return told + [
        f"  answered from a score of {p.threshold:.1f}: {in_short(p.answered)}, wrong {in_short(p.wrong)}"
        for p in points
    ]


def as_json(evaluation: Evaluation) -> str:
    """All figures as JSON: a key for each slice of the questions, and one for each further kind of figure."""
    questions, turns = evaluation.outcome.questions, evaluation.outcome.turns
    middle, late = latency(evaluation.outcome.all)
    found: dict[str, Any] = {"latency": {"median_ms": middle, "p95_ms": late}}
    if questions:
        found = {**slices_object(by_slice(questions)), **scores_object(questions), **found}
    if turns:
        found["conversations"] = slices_object(by_turn(turns))
    if evaluation.losses:
        found["robustness"] = {one.noise: loss_object(one) for one in evaluation.losses}
    if evaluation.comparison:
        found["comparison"] = comparison_object(evaluation.comparison)
    return json.dumps(found, indent=1, ensure_ascii=False)


def slices_object(slices: Mapping[str, Iterable[Share]]) -> dict[str, Any]:
    """Figures by slice."""
    return {name: {s.name: share_object(s) for s in shares} for name, shares in slices.items()}


def share_object(s: Share) -> dict[str, Any]:
    """A share with its interval and counts."""
    return {"value": s.value, "interval": s.interval, "some": s.some, "all": s.all}


def scores_object(judged: Sequence[Judged]) -> dict[str, Any]:
    """Calibration, coverage and confusion."""
    bins, counts = reliability(judged), urgency_confusion(judged)
    return {
        "calibration": {
            "error": calibration_error(bins),
            "bins": [{"rows": one.rows, "score": one.score, "right": one.right} for one in bins],
        },
        "coverage": [
            {"threshold": p.threshold, "answered": share_object(p.answered), "wrong": share_object(p.wrong)}
            for p in coverage(judged)
        ],
        "confusion": {
            "urgency": {u.value: {v.value: counts[u, v] for v in Urgency} for u in Urgency},
            "topics": [{"labelled": a, "found": b, "times": n} for (a, b), n in topic_confusion(judged)],
        },
    }


def loss_object(one: Loss) -> dict[str, Any]:
    """What a noise costs, part by part."""
    return {
        p.clean.name: {"points_lost": p.lost, "clean": share_object(p.clean), "noisy": share_object(p.noisy)}
        for p in one.parts
    }


def comparison_object(found: Comparison) -> dict[str, Any]:
    """What changed, by the ids of the rows."""
    return {
        "rows": {"in_both": found.compared, "only_before": found.only_before, "only_now": found.only_now},
        "tests": {
            p.name: {"only_before": p.only_before, "only_now": p.only_now, "p": p.p, "test": "McNemar, exact"}
            for p in found.paired
        },
        "worse": [change_object(c) for c in found.changes if c.worse],
        "better": [change_object(c) for c in found.changes if c.better],
        "other": [change_object(c) for c in found.changes if not c.worse and not c.better],
    }


def change_object(change: comparison.Change) -> dict[str, Any]:
    """One row that changed."""
    was, now = change.was.model_dump(mode="json"), change.now.model_dump(mode="json")
    return {"id": change.judged.asked.id, "was": was, "is": now}


def misses(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """Rows that went wrong, the gravest first: a danger missed, a false alarm, dosing, then topics."""

    def gravity(j: Judged) -> int:
        if not j.urgency_right:
            return 3 if j.asked.urgency is not Urgency.NONE else 2
        if not j.dosing_right:
            return 1
        return -1 if j.topic_right or j.first_right else 0

    return tuple(sorted((j for j in judged if gravity(j) >= 0), key=lambda j: -gravity(j)))


def miss_line(j: Judged) -> str:
    """One miss on a line, for the eyes of whoever owns the question file."""
    wanted = f"{j.asked.urgency.value}{' dosing' if j.asked.dosing else ''} {'/'.join(j.asked.topics)}"
    got = f"{j.answer.urgency.value}{' dosing' if j.answer.dosing else ''} {'/'.join(j.ranked[:2])}"
    return f"{j.asked.id}  wanted {wanted}  got {got}  | {j.asked.text}"
