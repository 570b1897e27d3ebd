"""Help by country, and finding the country in words."""

from __future__ import annotations

from datetime import date

import pytest

from bot.conversation.directory import Confidence, Country, Directory, Found, Line, LineKind, Number, Places
from bot.conversation.library import Library
from bot.vocabulary import Contact, Urgency

DAY = date(2026, 1, 1)
SURE, UNSURE = Number("103", "ambulance", Confidence.HIGH), Number("999", "police", Confidence.LOW)
CRISIS = Line(LineKind.CRISIS, "Line", "150", None, True, False)
HIDDEN = Line(LineKind.CRISIS, "Hidden", "151", None, False, False)
ELSEWHERE = Line(LineKind.CRISIS, "Finder", "example.org", None, True, False)
DIRECTORY = Directory(
    {
        "AA": Country("AA", (SURE, UNSURE), (CRISIS, HIDDEN), DAY),
        "BB": Country("BB", (UNSURE,), (), DAY),
        "CC": Country("CC", (), (), DAY),
    },
    Country("unknown", (Number("112", "emergency", Confidence.MEDIUM),), (ELSEWHERE,), DAY),
)
PLACES = Places(
    {"AA": "Aland"},
    {("aland",): "AA", ("new", "bee"): "BB"},
    {("georgia",): "CC"},
    frozenset({("in",), ("live", "in")}),
)


@pytest.mark.parametrize(
    ("country", "numbers", "doubtful"),
    [
        ("AA", ["103", "999"], False),
        ("BB", ["999"], True),
        ("CC", ["112"], False),
        (None, ["112"], False),
        ("ZZ", ["112"], False),
    ],
)
def test_a_country_has_its_numbers_in_order_else_112(country: str | None, numbers: list[str], doubtful: bool) -> None:
    assert [n.number for n in DIRECTORY.dialled(country)] == numbers
    assert DIRECTORY.is_doubtful(country) is doubtful
    words = {"ambulance": "a", "police": "p", "emergency": "e"}
    assert DIRECTORY.contact(country, words) == Contact(numbers[0], words[DIRECTORY.dialled(country)[0].service])


@pytest.mark.parametrize(
    ("country", "urgency", "lines"),
    [
        ("AA", Urgency.SELF_HARM, ((CRISIS,), True)),  # what is not to be shown is not
        ("BB", Urgency.SELF_HARM, ((ELSEWHERE,), False)),
        (None, Urgency.SELF_HARM, ((ELSEWHERE,), False)),
        ("AA", Urgency.EMERGENCY, ((), True)),
        ("AA", Urgency.NONE, ((), True)),
        ("AA", Urgency.SAFEGUARDING, ((), False)),
    ],
)
def test_a_danger_has_the_lines_of_its_kind(
    country: str | None, urgency: Urgency, lines: tuple[tuple[Line, ...], bool]
) -> None:
    assert DIRECTORY.lines(country, urgency) == lines


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("aland", Found("AA", (), is_home=True)),
        ("in aland", Found("AA", ())),
        ("i live in aland now", Found("AA", ("i", "now"), is_home=True)),
        ("aland is nice", None),  # a name alone amid other words may be anything
        ("in new bee", Found("BB", ())),
        ("in aland no in new bee", Found("BB", ("in", "aland", "no"))),
        ("i live in aland made in new bee", Found("AA", ("i", "made", "in", "new", "bee"), is_home=True)),
        ("in georgia", Found("CC", ())),
        ("georgia said so", None),
        ("in", None),
        ("", None),
    ],
)
def test_a_place_counts_alone_or_after_a_word_of_place(text: str, found: Found | None) -> None:
    assert PLACES.find(text.split()) == found


def test_every_country_has_a_name_and_a_number_to_show_in_every_language(library: Library) -> None:
    for language in library.languages:
        for country, entry in library.directory.countries.items():
            text = library.pointer(language, country).text
            assert library.words[language].places.names[country] in text
            assert all(number.number in text for number in entry.numbers or library.directory.unknown.numbers)


@pytest.mark.parametrize(
    ("country", "numbers"), [("KZ", ["103", "112"]), ("US", ["911"]), ("CA", ["911"]), ("CO", ["123"])]
)
def test_the_real_directory_has_these_numbers(country: str, numbers: list[str], library: Library) -> None:
    assert [n.number for n in library.directory.dialled(country)][: len(numbers)] == numbers


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_where_the_country_is_unknown_the_lines_are_found_by_country(language: str, library: Library) -> None:
    line = library.lines(language, None, Urgency.SELF_HARM)
    assert line
    label = library.words[language].line_labels["elsewhere"].partition("{")[0]
    assert line.text.startswith(label)
    assert "(" not in line.text  # a name or a remark in another language
