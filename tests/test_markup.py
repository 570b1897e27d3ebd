"""Markdown of responses -> plain text."""

from __future__ import annotations

import pytest

from bot.markup import plain, plain_reply
from bot.vocabulary import Passage, PassageKind


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**Call** now", "Call now"),
        ("**a** and **b**", "a and b"),
        ("1. One\n2. Two", "1. One\n2. Two"),
        ("- a\n- b", "- a\n- b"),
        ("2 * 3 ** 4", "2 * 3 ** 4"),
        ("", ""),
    ],
)
def test_marks_are_taken_away_and_lists_kept(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_blank_line_stands_between_passages() -> None:
    passages = [Passage(PassageKind.POINTER, "**112**"), Passage(PassageKind.BODY, "Stay.")]
    assert plain_reply(passages) == "112\n\nStay."
