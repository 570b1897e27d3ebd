"""An evaluation as one HTML page: tables, plots and the rows that went wrong."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, sqrt

from bot.desk.evaluation.calibration import Bin, Coverage, calibration_error, coverage, reliability
from bot.desk.evaluation.comparison import Comparison, change_line
from bot.desk.evaluation.figures import Share, by_slice, by_turn, latency, slices, topic_confusion, urgency_confusion
from bot.desk.evaluation.judging import Judged
from bot.desk.evaluation.report import COLUMNS, Evaluation, miss_line, misses, tag_cells
from bot.desk.evaluation.robustness import PARTS, Loss, cell
from bot.vocabulary import Urgency

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #ddd}"
    "td:first-child,th:first-child{text-align:left}svg{max-width:100%}summary{cursor:pointer;font-weight:600;margin:.3rem 0}"
    "li{overflow-wrap:anywhere}"
)
SIDE = 320
"""Of a plot's square, in its own units; forty are left around it for the axes' names."""


def as_html(evaluation: Evaluation) -> str:
    """The page. What does not hold for the file, as conversations where it has none, is left out."""
    outcome = evaluation.outcome
    middle, late = latency(outcome.all)
    parts = [
        f"<h1>Evaluation</h1><p>{len(outcome.questions)} questions, {len(outcome.turns)} turns of conversations. "
        f"Time a message: median {middle:.1f} ms, 95 % within {late:.1f} ms.</p>"
    ]
    if evaluation.comparison:
        parts += comparison_parts(evaluation.comparison)
    if outcome.questions:
        parts += question_parts(outcome.questions)
    if outcome.turns:
        parts += ["<h2>Conversations</h2>", *slice_parts(by_turn(outcome.turns))]
    if evaluation.losses:
        parts += ["<h2>Points lost under noise</h2>", loss_table(evaluation.losses)]
    wrong = "".join(f"<li>{html.escape(miss_line(j))}</li>" for j in misses(outcome.all))
    parts.append(f"<h2>Misses</h2><ol>{wrong}</ol>")
    head = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Evaluation</title><style>{STYLE}</style>"
    )
    return head + "<body>" + "\n".join(parts) + "</body></html>\n"


def question_parts(judged: Sequence[Judged]) -> list[str]:
    """All of the single questions."""
    bins, confused = reliability(judged), topic_confusion(judged)
    error = calibration_error(bins)
    told = f"<p>Expected calibration error: {error:.3f}.</p>" if error is not None else ""
    tags = slices(judged, "tag", "meaning")
    compact = [table(["", *COLUMNS], ([name, *tag_cells(rows)] for name, rows in tags.items()))] if tags else []
    return [
        "<h2>Questions</h2>",
        *slice_parts(by_slice(judged)),
        *compact,
        "<h2>Urgency: labelled (rows) and found (columns)</h2>",
        urgency_table(judged),
        "<h2>Topics most often taken for another</h2>",
        table(["labelled", "found", "times"], ([a, b, str(n)] for (a, b), n in confused)),
        "<h2>Reliability of the best topic's score</h2>",
        told + reliability_plot(bins),
        "<h2>Coverage against error, by the bar for answering</h2>",
        coverage_plot(coverage(judged)),
    ]


def slice_parts(shares: Mapping[str, Iterable[Share]]) -> list[str]:
    """A table of figures for each slice, the first one open."""
    head = ["", "share", "95 % interval", "n"]
    return [
        f"<details{'' if number else ' open'}><summary>{html.escape(name)}</summary>"
        f"{table(head, map(cells, part))}</details>"
        for number, (name, part) in enumerate(shares.items())
    ]


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
    counts = urgency_confusion(judged)
    rows = [[u.value, *(str(counts[u, v]) for v in Urgency)] for u in Urgency]
    return table(["", *(u.value for u in Urgency)], rows)


def loss_table(losses: Iterable[Loss]) -> str:
    """Points lost by noise and part, and of how many messages."""
    return table(["", *PARTS], ([one.noise, *(cell(part) for part in one.parts)] for one in losses))


def comparison_parts(found: Comparison) -> list[str]:
    """What changed since the run before, row by row."""
    rows = [[p.name, str(p.only_before), str(p.only_now), f"{p.p:.3f}"] for p in found.paired]
    changed = "".join(f"<li>{html.escape(change_line(change))}</li>" for change in found.changes)
    return [
        f"<h2>Against the run before</h2><p>{found.compared} rows in both, {found.only_before} only before, "
        f"{found.only_now} only now.</p>",
        table(["", "only before", "only now", "p (McNemar, exact)"], rows),
        f"<ol>{changed}</ol>",
    ]


def reliability_plot(bins: Iterable[Bin]) -> str:
    """How often the best topic is right, by its score; area of a dot by number of rows. On the line is well calibrated."""
    dots = "".join(
        dot(one.score, one.right, 2 + sqrt(one.rows) / 2, f"{one.rows} rows, {one.right:.0%} right") for one in bins
    )
    ideal = f'<path d="{path([(0, 0), (1, 1)])}" stroke="#bbb" stroke-dasharray="4"/>'
    return plot("Share right by score of the best topic", ideal + dots, "score of the best topic", "share right")


def coverage_plot(points: Sequence[Coverage]) -> str:
    """The share wrong among the answered, by the share answered; a dot for each bar for answering, which it names."""
    shown = [(p.answered.value, p.wrong.value, p) for p in points]
    known = [(x, y, p) for x, y, p in shown if x is not None and y is not None]
    top = ceil(10 * max((y for _, y, _ in known), default=0) + 0.01) / 10
    curve = f'<path d="{path([(x, y / top) for x, y, _ in known])}" fill="none" stroke="#36c"/>' if known else ""
    dots = "".join(dot(x, y / top, 3, f"from {p.threshold:.2f}: {x:.0%} answered, {y:.1%} wrong") for x, y, p in known)
    return plot("Share wrong by share answered", curve + dots, "share answered", "share wrong among the answered", top)


def plot(name: str, drawn: str, across: str, up: str, top: float = 1.0) -> str:
    """A square from 0 to 1, upwards to `top`, with what is drawn on it, as an SVG."""
    marks = "".join(
        f'<text x="{40 + SIDE * share:.0f}" y="{SIDE + 55}" text-anchor="middle">{share:.0%}</text>'
        f'<text x="34" y="{SIDE + 44 - SIDE * share:.0f}" text-anchor="end">{share * top:.0%}</text>'
        for share in (0, 0.5, 1)
    )
    return (
        f'<svg viewBox="-30 0 430 410" width="430" role="img" aria-label="{html.escape(name)}" font-size="12">'
        f'<path d="M40 40V{SIDE + 40}H{SIDE + 40}" fill="none" stroke="#888"/>{marks}{drawn}'
        f'<text x="200" y="{SIDE + 76}" text-anchor="middle">{html.escape(across)}</text>'
        f'<text x="-14" y="200" transform="rotate(-90 -14 200)" text-anchor="middle">{html.escape(up)}</text></svg>'
    )


def dot(x: float, y: float, radius: float, told: str) -> str:
    """A dot that tells about itself."""
    left, top = at(x, y)
    return (
        f'<circle cx="{left:.1f}" cy="{top:.1f}" r="{radius:.1f}" fill="#36c" fill-opacity=".7">'
        f"<title>{html.escape(told)}</title></circle>"
    )


def path(points: Sequence[tuple[float, float]]) -> str:
    """A line through the points."""
    return "M" + "L".join(f"{left:.1f} {top:.1f}" for left, top in (at(x, y) for x, y in points))


def at(x: float, y: float) -> tuple[float, float]:
    """Where a point of the unit square lies in the plot."""
    return 40 + SIDE * x, 40 + SIDE * (1 - y)
