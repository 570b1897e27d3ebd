"""Spelling: a word that our questions do not know is read as the one that a slip of the thumb may have made it from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log

from bot.conversation.language import CYRILLIC_LEET, LEET, folded, without_accents
from bot.conversation.latin import WORD, Sounds, in_cyrillic

TWICE = 2
"""Times that a word stands in our questions, from which on others are mended to it: what stands once may be a slip."""
SHORTEST = 4
"""Letters from which on a word is mended: a shorter one is one slip from too many others."""
LONGEST = 24
"""Letters up to which one is: no word of our questions is nearly as long, and to look took a fifth of a second for 2,000."""
UNSEEN = 0.5
"""How often a word stands in questions that do not have it."""
TELLS = 1.0
"""From this lead on, in natural logarithms, words tell one language from another."""
TELLS_AGAINST = 3.0
"""From this one on they do against the language so far: twenty to one."""
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

    def likeliest(self, text: str, languages: Sequence[str], known: str | None = None) -> str | None:
        """
        The one of some languages whose questions have the words of a folded text more often; None where it does not tell.

        Naive Bayes on single words, in natural logarithms: see `TELLS` and `TELLS_AGAINST`.

        Args:
            known: the language so far, which it must speak more clearly against.
        """
        tables = {language: self._plain[language] for language in languages if language in self._plain}
        typed = [word for word in TOKEN.findall(without_accents(text)) if any(word in t for t, _ in tables.values())]
        scores = {
            language: sum(log((counts.get(word, 0) + UNSEEN) / total) for word in typed)
            for language, (counts, total) in tables.items()
        }
        ranked = sorted(scores, key=lambda language: -scores[language])
        if typed and known in scores and scores[ranked[0]] - scores[known] < TELLS_AGAINST:
            return known
        return ranked[0] if typed and len(ranked) > 1 and scores[ranked[0]] - scores[ranked[1]] >= TELLS else None

    @cached_property
    def _plain(self) -> Mapping[str, tuple[Mapping[str, int], int]]:
        """By language its words without accents, and how many there are in all."""
        plain: dict[str, Counter[str]] = {}
        for language, counts in self.known.items():
            for word, count in counts.items():
                plain.setdefault(language, Counter())[without_accents(word)] += count
        return {language: (counts, counts.total()) for language, counts in plain.items()}

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
