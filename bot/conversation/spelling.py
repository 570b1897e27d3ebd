"""Spelling: a word that our questions do not know is read as the one that a slip of the thumb may have made it from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bot.conversation.language import CYRILLIC_LEET, LEET, folded
from bot.conversation.latin import WORD, Sounds, in_cyrillic

TWICE = 2
"""Times that a word stands in our questions, from which on others are mended to it: what stands once may be a slip."""
SHORTEST = 4
"""Letters from which on a word is mended: a shorter one is one slip from too many others."""
LONGEST = 24
"""Letters up to which one is: no word of our questions is nearly as long, and to look took a fifth of a second for 2,000."""
TOKEN = re.compile(r"[\w@$]+")
AMOUNT = re.compile(r"\d+(?:[ap]m|st|nd|rd|th|mc?g|ml|g|gr|h|k|x|d|mins?|hrs?|мк?г|мл|г|ч|х|мин)?")
"""A number, and one with its unit: no letter in disguise stands in it."""
RUSSIAN = "ru"
"""The one of our languages that people also type in letters that are not its own."""
IN_CYRILLIC = CYRILLIC_LEET | str.maketrans({"@": "а"})

WordCounts = Mapping[str, Mapping[str, int]]
"""By language, how often each word stands in our questions."""


@dataclass(frozen=True)
class Spelling:
    """The words that are known, by language, and what is read in place of others."""

    known: WordCounts = field(default_factory=dict)

    def mended(self, text: str, language: str) -> str:
        """
        A folded text with unknown words mended: one letter is lost, doubled, swapped or another, or digits stand for letters.

        What is not near a known word stays as it is.
        """
        known = self.known.get(language)
        return TOKEN.sub(lambda found: _mended(found[0], known), text) if known else text

    def in_cyrillic(self, text: str) -> str:
        """A lowered text of Russian in Latin letters, as a Russian would have written it; not folded, for "4" is "ч"."""
        known = self.known.get(RUSSIAN, {})
        return WORD.sub(lambda found: self.sounds.word(found[0]) or _mended(in_cyrillic(found[0]), known), text)

    @cached_property
    def sounds(self) -> Sounds:
        """The Russian words by how they sound."""
        ours = {word: count for word, count in self.known.get(RUSSIAN, {}).items() if count >= TWICE}
        return Sounds(ours, (word for language in self.known.keys() - {RUSSIAN} for word in self.known[language]))


def count_words(texts: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """How often each word stands in texts, each given with its language; in the order of the alphabet."""
    counts: dict[str, Counter[str]] = {}
    for language, text in texts:
        counts.setdefault(language, Counter()).update(word for word in TOKEN.findall(folded(text)) if word.isalpha())
    return {language: dict(sorted(found.items())) for language, found in sorted(counts.items())}


def _mended(word: str, known: Mapping[str, int]) -> str:
    if word in known or AMOUNT.fullmatch(word):
        return word
    if not word.isalpha():
        cyrillic = any("а" <= letter <= "я" for letter in word)
        letters = word.translate(IN_CYRILLIC if cyrillic else LEET)
        return letters if known.get(letters, 0) >= TWICE else word
    if not SHORTEST <= len(word) <= LONGEST:
        return word
    near = [other for other in _one_slip_from(word) if known.get(other, 0) >= TWICE]
    return max(near, key=lambda other: (known[other], other), default=word)


def _one_slip_from(word: str) -> Iterable[str]:
    """All that is one edit from a word: a letter less, two swapped, another letter, a letter more (Damerau 1964)."""
    alphabet = "абвгдежзийклмнопрстуфхцчшщъыьэюяё" if "а" <= word[0] <= "ё" else "abcdefghijklmnopqrstuvwxyzáéíñóúü"
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        yield before + after[1:]
        yield before + after[1:2] + after[:1] + after[2:]
        for letter in alphabet:
            yield before + letter + after[1:]
            yield before + letter + after
