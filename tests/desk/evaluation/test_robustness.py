"""What noise costs is told against the same messages without it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.desk.evaluation.judging import Answered, Ask, judge_all
from bot.desk.evaluation.labelled import Labelled, LabelledQuestion
from bot.desk.evaluation.robustness import NOISES, as_lines, losses, typed
from bot.vocabulary import Session
from tests.desk.evaluation.conftest import question

DOWN = question("down", "My friend wont wake up", urgency="emergency", topics=["someone-down"])
RUSSIAN = question("ru", "что такое детокс", language="ru")
TURNS = (question("c.1", "what is detox"), question("c.2", "and is detox enough?"))
LABELLED = Labelled((DOWN, RUSSIAN), (TURNS,))
Deaf = Callable[[LabelledQuestion, Session], Answered]


@pytest.fixture
def asked_of() -> list[str]:
    """What the bot under test has been asked."""
    return []


@pytest.fixture
def deaf_to_capitals(ask: Ask, asked_of: list[str]) -> Deaf:
    """The bot, but it hears nothing in what is shouted."""

    def answer(asked: LabelledQuestion, session: Session) -> Answered:
        asked_of.append(asked.text)
        return ask(asked.model_copy(update={"text": "lovely weather"}) if asked.text.isupper() else asked, session)

    return answer


def test_points_lost_are_those_of_the_clean_messages_that_the_noise_spoils(deaf_to_capitals: Deaf) -> None:
    found = {one.noise: one for one in losses(LABELLED, judge_all(LABELLED, deaf_to_capitals), deaf_to_capitals)}
    assert list(found) == list(NOISES)
    danger, dosing, topic, calm, plain = found["capitals"].parts
    assert (danger.lost, danger.clean.all) == (100.0, 1)
    assert dosing.lost is None
    assert (topic.lost, topic.clean.all) == (100.0, 3)
    assert (calm.lost, plain.lost, plain.clean.all) == (0.0, 0.0, 4)


def test_latin_letters_are_tried_on_russian_alone(ask: Ask) -> None:
    found = {one.noise: one for one in losses(LABELLED, judge_all(LABELLED, ask), ask)}
    assert [part.clean.all for part in found["Latin letters"].parts] == [0, 0, 1, 1, 1]


def test_what_a_noise_leaves_as_it_is_is_not_asked_again(deaf_to_capitals: Deaf, asked_of: list[str]) -> None:
    clean = judge_all(LABELLED, deaf_to_capitals)
    losses(LABELLED, clean, deaf_to_capitals)
    assert asked_of.count(DOWN.text) == 1  # English has no accents


@pytest.mark.parametrize("name", NOISES)
def test_the_id_decides_how_a_message_is_typed(name: str) -> None:
    assert typed(RUSSIAN, name) == typed(RUSSIAN, name)
    assert typed(RUSSIAN, name).id == RUSSIAN.id
    assert typed(question("empty", ""), name).text == ""


def test_losses_are_told_with_how_many_messages(deaf_to_capitals: Deaf) -> None:
    told = as_lines(losses(LABELLED, judge_all(LABELLED, deaf_to_capitals), deaf_to_capitals))
    shouted = next(line for line in told if line.startswith("capitals"))
    assert shouted.split() == ["capitals", "100.0", "(1)", "none", "100.0", "(3)", "0.0", "(3)", "0.0", "(4)"]
