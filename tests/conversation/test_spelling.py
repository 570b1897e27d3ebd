"""Slips of the thumb are mended where a known word is near, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.language import folded, without_pictures
from bot.conversation.spelling import Spelling, count_words

SPELLING = Spelling(
    {
        "en": {
            "breathing": 9,
            "naloxone": 9,
            "naltrexone": 9,
            "the": 99,
            "they": 50,
            "is": 80,
            "friend": 7,
            "fried": 2,
        },
        "ru": {"дышит": 9, "налоксон": 9, "сколько": 9},
        "es": {"respira": 9, "también": 4},
    }
)


@pytest.mark.parametrize(
    ("language", "slip", "meant"),
    [
        ("en", "breating", "breathing"),
        ("en", "braething", "breathing"),
        ("en", "breathinng", "breathing"),
        ("en", "nreathing", "breathing"),
        ("en", "fri3nd", "friend"),
        ("en", "7h3y", "they"),
        ("en", "1s", "is"),
        ("ru", "дышитт", "дышит"),
        ("ru", "ск0льк0", "сколько"),
        ("es", "tambien", "también"),
    ],
)
def test_a_slip_is_mended(language: str, slip: str, meant: str) -> None:
    assert SPELLING.mended(f"he {slip} now", language) == f"he {meant} now"


@pytest.mark.parametrize(
    "word",
    ["naloxone", "naltrexone", "nalmefene", "5mins", "10mg", "3am", "911", "24/7", "2nd", "hte", "zzzzzz", "q" * 2000],
)
def test_what_is_known_an_amount_short_or_near_nothing_stays(word: str) -> None:
    assert SPELLING.mended(word, "en") == word


def test_of_two_near_words_the_commoner_is_taken() -> None:
    assert SPELLING.mended("frieed", "en") == "friend"


def test_in_a_language_without_words_nothing_is_touched() -> None:
    assert SPELLING.mended("breating", "de") == "breating"


def test_nothing_is_mended_to_a_word_that_stands_once() -> None:
    known = count_words([("en", "Is he breathing"), ("en", "is she breathing"), ("en", "braething"), ("ru", "он он")])
    assert known == {"en": {"braething": 1, "breathing": 2, "he": 1, "is": 2, "she": 1}, "ru": {"он": 2}}
    assert Spelling(known).mended("breating braethin braething", "en") == "breathing braethin braething"


@given(st.text(max_size=60), st.sampled_from(["en", "ru", "es"]))
def test_any_text_is_mended_to_as_many_tokens(text: str, language: str) -> None:
    assert len(SPELLING.mended(folded(text), language).split()) == len(folded(text).split())


@pytest.mark.parametrize(
    ("text", "plain"),
    [("he is 💀 blue 😭😭", "he is blue"), ("❤️ narcan", "narcan"), ("😭", "😭"), ("cómo está", "cómo está")],
)
def test_emoji_are_left_out_unless_there_is_nothing_else(text: str, plain: str) -> None:
    assert without_pictures(text) == plain
