"""Leaving a question for the editors: said, shown back scrubbed, and kept only by a second tap."""

from __future__ import annotations

from dataclasses import replace

from bot.conversation.guard import dosing_in
from bot.conversation.library import OUT_OF_SCOPE, Library
from bot.vocabulary import Session, Understanding

HOW = "leave-how"
SHOWN = "leave-shown"
KEPT = "leave-kept"
REFUSED = "leave-refused"
WAY = (HOW, SHOWN, KEPT, REFUSED)
OFFERED_BY = frozenset({OUT_OF_SCOPE, "feedback", REFUSED})
"""Replies that offer it: no answer was found, something was wrong, or the first try could not be kept."""
MOST = 500
"""Characters of a question that is kept at most."""


def can_leave(language: str, library: Library) -> bool:
    """Whether all that it takes is there: every text of the way, and something to scrub with."""
    return library.scrub is not None and all(library.response(language, topic) for topic in WAY)


def is_the_question(understanding: Understanding, session: Session, library: Library) -> bool:
    """Whether a message is the question to leave: a danger, dosing or a command never is, nor what we cannot read."""
    other = understanding.dangers or understanding.dosing or understanding.command or understanding.foreign
    awaited = session.leaving and understanding.can_keep and can_leave(understanding.language, library)
    return awaited and not other


def draft_of(text: str, library: Library) -> str | None:
    """The question as it may be shown and kept; None where nothing is left of it, it is too long or asks for dosing."""
    # Of a text this long no scrubbing leaves a question; what is never tried costs no time.
    scrubbed = library.scrub(text) if library.scrub and len(text) <= 2 * MOST else ""
    empty = not any(char.isalpha() for char in scrubbed)
    return None if empty or len(scrubbed) > MOST or dosing_in(scrubbed) else scrubbed


def answered_by(topic: str, understanding: Understanding) -> Understanding:
    """The understanding of a question that is to be left: no answer to it is looked for."""
    return replace(understanding, topic=topic, candidates=(), offered=(), only_told=False)
