"""The shape of an answer: how long it may be, how it begins and ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.content.formats import FileFault
from bot.content.shelf import MARK, Shelf

BODY_LENGTH = 900
FIRST_SENTENCE = 160
STEPS, STEP_LENGTH = 6, 90
POINTS = 5
BUTTON_LENGTH = 40


def lengths(shelf: Shelf) -> Iterator[FileFault]:
    """Bodies, first sentences, steps, points and buttons fit a phone and a frightened reader."""
    for text in shelf.texts():
        if len(text.body) > BODY_LENGTH:
            yield text.at(0, f"{len(text.body)} characters, at most {BODY_LENGTH}")
        first = re.split(r"(?<=[.?!…])\s|\n", MARK.sub("", text.body, count=1))[0]
        if len(first) > FIRST_SENTENCE:
            yield text.at(0, f"first sentence has {len(first)} characters, at most {FIRST_SENTENCE}")
        steps = list(re.finditer(r"^\d\. (.*)$", text.body, re.MULTILINE))
        if len(steps) > STEPS:
            yield text.at(steps[STEPS].start(), f"{len(steps)} steps, at most {STEPS}")
        for step in steps:
            if len(step[1]) > STEP_LENGTH:
                yield text.at(step.start(), f"a step of {len(step[1])} characters, at most {STEP_LENGTH}")
        points = list(re.finditer(r"^- ", text.body, re.MULTILINE))
        if len(points) > POINTS:
            yield text.at(points[POINTS].start(), f"{len(points)} points, at most {POINTS}")
    for (language, topic), response in shelf.responses.items():
        if len(response.head.title) > BUTTON_LENGTH:
            yield shelf.at_key(language, topic, "title", f"over {BUTTON_LENGTH} characters, too long for a button")


def endings(shelf: Shelf) -> Iterator[FileFault]:
    """A text closes with one next step: a list of points does not end it, only the numbered steps of an emergency may."""
    for text in shelf.texts():
        last = text.body.rfind("\n") + 1
        if text.body.startswith("- ", last):
            yield text.at(last, "ends in a list: close with one next step, as a sentence of its own")
        elif MARK.match(text.body, last) and not text.hands_first:
            yield text.at(last, "ends in numbered steps: close with one next step, as a sentence of its own")


def markup(shelf: Shelf) -> Iterator[FileFault]:
    """Paragraphs, lists and bold are all the markup there is; nothing leads out of the chat."""
    strange = re.compile(
        r"^(?:#|>|\||\* |\+ )|`|\]\(|<\w|https?:|www\.|\b[\w.]+@\w+|(?<!\*)\*(?!\*| )|__", re.MULTILINE
    )
    for text in shelf.texts():
        for found in strange.finditer(text.body):
            yield text.at(found.start(), f"markup or address {found[0]!r}: paragraphs, lists and **bold** alone")
