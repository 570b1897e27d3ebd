"""Tell the language; fold spelling, case and script so that one thought has one form."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

Value = TypeVar("Value")
Plain = tuple[str, ...]
"""A phrase in plain words."""

MAX_LENGTH = 2_000
"""Characters that are read. Of a longer message both ends count: a cry for help stands in the first or the last line."""

LATIN = "LATIN"
"""The script of Latin letters, as `script_of` calls it."""
QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "“": '"', "”": '"', "«": '"', "»": '"'})
LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"})
CYRILLIC_LEET = str.maketrans({"0": "о", "3": "е", "4": "ч", "6": "б", "1": "и"})
LOOKALIKES = dict(zip("aceopxyktmhbi", "асеорхуктмнви", strict=True))
"""Latin letters that stand in for Cyrillic ones inside a Cyrillic word (Unicode TS 39, confusables)."""

STRETCHED = re.compile(r"(\w)\1{2,}")
WORD = re.compile(r"[^\W_]+(?:[@$][^\W_]+)*")
LETTERS = re.compile(r"[^\W\d_]+")
ASCII_LETTER = re.compile("[a-z]")
CYRILLIC = re.compile("[а-я]")
DISGUISED = re.compile(r"(?<![\w@$])[\w@$]*[^\W\d_][0-9@$][\w@$]*")
"""A word with a digit or a sign after a letter: "n4rcan". Those that begin with digits alone are amounts: "5mins"."""
NUMBERED = re.compile(r"[^\W\d_]+\d{2,}s?|[^\W\d_]{1,3}[\d$]")
"""A name with a number after it, such as a pill's or a player's: "m30", "mp3"."""


@dataclass(frozen=True)
class Tongue:
    """What tells a language: its script, words that are common in it, and words that it has in Latin letters."""

    script: str
    common: frozenset[str]
    latin: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()


def ends(text: str) -> str:
    """As much of a text as is read."""
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH // 2] + " " + text[-MAX_LENGTH // 2 :]


def cleaned(text: str) -> str:
    """The text without what no reader sees: lone surrogates, controls, invisible marks, storms of combining marks."""
    text = ends(text)
    text = text.encode("utf-8", "ignore").decode("utf-8", "ignore")
    if text.isascii() and text.isprintable():
        return " ".join(text.translate(QUOTES).split())
    # One sign may stand for many: U+FDFA becomes eighteen.
    text = ends(unicodedata.normalize("NFKC", text))
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category == "Mn" else 0
        if category in {"Cc", "Zl", "Zp"}:
            kept.append(" ")
        elif category not in {"Cf", "Cs", "Co", "Cn"} and marks <= 2:
            kept.append(char)
    return " ".join("".join(kept).translate(QUOTES).split())


def lowered(text: str) -> str:
    """The text cleaned, in lower case, no letter more than twice in a row."""
    return unstretched(cleaned(text).lower())


def unstretched(text: str) -> str:
    """The text with no letter more than twice in a row: "nooo" is "noo"."""
    return STRETCHED.sub(r"\1\1", text)


def folded(text: str) -> str:
    """The form that the encoder reads: lowered, disguised letters mended."""
    return unstretched(DISGUISED.sub(_undisguised, lowered(text)))


def without_pictures(text: str) -> str:
    """A text without emoji, unless it has nothing else: people strew them, and our questions have none."""
    if text.isascii():
        return text
    kept = "".join(" " if unicodedata.category(char) in {"So", "Sk"} or char == "\ufe0f" else char for char in text)
    return " ".join(kept.split()) or text


def _undisguised(found: re.Match[str]) -> str:
    return found[0] if NUMBERED.fullmatch(found[0]) else mended(found[0])


def after_title(title: str | None, text: str) -> str:
    """The form of a message that is read after the title of the last answer, where there is one."""
    return folded(f"{title} {text}" if title else text)


def without_accents(text: str) -> str:
    """Letters without accents; ё becomes е, й stays й."""
    return text if text.isascii() else "".join(map(bare, text))


@lru_cache(4096)
def bare(char: str) -> str:
    """A character without its accents."""
    if char in "йЙ":
        return char
    return "".join(c for c in unicodedata.normalize("NFD", char) if unicodedata.category(c) != "Mn")


def words(text: str) -> tuple[str, ...]:
    """
    The plain words of a text, for patterns and tables.

    "wont", "won't" and "won’t" are one word to a frightened person typing with one thumb; so are "передоз" and
    "пeрeдoз" with Latin letters, and "n4rcan" and "narcan".
    """
    plain = without_accents(folded(text)).replace("'", "")
    return tuple(word if word.isascii() and word.isalpha() else mended(word) for word in WORD.findall(plain))


def mended(word: str) -> str:
    """One word with digits and look-alike letters that stand for letters turned back into letters."""
    cyrillic = CYRILLIC.search(word) is not None
    if word.isdigit() or (word.isalpha() and not (cyrillic and ASCII_LETTER.search(word))):
        return word
    if cyrillic:
        return "".join(LOOKALIKES.get(c, c) for c in word.translate(CYRILLIC_LEET))
    return word.translate(LEET) if len(ASCII_LETTER.findall(word)) >= 2 else word


def script_of(text: str) -> str | None:
    """The script of most letters, by Unicode name: LATIN, CYRILLIC, ARABIC, CJK ...; None where there are none."""
    counts: dict[str, int] = {}
    for char in text:
        if char.isalpha():
            name = unicodedata.name(char, "?").split()[0]
            counts[name] = counts.get(name, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else None


@dataclass(frozen=True)
class Told:
    """
    What the text tells of its language.

    `language` one of ours, or None; `foreign` the code of one that we do not have, or None; `latin` where the
    language is written in another script than its own.
    """

    language: str | None
    foreign: str | None = None
    latin: bool = False


class Reading(NamedTuple):
    """A text taken for a language, ours or not, in its own script or in Latin letters; the first place wins a tie."""

    place: int
    code: str
    mine: bool
    latin: bool


class Tongues:
    """
    Our languages and those that we do not have, by their words and letters.

    A text is counted for those that it has a word or a letter of, so it costs no more to tell one language of hundreds.
    """

    def __init__(self, ours: Mapping[str, Tongue], others: Mapping[str, Tongue]) -> None:
        self.ours: dict[str, list[str]] = {}
        """Our languages by script."""
        self.others: dict[str, str] = {}
        """The first of the other languages of each script."""
        self._by_word: dict[tuple[str, str], list[Reading]] = {}
        self._by_letter: dict[tuple[str, str], list[Reading]] = {}
        for code, tongue in ours.items():
            self.ours.setdefault(tongue.script, []).append(code)
        for code, tongue in others.items():
            self.others.setdefault(tongue.script, code)
        for place, (code, tongue) in enumerate({**others, **ours}.items()):
            mine = code in ours
            plain, typed = Reading(2 * place, code, mine, False), Reading(2 * place + 1, code, mine, True)
            self._enter(self._by_word, tongue.script, tongue.common, plain)
            self._enter(self._by_letter, tongue.script, tongue.letters, plain)
            self._enter(self._by_word, LATIN, tongue.latin, typed)

    @staticmethod
    def _enter(table: dict[tuple[str, str], list[Reading]], script: str, signs: Iterable[str], found: Reading) -> None:
        for sign in signs:
            table.setdefault((script, sign), []).append(found)

    def scores(self, shown: str, script: str) -> Counter[Reading]:
        """How much speaks for each language: its common words, and twice as much its telling letters."""
        scores: Counter[Reading] = Counter()
        for word in LETTERS.findall(without_accents(shown).replace("'", "")):
            scores.update(self._by_word.get((script, word), ()))
        for char in shown:
            for reading in self._by_letter.get((script, char), ()):
                scores[reading] += 2
        return scores


def tell_language(text: str, tongues: Tongues, known: str | None = None) -> Told:
    """
    Which language a text is in, by script, telling letters and common words; nothing where it does not tell.

    Args:
        known: the language so far, which wins a tie: "no me has ayudado" could be English by each of its first words.
    """
    shown = cleaned(text).lower()
    script = script_of(shown)
    if script is None:
        return Told(None)
    if script not in tongues.ours:
        return Told(None, foreign=tongues.others.get(script, script.lower()))
    ours = tongues.ours[script]
    untold = Told(ours[0] if len(ours) == 1 else None)
    scores = tongues.scores(shown, script)
    if not scores:
        return untold
    best = max(scores, key=lambda reading: (scores[reading], reading.mine, reading.code == known, -reading.place))
    if best.mine:
        return Told(best.code, latin=best.latin)
    rival = max((score for reading, score in scores.items() if reading.mine), default=0)
    return untold if scores[best] < 2 or rival >= scores[best] else Told(None, foreign=best.code)


class Phrases(Mapping[Plain, Value]):
    """A table of phrases in plain words, in order, and which of them stand in a text."""

    def __init__(self, table: Mapping[Plain, Value]) -> None:
        self._table = dict(table)
        self._places = {phrase: place for place, phrase in enumerate(self._table)}
        self._lengths = lengths_of(self._table)

    def __getitem__(self, phrase: Plain) -> Value:
        return self._table[phrase]

    def __iter__(self) -> Iterator[Plain]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def spoken(self, typed: Sequence[str]) -> Iterator[Value]:
        """What belongs to each phrase that stands in a text, in the order of the table."""
        parts = {tuple(typed[at : at + n]) for n in self._lengths for at in range(len(typed) - n + 1)}
        yield from (self._table[phrase] for phrase in sorted(parts & self._places.keys(), key=self._places.__getitem__))

    def told(self, typed: Plain, fillers: Container[str]) -> tuple[Value, ...]:
        """What belongs to the phrases of a text that has nothing else but fillers; nothing of any other text."""
        found: list[Value] = []
        while typed:
            length = next((n for n in self._lengths if typed[:n] in self._table), 0)
            if length:
                found.append(self._table[typed[:length]])
            elif typed[0] not in fillers:
                return ()
            typed = typed[length or 1 :]
        return tuple(found)


def lengths_of(phrases: Iterable[Plain]) -> tuple[int, ...]:
    """How many words phrases have, the longest first: by it they are looked up, however many there are."""
    return tuple(sorted({len(phrase) for phrase in phrases}, reverse=True))
