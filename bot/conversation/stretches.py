"""A text -> its sentences and, of long ones, overlapping stretches: what is said in a few words is lost in many."""

from __future__ import annotations

import re

from bot.conversation.language import words

END = re.compile(r"(?<=[.?!…])\s+")
FEWEST = 3
"""Words of a sentence at least: "im shaking" alone says anything."""
LENGTH, STEP = 12, 6
"""Words of a stretch, and between the beginnings of two. Shorter ones hear more, in calm messages too."""
OVER = 2
"""So many words more than a stretch has are not cut."""
MOST = 128
"""Stretches of a text, half of them from each end. As people write, what is read of a message has fewer."""


def sentences(text: str) -> list[str]:
    """The sentences of a text, as its punctuation tells; without the shortest."""
    return [sentence for sentence in END.split(text) if len(words(sentence)) >= FEWEST]


def stretches(text: str) -> list[str]:
    """The sentences, long ones in overlapping stretches; nothing where the text is one short sentence."""
    found = [stretch for sentence in sentences(text) for stretch in cut(sentence)]
    found = found if len(found) <= MOST else found[: MOST // 2] + found[-MOST // 2 :]
    return found if len(found) > 1 else []


def cut(sentence: str) -> list[str]:
    """A sentence whole, where it is not long; and in overlapping stretches, where it is not short."""
    spoken = sentence.split()
    whole = [sentence] if len(spoken) <= 2 * LENGTH else []
    if len(spoken) <= LENGTH + OVER:
        return whole
    parts = [" ".join(spoken[start : start + LENGTH]) for start in range(0, len(spoken) - LENGTH + STEP, STEP)]
    return whole + parts
