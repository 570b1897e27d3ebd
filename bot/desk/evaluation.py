"""Figures over a labelled question file: `evaluate`."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from bot.markup import plain_reply
from bot.vocabulary import ClearedReply, Understanding, Urgency
from bot.wire import ReplyObject, reply_object

Z = 1.96
"""Two-sided 95 % of a normal distribution."""
OUT_OF_SCOPE = "out-of-scope"


class LabelledQuestion(BaseModel):
    """One row of a question file, with the labels that count as right."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    text: str
    language: Annotated[str, Field(validation_alias=AliasChoices("lang", "language"))]
    audience: Literal["teen", "parent", "anyone"] = "anyone"
    urgency: Urgency
    dosing: bool
    topics: tuple[str, ...]
    tags: tuple[str, ...] = ()
    also_urgency: tuple[Urgency, ...] = ()
    also_dosing: bool | None = None


@dataclass(frozen=True)
class Judged:
    """A row and what was answered."""

    asked: LabelledQuestion
    answer: ReplyObject

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
    def ranked(self) -> tuple[str, ...]:
        """Topics, best first, with what the triage put first."""
        lead = [self.answer.topic] if self.answer.topic != OUT_OF_SCOPE else []
        return tuple(dict.fromkeys([*lead, *(c.topic for c in self.answer.candidates)]))


class EvaluationError(Exception):
    """A question file cannot be used; who runs the evaluation mends it."""


def read_labelled(path: Path) -> tuple[LabelledQuestion, ...]:
    """
    A labelled question file, one JSON object a line.

    Raises:
        EvaluationError: it cannot be read, or a row is not in its shape; with the line.
    """
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise EvaluationError(f"{path}: cannot be read") from error
    for number, line in enumerate(lines, 1):
        try:
            rows.append(LabelledQuestion.model_validate_json(line))
        except ValidationError as error:
            raise EvaluationError(f"{path}:{number}: {error.errors()[0]['msg']}") from error
    if not rows:
        raise EvaluationError(f"{path}: holds no questions")
    return tuple(rows)


Ask = Callable[[LabelledQuestion], tuple[ClearedReply, Understanding | None, int]]


def judge(rows: Iterable[LabelledQuestion], ask: Ask) -> tuple[Judged, ...]:
    """Every row with what `ask` answers: reply, understanding, microseconds."""
    judged = []
    for row in rows:
        reply, understanding, elapsed = ask(row)
        judged.append(Judged(row, reply_object(reply, plain_reply(reply.passages), understanding, row.id, elapsed)))
    return tuple(judged)


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
    calm = [j for j in judged if j.asked.urgency is Urgency.NONE]
    strict_calm = [j for j in calm if not j.asked.also_urgency]
    asked = [j for j in calm if not j.asked.dosing and OUT_OF_SCOPE not in j.asked.topics]
    found = [
        share(f"{u.value} found", [j for j in judged if j.asked.urgency is u], lambda j: j.urgency_right)
        for u in Urgency
        if u is not Urgency.NONE
    ]
    look_alikes = [j for j in strict_calm if "hard_negative" in j.asked.tags]
    answered = [j for j in asked if not j.answer.abstained]
    return (
        *found,
        share("false alarms", strict_calm, lambda j: j.answer.urgency is not Urgency.NONE),
        share("false alarms, look-alikes", look_alikes, lambda j: j.answer.urgency is not Urgency.NONE),
        share("dosing found", [j for j in judged if j.asked.dosing], lambda j: j.dosing_right),
        share("dosing false", [j for j in judged if not j.asked.dosing], lambda j: not j.dosing_right),
        share("right topic first", asked, lambda j: j.ranked[:1] != () and j.ranked[0] in j.asked.topics),
        share("right topic among three", asked, lambda j: bool(set(j.ranked[:3]) & set(j.asked.topics))),
        share("answered", asked, lambda j: not j.answer.abstained),
        share("wrong among answered", answered, lambda j: j.answer.topic not in j.asked.topics),
        share(
            "out of scope handled",
            [j for j in calm if OUT_OF_SCOPE in j.asked.topics],
            lambda j: j.answer.abstained or j.answer.topic in j.asked.topics,
        ),
        share("pointer in the reply", judged, lambda j: j.answer.emergency_contact.number in j.answer.text),
    )


def by_slice(judged: Sequence[Judged]) -> Mapping[str, tuple[Share, ...]]:
    """The figures of all rows, of each language and of each audience."""
    slices = {"all": judged}
    for language in sorted({j.asked.language for j in judged}):
        slices[f"language {language}"] = [j for j in judged if j.asked.language == language]
    for audience in sorted({j.asked.audience for j in judged}):
        slices[f"audience {audience}"] = [j for j in judged if j.asked.audience == audience]
    return {name: figures(rows) for name, rows in slices.items()}


def misses(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """Rows that went wrong, the gravest first: a danger missed, a false alarm, dosing, then topics."""

    def gravity(j: Judged) -> int:
        if not j.urgency_right:
            return 3 if j.asked.urgency is not Urgency.NONE else 2
        if not j.dosing_right:
            return 1
        return 0 if not set(j.ranked[:1]) & set(j.asked.topics) and j.asked.urgency is Urgency.NONE else -1

    return tuple(sorted((j for j in judged if gravity(j) >= 0), key=lambda j: -gravity(j)))


def miss_line(j: Judged) -> str:
    """One miss on a line, for the eyes of whoever owns the question file."""
    wanted = f"{j.asked.urgency.value}{' dosing' if j.asked.dosing else ''} {'/'.join(j.asked.topics)}"
    got = f"{j.answer.urgency.value}{' dosing' if j.answer.dosing else ''} {'/'.join(j.ranked[:2])}"
    return f"{j.asked.id}  wanted {wanted}  got {got}  | {j.asked.text}"


def as_text(judged: Sequence[Judged]) -> str:
    """The figures as a table for a terminal."""
    parts = [f"{name}\n" + "\n".join(f"  {s}" for s in shares) for name, shares in by_slice(judged).items()]
    times = sorted(j.answer.elapsed_us for j in judged)
    middle, late = times[len(times) // 2] / 1000, times[int(len(times) * 0.95)] / 1000
    return "\n\n".join(parts) + f"\n\ntime a message: median {middle:.1f} ms, 95 % within {late:.1f} ms"


def as_json(judged: Sequence[Judged]) -> str:
    """The figures as JSON."""
    return json.dumps(
        {
            name: {s.name: {"value": s.value, "interval": s.interval, "some": s.some, "all": s.all} for s in shares}
            for name, shares in by_slice(judged).items()
        },
        indent=1,
    )


STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #ddd}"
    "td:first-child,th:first-child{text-align:left}.b{background:#eef}svg{max-width:100%}"
)


def as_html(judged: Sequence[Judged]) -> str:
    """One page: the figures, a confusion table of urgencies and of topics, a reliability plot, the misses."""
    parts = [f"<h1>Evaluation</h1><p>{len(judged)} questions.</p>"]
    for name, shares in by_slice(judged).items():
        parts.append(f"<h2>{html.escape(name)}</h2>" + table(["", "share", "95 % interval", "n"], map(cells, shares)))
    parts += ["<h2>Urgency: labelled (rows) and found (columns)</h2>", urgency_table(judged)]
    parts += ["<h2>Topics most often taken for another</h2>", topic_table(judged)]
    parts += ["<h2>Reliability of topic scores</h2>", reliability_plot(judged)]
    parts += ["<h2>Misses</h2><ol>", *(f"<li>{html.escape(miss_line(j))}</li>" for j in misses(judged)), "</ol>"]
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation</title><style>{STYLE}</style>'
    return head + "<body>" + "\n".join(parts) + "</body></html>\n"


def cells(s: Share) -> list[str]:
    """A share as cells of a table."""
    if s.value is None or s.interval is None:
        return [s.name, "none", "", "0"]
    return [s.name, f"{s.value:.1%}", f"{s.interval[0]:.1%} – {s.interval[1]:.1%}", str(s.all)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """An HTML table; every cell is escaped."""
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def urgency_table(judged: Sequence[Judged]) -> str:
    """Counts of labelled against found urgency."""
    counts = Counter((j.asked.urgency, j.answer.urgency) for j in judged)
    rows = [[u.value, *(str(counts[u, v]) for v in Urgency)] for u in Urgency]
    return table(["", *(u.value for u in Urgency)], rows)


def topic_table(judged: Sequence[Judged]) -> str:
    """The pairs of topics that are confused most."""
    pairs = Counter((j.asked.topics[0], j.ranked[0]) for j in judged if j.ranked and j.ranked[0] not in j.asked.topics)
    return table(["labelled", "found", "times"], ([a, b, str(n)] for (a, b), n in pairs.most_common(30)))


def reliability_plot(judged: Sequence[Judged]) -> str:
    """How often the best topic is right, by tenths of its score, as an SVG; area of a dot by number of rows."""
    bins: dict[int, list[bool]] = {}
    for j in judged:
        if j.answer.candidates:
            best = j.answer.candidates[0]
            bins.setdefault(min(9, int(best.score * 10)), []).append(best.topic in j.asked.topics)
    dots = "".join(
        f'<circle cx="{40 + 32 * (tenth + 0.5):.0f}" cy="{360 - 320 * sum(v) / len(v):.0f}" '
        f'r="{2 + sqrt(len(v)) / 2:.1f}" fill="#36c"><title>{len(v)} rows, {sum(v) / len(v):.0%} right</title></circle>'
        for tenth, v in sorted(bins.items())
    )
    return (
        '<svg viewBox="0 0 400 400" width="400" role="img" aria-label="Share right by score of the best topic">'
        '<path d="M40 40V360H360" fill="none" stroke="#888"/><path d="M40 360L360 40" stroke="#bbb" stroke-dasharray="4"/>'
        f'{dots}<text x="200" y="390" text-anchor="middle">score of the best topic</text>'
        '<text x="16" y="200" transform="rotate(-90 16 200)" text-anchor="middle">share right</text></svg>'
    )
