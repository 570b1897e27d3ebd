"""Each text is in its own language, whole: no other script, no words or sentences of another of our languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from bot.content.formats import FileFault
from bot.content.shelf import Shelf, Text

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
SMALL: Mapping[str, str] = {
    "en": "the and with you your are not this that from have will they them what when how is",
    "es": "el los las una por para que está están pero usted tú su sus hay como cuando muy",
}
"""Small words that stand in nearly every sentence of a language and in none of the other of the same script."""
STOP_WORDS: Mapping[str, frozenset[str]] = {language: frozenset(text.split()) for language, text in SMALL.items()}
COMPARED = 3
"""Of fewer words a sentence may be the same in two languages: "Naloxone."."""


def script_of(letter: str) -> str:
    """The script of a letter, as Unicode names it: LATIN, CYRILLIC."""
    return unicodedata.name(letter, "").split(" ")[0]


def scripts(shelf: Shelf) -> Iterator[FileFault]:
    """No word mixes scripts; other scripts stand for names alone, which begin with a capital, and for commands."""
    for text in shelf.texts():
        language = shelf.languages.get(text.language)
        for found in WORD.finditer(text.body) if language else ():
            used = {script_of(letter) for letter in found[0] if letter.isalpha()}
            is_command = text.body[: found.start()].endswith("/")
            if len(used) > 1:
                yield text.at(found.start(), f"{found[0]!r} mixes letters of {' and '.join(sorted(used))}")
            elif language and used != {language.script} and not is_command and not found[0][0].isupper():
                yield text.at(found.start(), f"{found[0]!r} is not in {language.name}: translate it")


def mixtures(shelf: Shelf) -> Iterator[FileFault]:
    """No small word of another language of the same script stands in a text or a title."""
    for text in shelf.texts():
        for other, stop_words in STOP_WORDS.items():
            if other == text.language or text.language not in STOP_WORDS:
                continue
            for found in WORD.finditer(text.body):
                if found[0].lower() in stop_words:
                    yield text.at(found.start(), f"{found[0]!r} is a word of {other!r}: translate it")
    for (language, topic), response in shelf.responses.items():
        for other, stop_words in STOP_WORDS.items():
            strange = {word.lower() for word in WORD.findall(response.head.title)} & stop_words
            if strange and other != language and language in STOP_WORDS:
                yield shelf.at_key(
                    language, topic, "title", f"{sorted(strange)[0]!r} is a word of {other!r}: translate it"
                )


def untranslated(shelf: Shelf) -> Iterator[FileFault]:
    """No sentence, and no title of several words, is the same in two languages."""
    seen: dict[tuple[str, ...], Text] = {}
    for text in shelf.texts():
        for offset, sentence in text.sentences():
            form = tuple(word.lower() for word in WORD.findall(sentence))
            if len(form) < COMPARED:
                continue
            first = seen.setdefault(form, text)
            if first.language != text.language:
                yield text.at(offset, f"untranslated: {sentence!r} is also in {first.path}")
    titles: dict[str, str] = {}
    for (language, topic), response in shelf.responses.items():
        title = response.head.title.lower()
        if titles.setdefault(title, language) != language and len(WORD.findall(title)) >= COMPARED:
            yield shelf.at_key(language, topic, "title", f"untranslated: the same as in {titles[title]!r}")
