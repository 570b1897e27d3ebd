"""What counts as right, and how the turns of a talk hang together."""

from __future__ import annotations

from typing import Any

import pytest

from bot.desk.evaluation.judging import Ask, judge, judge_all
from bot.desk.evaluation.labelled import Labelled
from bot.vocabulary import Urgency
from tests.desk.evaluation.conftest import made_up, question

EMERGENCY, SELF_HARM = Urgency.EMERGENCY, Urgency.SELF_HARM


@pytest.mark.parametrize(
    ("labels", "topic", "dangers", "dosing", "wrong"),
    [
        ({}, "detox", (), False, set()),
        ({}, "relapse", (), False, {"topic"}),
        ({}, "detox", (EMERGENCY,), True, {"urgency", "dosing"}),
        ({"also_urgency": ["emergency"], "also_dosing": True}, "detox", (EMERGENCY,), True, set()),
        ({"urgency": "emergency"}, "someone-down", (EMERGENCY,), False, set()),  # in danger any topic will do
        ({"urgency": "emergency"}, "detox", (), False, {"urgency"}),
        ({"urgency": "self_harm"}, "someone-down", (EMERGENCY, SELF_HARM), False, set()),  # one danger beside it
        ({"topics": ["out-of-scope"]}, "out-of-scope", (), False, set()),
        ({"dosing": True, "topics": ["no-dosing"]}, "no-dosing", (), True, set()),
    ],
)
def test_each_part_of_an_answer_is_right_or_not(
    labels: dict[str, Any], topic: str, dangers: tuple[Urgency, ...], dosing: bool, wrong: set[str]
) -> None:
    j = made_up(question("q", **labels), topic, *dangers, dosing=dosing)
    parts = {"urgency": j.urgency_right, "dosing": j.dosing_right, "topic": j.topic_right}
    assert {part for part, right in parts.items() if not right} == wrong
    assert j.right is (not wrong)


def test_what_was_served_leads_the_ranking_unless_nothing_was() -> None:
    assert made_up(question("q"), "relapse", best="detox").ranked == ("relapse", "detox")
    assert made_up(question("q"), "out-of-scope", best="detox").ranked == ("detox",)


def test_a_turn_is_answered_with_the_session_that_the_one_before_left(ask: Ask) -> None:
    asked = (question("c.1", "my friend wont wake up"), question("c.2", "ok"))
    _, within = judge([asked], ask)
    _, alone = judge([asked[:1], asked[1:]], ask)
    assert (within.answer.urgency, within.place) == (EMERGENCY, 1)
    assert (alone.answer.urgency, alone.place) == (Urgency.NONE, 0)


def test_questions_and_turns_are_kept_apart(ask: Ask) -> None:
    outcome = judge_all(Labelled((question("q"),), ((question("c.1"), question("c.2")),)), ask)
    assert [j.asked.id for j in outcome.questions] == ["q"]
    assert [j.asked.id for j in outcome.turns] == ["c.1", "c.2"]
    assert len(outcome.all) == 3
