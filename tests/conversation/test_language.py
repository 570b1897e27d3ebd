"""Folding and telling languages."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.conversation.language import MAX_LENGTH, cleaned, folded, tell_language, words
from bot.conversation.library import Library
from tests.conftest import Talk

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


@pytest.mark.parametrize(
    "text", ["wont wake", "won't wake", "won’t wake", "WON`T  WAKE", "won\u200b't\twake", "ｗｏｎ'ｔ wake"]
)
def test_one_thought_in_many_spellings_has_one_form(text: str) -> None:
    assert words(text) == ("wont", "wake")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("передоз", ("передоз",)),
        ("пeрeдoз", ("передоз",)),  # Latin e and o
        ("пере4оз", ("перечоз",)),
        ("n4rcan", ("narcan",)),
        ("her0in", ("heroin",)),
        ("112", ("112",)),
        ("4", ("4",)),
        ("Ёлка", ("елка",)),
        ("мой", ("мой",)),
        ("Está", ("esta",)),
        ("heeeelp", ("heelp",)),
        ("koo0l", ("kool",)),
        ("h̷̸̶e̷̸̶l̷̸̶p", ("help",)),
        ("", ()),
        ("😱😱", ()),
        ("\ud800help\udfff", ("help",)),
        ("he\x00lp me", ("he", "lp", "me")),
        ("help\u202e me", ("help", "me")),
        ("a_b-c", ("a", "b", "c")),
    ],
)
def test_words_are_plain(text: str, plain: tuple[str, ...]) -> None:
    assert words(text) == plain


@pytest.mark.parametrize("middle", ["x " * 100_000, "\ufdfa" * 1_980])  # the second is one sign for eighteen
def test_of_a_long_message_both_ends_are_read(middle: str) -> None:
    text = cleaned(f"first {middle} last")
    assert text.startswith("first")
    assert text.endswith("last")
    assert len(text) <= MAX_LENGTH + 1


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT)
@example("koo0l")
def test_folding_gives_clean_text_and_repeats_nothing_when_done_twice(text: str) -> None:
    once = folded(text)
    once.encode("utf-8")
    assert not any(ord(char) < 32 for char in once)
    assert once == once.strip()
    assert words(once) == words(text)


@pytest.mark.parametrize(
    ("text", "language", "foreign", "latin"),
    [
        ("what is this", "en", None, False),
        ("что это такое", "ru", None, False),
        ("qué es esto", "es", None, False),
        ("¿", None, None, False),
        ("moy drug ne dyshit", "ru", None, True),
        ("bonjour je ne sais pas quoi faire pour mon ami", None, "fr", False),
        ("сәлем маған көмек керек", None, "kk", False),
        ("112", None, None, False),
        ("😱", None, None, False),
    ],
)
def test_the_language_is_told_by_script_letters_and_common_words(
    text: str, language: str | None, foreign: str | None, latin: bool, library: Library
) -> None:
    told = tell_language(text, library.tongues)
    assert (told.language, told.foreign, told.latin) == (language, foreign, latin)


@pytest.mark.parametrize(
    ("text", "known", "language"),
    [
        ("no me has ayudado nada", "es", "es"),  # "no", "me" and "has" are English words too
        ("no me has ayudado nada", "en", "en"),
        ("no me has ayudado nada", None, "en"),
        ("i cant wake him up", "es", "en"),  # only a tie leaves it as it was
        ("что это такое", "en", "ru"),
    ],
)
def test_the_language_so_far_wins_a_tie(text: str, known: str | None, language: str, library: Library) -> None:
    assert tell_language(text, library.tongues, known).language == language


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("n4rc4n", "narcan"),
        ("my br0ther w0nt w4ke up", "my brother wont wake up"),
        ("м3тад0н", "метадон"),
        ("p@st1llas", "pastillas"),
        ("m30s, mp3, 50mg, 24h, covid19", "m30s, mp3, 50mg, 24h, covid19"),
    ],
)
def test_digits_that_stand_for_letters_are_read_as_letters_and_numbers_stay(typed: str, read: str) -> None:
    assert folded(typed) == read


@pytest.mark.parametrize("text", ["ok", "narcan", "Narcan есть", "vivitrol", "112", "Ok."])
def test_a_word_in_other_letters_does_not_change_the_language(text: str, talk: Talk) -> None:
    assert talk.say("сын не дышит", text).reply.language == "ru"


@pytest.mark.parametrize(("before", "text", "language"), [("hello there", "привет", "ru"), ("привет", "hello", "en")])
def test_a_greeting_in_other_letters_does(before: str, text: str, language: str, talk: Talk) -> None:
    assert talk.say(before, text).reply.language == language
