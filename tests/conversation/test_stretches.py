"""What is said in a few words of a long message is found among its stretches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.stretches import LENGTH, MOST, sentences, stretches

WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=1, max_size=80)
"""Words without any mark between them."""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("is he ok", []),
        ("is he ok. so blue", []),  # of two words nothing can be told
        ("he is so blue. what is narcan?", ["he is so blue.", "what is narcan?"]),
        ("¿qué es esto? mi amigo no reacciona", ["¿qué es esto?", "mi amigo no reacciona"]),
    ],
)
def test_a_message_of_several_sentences_is_read_one_by_one(text: str, found: list[str]) -> None:
    assert stretches(text) == found


def test_of_very_many_stretches_those_at_both_ends_are_read() -> None:
    found = stretches("is he ok. " + "a b c. " * 300 + "so very blue.")
    assert len(found) == MOST
    assert (found[0], found[-1]) == ("is he ok.", "so very blue.")


def test_marks_inside_a_word_end_no_sentence() -> None:
    assert sentences("see example.org for more. it is 2.5 hours away") == [
        "see example.org for more.",
        "it is 2.5 hours away",
    ]


@given(WORDS)
def test_any_few_words_in_a_row_stand_together_in_a_stretch_of_a_text_without_marks(words: list[str]) -> None:
    text, few = " ".join(words), LENGTH // 2
    found = stretches(text) or [text]
    assert all(len(stretch.split()) <= 2 * LENGTH for stretch in found)
    padded = [f" {stretch} " for stretch in found]
    for start in range(len(words) - few + 1):
        said = " ".join(words[start : start + few])
        assert any(f" {said} " in stretch for stretch in padded)
