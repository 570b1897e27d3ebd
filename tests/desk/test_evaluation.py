"""Figures over a labelled question file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.conversation.library import Library
from bot.desk.evaluation import (
    EvaluationError,
    Judged,
    LabelledQuestion,
    Share,
    as_html,
    as_json,
    as_text,
    by_slice,
    judge,
    misses,
    read_labelled,
)
from bot.vocabulary import ClearedReply, Understanding, Urgency
from tests.conftest import Talk


def row(number: int, text: str, urgency: str = "none", dosing: bool = False, *topics: str, lang: str = "en") -> str:
    """A line of a question file."""
    return json.dumps(
        {"id": f"q{number}", "text": text, "lang": lang, "urgency": urgency, "dosing": dosing, "topics": topics}
    )


ROWS = [
    row(1, "my friend wont wake up", "emergency", False, "someone-down"),
    row(2, "how much naltrexone should i take", "none", True, "no-dosing"),
    row(3, "what is naloxone", "none", False, "naloxone-what-is"),
    row(4, "какая погода завтра", "none", False, "out-of-scope", lang="ru"),
    row(5, "<script>what is naltrexone</script>", "safeguarding", False, "grief"),  # labelled wrongly on purpose
]


@pytest.fixture
def judged(library: Library) -> tuple[Judged, ...]:
    """The rows, answered."""

    def answer(asked: LabelledQuestion) -> tuple[ClearedReply, Understanding | None, int]:
        turn = Talk(library).say(asked.text)
        return turn.reply, turn.understanding, 1000

    return judge([LabelledQuestion.model_validate_json(line) for line in ROWS], answer)


@pytest.mark.parametrize(
    ("some", "all_", "low", "high"),
    [
        (5, 10, 0.2366, 0.7634),  # Wilson 1927; also statsmodels' proportion_confint(5, 10, method="wilson")
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (95, 100, 0.8882, 0.9785),
    ],
)
def test_the_interval_is_wilsons(some: int, all_: int, low: float, high: float) -> None:
    interval = Share("x", some, all_).interval
    assert interval is not None
    assert list(interval) == pytest.approx([low, high], abs=5e-4)


def test_of_nothing_there_is_no_share() -> None:
    nothing = Share("x", 0, 0)
    assert (nothing.value, nothing.interval) == (None, None)
    assert "none" in str(nothing)


def test_figures_count_what_is_right_and_what_is_missed(judged: tuple[Judged, ...]) -> None:
    shares = {share.name: share for share in by_slice(judged)["all"]}
    assert (shares["emergency found"].some, shares["emergency found"].all) == (1, 1)
    assert (shares["safeguarding found"].some, shares["safeguarding found"].all) == (0, 1)
    assert (shares["dosing found"].some, shares["dosing found"].all) == (1, 1)
    assert shares["false alarms"].some == 0
    assert shares["right topic first"].value == 1
    assert shares["pointer in the reply"].value == 1
    assert set(by_slice(judged)) == {"all", "language en", "language ru", "audience anyone"}


def test_the_gravest_miss_comes_first(judged: tuple[Judged, ...]) -> None:
    assert [j.asked.id for j in misses(judged)][:1] == ["q5"]
    assert misses(judged)[0].asked.urgency is Urgency.SAFEGUARDING


def test_figures_as_text_json_and_a_page(judged: tuple[Judged, ...]) -> None:
    assert "emergency found" in as_text(judged)
    assert set(json.loads(as_json(judged))) == set(by_slice(judged))
    page = as_html(judged)
    assert page.startswith("<!doctype html>")
    assert page.count("<table>") == page.count("</table>") == len(by_slice(judged)) + 2
    assert "<svg" in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"", "holds no questions"),
        (b"not json\n", ":1: "),
        (ROWS[0].encode() + b"\n{}\n", ":2: "),
        (ROWS[0].encode() + b"\n\n" + ROWS[1].encode(), ":2: "),
        (row(1, "x", "catastrophe").encode(), ":1: "),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_line(content: bytes | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EvaluationError, match=told):
        read_labelled(path)


def test_rows_are_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(ROWS) + "\n", encoding="utf-8")
    assert [asked.id for asked in read_labelled(path)] == ["q1", "q2", "q3", "q4", "q5"]
