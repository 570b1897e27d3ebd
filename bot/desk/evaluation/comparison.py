"""What changed between two runs over the same rows: two models, or two states of the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import comb
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.desk.evaluation.judging import Judged
from bot.desk.evaluation.labelled import EvaluationError
from bot.vocabulary import Urgency


class Verdict(BaseModel):
    """What was answered to one row, and which parts of it were right. No word of the row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    urgency: Urgency
    dosing: bool
    topic: str
    answered: bool
    danger_right: bool
    dosing_right: bool
    topic_right: bool

    @property
    def right(self) -> bool:
        """Whether all of it was."""
        return self.danger_right and self.dosing_right and self.topic_right

    def __str__(self) -> str:
        return f"{self.urgency.value}{' dosing' if self.dosing else ''} {self.topic}"


class Run(BaseModel):
    """The verdicts of one run, by the id of the row or turn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdicts: Mapping[str, Verdict]


def verdict(judged: Judged) -> Verdict:
    """Of one row."""
    return Verdict(
        urgency=judged.answer.urgency,
        dosing=judged.answer.dosing,
        topic=judged.answer.topic,
        answered=not judged.answer.abstained,
        danger_right=judged.urgency_right,
        dosing_right=judged.dosing_right,
        topic_right=judged.topic_right,
    )


def run_of(judged: Iterable[Judged]) -> Run:
    """
    The verdicts of all rows.

    Raises:
        EvaluationError: two rows have one id, so that nobody could tell which is meant.
    """
    verdicts: dict[str, Verdict] = {}
    for j in judged:
        if j.asked.id in verdicts:
            raise EvaluationError(f"two rows have the id {j.asked.id}: a run is kept by id")
        verdicts[j.asked.id] = verdict(j)
    return Run(verdicts=verdicts)


def read_run(path: Path) -> Run:
    """
    A run that was saved.

    Raises:
        EvaluationError: it cannot be read, or is no run.
    """
    try:
        return Run.model_validate_json(path.read_bytes())
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read") from error
    except ValidationError as error:
        raise EvaluationError(f"{path}: is no saved run: {error.errors()[0]['msg']}") from error


@dataclass(frozen=True)
class Change:
    """A row whose verdict is another than before."""

    judged: Judged
    was: Verdict
    now: Verdict

    @property
    def worse(self) -> bool:
        """Whether a part of it was right and no longer is, whatever else is better."""
        return any(before and not after for before, after in self.parts)

    @property
    def better(self) -> bool:
        """Whether a part of it is right that was not, and none the other way about."""
        return not self.worse and any(after and not before for before, after in self.parts)

    @property
    def parts(self) -> tuple[tuple[bool, bool], ...]:
        """Right before, and right now: danger, dosing, topic."""
        was, now = self.was, self.now
        return (
            (was.danger_right, now.danger_right),
            (was.dosing_right, now.dosing_right),
            (was.topic_right, now.topic_right),
        )


@dataclass(frozen=True)
class Paired:
    """One part of the verdict in both runs: how many rows only the one or only the other had right."""

    name: str
    only_before: int
    only_now: int

    @property
    def p(self) -> float:
        """
        McNemar's exact test, two-sided: how likely so uneven a split is if both runs are equally good.

        It takes rows as independent; the turns of one conversation are so only in part.
        """
        rows = self.only_before + self.only_now
        tail = sum(comb(rows, k) for k in range(min(self.only_before, self.only_now) + 1))
        return min(1.0, 2 * tail / (1 << rows))


@dataclass(frozen=True)
class Comparison:
    """Two runs, side by side."""

    compared: int
    only_before: int
    only_now: int
    changes: tuple[Change, ...]
    """The worse first, and among those the ones about danger."""
    paired: tuple[Paired, ...]


def compare(before: Run, judged: Iterable[Judged]) -> Comparison:
    """
    This run against one from before, on the rows that both have.

    Raises:
        EvaluationError: two rows have one id.
    """
    rows = {j.asked.id: j for j in judged}
    now = run_of(judged).verdicts
    both = [id for id in rows if id in before.verdicts]
    changes = [Change(rows[id], before.verdicts[id], now[id]) for id in both if before.verdicts[id] != now[id]]

    def paired(name: str, part: Callable[[Verdict], bool], ids: Iterable[str]) -> Paired:
        pairs = [(part(before.verdicts[id]), part(now[id])) for id in ids]
        return Paired(name, pairs.count((True, False)), pairs.count((False, True)))

    plain = [id for id in both if rows[id].asked.urgency is Urgency.NONE]
    return Comparison(
        compared=len(both),
        only_before=len(before.verdicts.keys() - rows.keys()),
        only_now=len(rows) - len(both),
        changes=tuple(sorted(changes, key=order)),
        paired=(
            paired("danger right", lambda v: v.danger_right, both),
            paired("topic right", lambda v: v.topic_right, plain),
        ),
    )


def order(change: Change) -> tuple[int, bool]:
    """The worse, the better, the rest; in each, those first whose danger is right now and was not, or was and is not."""
    danger = change.was.danger_right == change.now.danger_right
    return (0 if change.worse else 1 if change.better else 2), danger


def as_lines(comparison: Comparison) -> list[str]:
    """The comparison for a terminal: counts, then every change with what it was and is."""
    worse, better = (sum(c.worse for c in comparison.changes), sum(c.better for c in comparison.changes))
    lines = [
        f"against the run before: {comparison.compared} rows in both, {comparison.only_before} only before, "
        f"{comparison.only_now} only now",
        f"{len(comparison.changes)} changed: {worse} for the worse, {better} for the better, "
        f"{len(comparison.changes) - worse - better} neither",
    ]
    for pair in comparison.paired:
        lines.append(
            f"  {pair.name:14} only before {pair.only_before}, only now {pair.only_now}, p = {pair.p:.3f} (McNemar, exact)"
        )
    return lines + [change_line(change) for change in comparison.changes]


def change_line(change: Change) -> str:
    """One change on a line, for the eyes of whoever owns the question file."""
    way = "worse" if change.worse else "better" if change.better else "other"
    return f"{way:6}  {change.judged.asked.id}  was {change.was}  is {change.now}  | {change.judged.asked.text}"
