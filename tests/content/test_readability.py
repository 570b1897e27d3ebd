"""Easy texts pass, hard ones are told, and medicine names cost nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content.readability import (
    FORMULAS,
    english_syllables,
    measure,
    readability,
    russian_syllables,
    spanish_syllables,
)
from bot.content.shelf import read_shelf
from tests.content.test_rules import FIRST, told, with_body


@pytest.mark.parametrize(("word", "count"), [("stay", 1), ("breathe", 1), ("table", 2), ("wanted", 2), ("waked", 1)])
def test_english_syllables(word: str, count: int) -> None:
    assert english_syllables(word) == count


@pytest.mark.parametrize(("word", "count"), [("сон", 1), ("помощь", 2), ("дыхание", 4), ("в", 1)])
def test_russian_syllables(word: str, count: int) -> None:
    assert russian_syllables(word) == count


@pytest.mark.parametrize(("word", "count"), [("sol", 1), ("ayuda", 3), ("bueno", 2), ("día", 2), ("país", 2)])
def test_spanish_syllables(word: str, count: int) -> None:
    assert spanish_syllables(word) == count


@pytest.mark.parametrize(
    ("language", "body", "value"),
    [
        ("en", "Call now. Stay with them.", 0.39 * 2.5 + 11.8 - 15.59),
        ("en", "- Call now.\n- Stay there.", 0.39 * 2 + 11.8 - 15.59),
        ("ru", "Дай налоксон.", 206.835 - 1.3 * 2 - 60.1),
        ("es", "Llame ya.", 206.84 - 1.02 * 2 - 60 * 1.5),
    ],
)
def test_the_formulas_are_as_published(language: str, body: str, value: float) -> None:
    assert measure(body, FORMULAS[language]) == pytest.approx(value)


@pytest.mark.parametrize(("with_name", "plain"), [("Give naloxone now.", "Give it now."), ("An opioid.", "A drug.")])
def test_names_of_medicines_cost_nothing(with_name: str, plain: str) -> None:
    assert measure(with_name, FORMULAS["en"]) == measure(plain, FORMULAS["en"])


def test_a_text_without_words_is_not_hard() -> None:
    assert measure("...", FORMULAS["en"]) == FORMULAS["en"].limit


HARD = {
    "en": "Individuals experiencing considerable physiological deterioration necessitate immediate intervention.",
    "ru": "Незамедлительное обращение за квалифицированной медицинской консультацией предпочтительнее.",
    "es": "Consideraciones fundamentales aconsejan solicitar inmediatamente asesoramiento especializado.",
}


@pytest.mark.parametrize(
    ("language", "what"),
    [
        ("en", "Flesch-Kincaid grade {:.1f}, at most 7.5"),
        ("ru", "Flesch-Oborneva ease {:.1f}, at least 60"),
        ("es", "Fernández Huerta ease {:.1f}, at least 65"),
    ],
)
def test_a_hard_text_is_told_by_its_languages_formula(language: str, what: str, responses_copy: Path) -> None:
    with_body(responses_copy / language / "relapse.md", HARD[language])
    expected = what.format(measure(HARD[language], FORMULAS[language]))
    assert any(
        fault.startswith(f"{language}/relapse.md:{FIRST}: {expected}") for fault in told(responses_copy, readability)
    )


@pytest.mark.parametrize("topic", ["someone-down", "step-called"])
def test_an_emergency_has_to_read_more_easily(topic: str, responses_copy: Path) -> None:
    body = "Stay with the person and tell the dispatcher what you notice about the colour of the lips."
    assert FORMULAS["en"].limit_hands_first < measure(body, FORMULAS["en"]) < FORMULAS["en"].limit
    for name in (topic, "relapse"):
        with_body(responses_copy / "en" / f"{name}.md", body)
    found = told(responses_copy, readability)
    assert any(fault.startswith(f"en/{topic}.md:{FIRST}: ") and "at most 5.9" in fault for fault in found)
    assert not any(fault.startswith("en/relapse.md") for fault in found)


def test_half_of_the_english_texts_have_at_most_grade_six(responses_copy: Path) -> None:
    body = "Stay with the person and tell the dispatcher what you notice about the colour of the lips."
    for path in (responses_copy / "en").glob("*.md"):
        with_body(path, body)
    assert any(fault.startswith("en: median grade of all texts") for fault in told(responses_copy, readability))


def test_the_real_english_texts_are_within_the_median() -> None:
    shelf, _ = read_shelf(Path(__file__).parents[2] / "responses")
    assert not any(fault.path == "en" for fault in readability(shelf))
