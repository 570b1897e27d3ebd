"""Russian in Latin letters is told, and read as a Russian would have written it."""

from __future__ import annotations

from datetime import UTC, datetime
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.language import lowered
from bot.conversation.latin import WORD, in_cyrillic
from bot.conversation.library import Library
from bot.conversation.spelling import Spelling
from bot.conversation.understanding import tell, understand
from bot.vocabulary import Message, Session, Urgency


@pytest.mark.parametrize(
    ("latin", "cyrillic"),
    [("drug ne dyshit", "друг не дышит"), ("pomogite", "помогите"), ("peredoz", "передоз"), ("chto", "что")],
)
def test_it_is_read_by_letters(latin: str, cyrillic: str) -> None:
    assert in_cyrillic(latin) == cyrillic


@pytest.mark.parametrize(
    ("latin", "cyrillic"),
    [
        ("bol", "боль"),
        ("pervij", "первый"),
        ("pervyi", "первый"),
        ("lechenie", "лечение"),
        ("le4enie", "лечение"),
        ("LE4ENIE", "лечение"),
        ("scolko", "сколько"),
        ("podshivka", "подшивка"),
        ("xodit' na swet", "ходить на svet"),
    ],
)
def test_each_way_to_type_a_word_is_the_word(latin: str, cyrillic: str) -> None:
    known = ("боль", "первый", "лечение", "сколько", "подшивка", "ходить", "на")
    spelling = Spelling({"ru": dict.fromkeys(known, 2)})
    assert spelling.in_cyrillic(lowered(latin)) == cyrillic.replace("svet", in_cyrillic("swet"))


def test_of_words_that_sound_alike_the_commoner_is_read() -> None:
    assert Spelling({"ru": {"шит": 2, "щит": 9}}).in_cyrillic("wit") == "щит"


def test_without_known_words_it_is_read_by_letters() -> None:
    assert Spelling().in_cyrillic("on ne dyshit") == "он не дышит"


@pytest.mark.parametrize(
    "text",
    [
        "vypila vsyu apte4ku, teper strashno",
        "bolit zub, k komu idti",
        "krichit i ne dishit",
        "skolko dnej derzhitsya lomka",
        "naloksona gde vzat",
        "4to delat ve4erom",
    ],
)
def test_it_is_told_without_any_of_its_commonest_words(text: str, library: Library) -> None:
    assert (tell(text, library).language, tell(text, library).latin) == ("ru", True)


@pytest.mark.parametrize(
    "text",
    [
        "he isnt breathing",
        "90 días sin nada",
        "q es la nalloxona",
        "how much is vivitrol",
        "pensión alimenticia",
        "narcan",
        "lol",
        "bonjour je ne sais pas quoi faire pour mon ami",
        "мой друг took xanax",
        "не дышит",
        "h0w m4ny p30ple s4y th4t",
    ],
)
def test_other_languages_are_not_taken_for_it(text: str, library: Library) -> None:
    assert not tell(text, library).latin


@given(st.text(max_size=80))
def test_no_word_in_plain_latin_letters_is_left(text: str) -> None:
    read = Spelling({"ru": {"боль": 2, "щи": 3}}).in_cyrillic(lowered(text))
    assert WORD.search(read) is None


@given(st.text(st.characters(categories=("L", "N", "P", "Z"), exclude_characters=ascii_lowercase)))
def test_what_has_none_stays(text: str) -> None:
    plain = "".join(letter for letter in lowered(text) if letter not in ascii_lowercase)
    assert Spelling({"ru": {"боль": 2, "щи": 3}}).in_cyrillic(plain) == plain


def test_tables_are_looked_up_in_its_own_letters(library: Library) -> None:
    meant = understand(Message("spasibo", datetime(2026, 1, 1, tzinfo=UTC)), Session(), library)
    assert (meant.language, meant.topic) == ("ru", "small-talk")


def test_a_danger_in_it_is_heard_by_one_whose_language_is_not_known(library: Library) -> None:
    meant = understand(Message("drug lezit i ne dishit", datetime(2026, 1, 1, tzinfo=UTC)), Session(), library)
    assert (meant.language, meant.urgency) == ("ru", Urgency.EMERGENCY)
