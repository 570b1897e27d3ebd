"""Markdown of responses -> plain text."""

from __future__ import annotations

import pytest

from bot.markup import plain, plain_reply, web_html
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


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        (PassageKind.BODY, "a <b> & **c**", "<p>a &lt;b&gt; &amp; <strong>c</strong></p>"),
        (PassageKind.BODY, "One\n\nTwo 112", "<p>One</p>\n<p>Two 112</p>"),
        (PassageKind.BODY, "1. One\n2. Two", "<ol><li>One</li><li>Two</li></ol>"),
        (PassageKind.BODY, "Say:\n- a\n- b", "<p>Say:</p>\n<ul><li>a</li><li>b</li></ul>"),
        (
            PassageKind.POINTER,
            "**Emergency in X: 103 (ambulance), 112 (all).**",
            '<p><strong>Emergency in X: <a href="tel:103">103</a> (ambulance), <a href="tel:112">112</a> (all).</strong></p>',
        ),
        # What stands in brackets is a name or hours: "9-8-8" and "24/7" are nothing to dial.
        (
            PassageKind.LINES,
            "Crisis line: 988 (9-8-8 Suicide Crisis Helpline; 24/7)",
            '<p>Crisis line: <a href="tel:988">988</a> (9-8-8 Suicide Crisis Helpline; 24/7)</p>',
        ),
        (
            PassageKind.LINES,
            "Line: +7 495 989-50-50 (a)",
            '<p>Line: <a href="tel:+74959895050">+7 495 989-50-50</a> (a)</p>',
        ),
        (PassageKind.LINES, "Line: *4141 (a)", '<p>Line: <a href="tel:*4141">*4141</a> (a)</p>'),
        (PassageKind.LINES, "Line: 741741 «HOME» (a)", '<p>Line: <a href="sms:741741">741741</a> «HOME» (a)</p>'),
        (
            PassageKind.LINES,
            "Lines: https://findahelpline.com",
            '<p>Lines: <a href="https://findahelpline.com" rel="noreferrer">https://findahelpline.com</a></p>',
        ),
    ],
)
def test_a_passage_becomes_html_and_ways_to_reach_help_become_links(kind: PassageKind, text: str, shown: str) -> None:
    assert web_html(Passage(kind, text)) == shown
