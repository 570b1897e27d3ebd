"""What stands in two places: a sentence in two topics, a question under two topics."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.content.encoder import read_heads_card
from bot.content.formats import FileFault, UnusableFileError
from bot.content.questions import Question, questions_digest
from bot.content.shelf import SHARED_FILE, Shelf, Text
from bot.conversation.language import words

SENTENCE = 7
"""Shorter sentences, as "Call the emergency number now.", may stand in many topics."""
SERVICE = "service"


def form_of(sentence: str) -> tuple[str, ...]:
    """The words of a sentence, whatever its case and marks."""
    return tuple(re.findall(r"[^\W\d_]+", sentence.lower()))


def may_share(one: Text, other: Text) -> bool:
    """What an emergency answer says may be said so everywhere: nobody should have to read it anew. So may the bot's own."""
    return one.hands_first or other.hands_first or (one.group == other.group == SERVICE)


def sentences(shelf: Shelf) -> Iterator[FileFault]:
    """No sentence stands in two topics of a language, but for what emergencies share and what is shared on purpose."""
    on_purpose = {(language, form_of(text)) for language, texts in shelf.shared.items() for text in texts}
    seen: dict[tuple[str, tuple[str, ...]], tuple[Text, FileFault]] = {}
    used: set[tuple[str, tuple[str, ...]]] = set()
    for text in shelf.texts():
        for offset, sentence in text.sentences():
            key = (text.language, form_of(sentence))
            if len(key[1]) < SENTENCE:
                continue
            first, place = seen.setdefault(key, (text, text.at(offset, "")))
            if first.topic == text.topic or may_share(first, text):
                continue
            used.add(key)
            if key not in on_purpose:
                other = f"{place.path}:{place.line}"
                yield text.at(offset, f"also in {other}: {sentence!r}; tell it otherwise, or enter it in {SHARED_FILE}")
    for language, texts in shelf.shared.items():
        for sentence in texts:
            if (language, form_of(sentence)) not in used:
                line = shelf.line_with(SHARED_FILE, sentence)
                yield FileFault(
                    SHARED_FILE, line, f"{language}: {sentence!r} does not stand in two topics: take it out"
                )


def questions(shelf: Shelf) -> Iterator[FileFault]:
    """No question stands under two topics after the same one, and the heads were fitted on just these questions."""
    seen: dict[tuple[str | None, tuple[str, ...]], Question] = {}
    for row in shelf.questions:
        form = words(row.text)
        earlier = seen.setdefault((row.after, form), row) if form else row
        if (earlier.topic, earlier.urgencies, earlier.dosing) != (row.topic, row.urgencies, row.dosing):
            yield FileFault(row.path, row.line, f"also stands at {earlier.path}:{earlier.line} with other labels")
    try:
        card = read_heads_card(shelf.root / "model")
    except UnusableFileError as error:
        yield from error.faults
        return
    if card.questions_sha256 != questions_digest(shelf.questions):
        yield FileFault("model/heads.json", 0, "was fitted on other questions: run `library train`")
