"""Whose country it is: told, named in passing, or of an emergency."""

from __future__ import annotations

import pytest

from bot.vocabulary import Profile
from tests.conftest import Talk

PASSING = "my cousin died of an overdose in spain last summer"


def test_a_place_in_passing_yields_to_the_place_of_an_emergency(talk: Talk) -> None:
    assert talk.say(PASSING, "my friend passed out in houston and she is turning blue").reply.country == "US"


def test_an_emergency_does_not_rely_on_a_place_in_passing_and_the_country_is_asked_for(talk: Talk) -> None:
    turn = talk.say(PASSING, "my friend passed out and she is turning blue")
    assert turn.reply.country is None
    assert any(passage.text == talk.library.words["en"].notes["ask-country"] for passage in turn.reply.passages)


def test_where_an_emergency_is_stays_known_while_it_lasts(talk: Talk) -> None:
    assert talk.say("my friend passed out in houston", "shes turning blue").reply.country == "US"


@pytest.mark.parametrize("told", ["/country KZ", "i live in almaty"])
def test_a_country_that_was_told_stays_whatever_is_named_in_passing(told: str, talk: Talk) -> None:
    assert talk.say(told, PASSING, "my friend passed out in houston").reply.country == "KZ"
    assert talk.say("my friend passed out").reply.country == "KZ"


def test_a_place_in_passing_that_is_told_afterwards_is_known(talk: Talk) -> None:
    talk.say(PASSING)
    talk.say("/country ES")
    assert talk.say("my friend passed out and she is turning blue").reply.country == "ES"


@pytest.mark.parametrize(
    ("language", "text", "country"),
    [
        ("en", "kazahstan", "KZ"),
        ("es", "ukraina", "UA"),
        ("ru", "almaty", "KZ"),
        ("ru", "moskva", "RU"),
        ("ru", "kazahstan", "KZ"),
    ],
)
def test_a_place_alone_changes_the_country_and_not_the_language(
    language: str, text: str, country: str, talk: Talk
) -> None:
    talk.say("/language " + language)
    turn = talk.say(text)
    assert (turn.reply.language, turn.reply.country) == (language, country)


@pytest.mark.parametrize(("language", "text"), [("en", "narkan"), ("es", "fentanil"), ("en", "morfin")])
def test_one_word_that_sounds_russian_changes_no_language(language: str, text: str, talk: Talk) -> None:
    talk.say("/language " + language)
    assert talk.say(text).reply.language == language


def test_who_writes_russian_in_latin_letters_is_answered_in_russian(talk: Talk) -> None:
    assert talk.say("what is naloxone", "syn ne dyshit").reply.language == "ru"
    assert talk.say("narkan", told=Profile("ru")).reply.language == "ru"
