"""How easily a text reads, by the formula that each language has of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from bot.content.formats import FileFault
from bot.content.shelf import Shelf

MEDICINE = re.compile(
    r"naltrexone|naloxone|narcan|methadone|buprenorphine|medicine\w*|overdose\w*|antagonist|opioid\w*|emergency|ambulance|"
    r"налтрексон\w*|налоксон\w*|метадон\w*|бупренорфин\w*|опиоид\w*|антагонист\w*|передозировк\w*|лекарств\w*|"
    r"naltrexona|naloxona|metadona|buprenorfina|opioide\w*|sobredosis|antagonista|emergencia\w*|medicamento\w*|ambulancia",
    re.IGNORECASE,
)
"""Words that no plainer one stands for count as one syllable, so that they are never left out to please a formula."""
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def english_syllables(word: str) -> int:
    """Groups of vowels, without a silent e at the end."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    count = len(re.findall(r"[aeiouy]+", letters))
    silent_e = letters.endswith("e") and not letters.endswith("le")
    silent_ed = letters.endswith("ed") and not letters.endswith(("ted", "ded"))
    count -= silent_e and count > 1
    count -= silent_ed and count > 1
    return max(1, count)


def russian_syllables(word: str) -> int:
    """One a vowel."""
    return max(1, len(re.findall("[аеёиоуыэюя]", word.lower())))


def spanish_syllables(word: str) -> int:
    """Groups of vowels; a stressed í or ú beside another vowel is a syllable of its own."""
    parted = re.sub(r"([aeoáéó])(?=[íú])|([íú])(?=[aeoáéó])", r"\1\2 ", word.lower())
    return max(1, len(re.findall(r"[aeiouáéíóúü]+", parted)))


@dataclass(frozen=True)
class Formula:
    """
    A language's formula of the words a sentence and the syllables a word, and the limits that we hold.

    `harder` is 1 where a higher value is harder to read (a school grade), -1 where it is easier.
    """

    name: str
    syllables: Callable[[str], int]
    value: Callable[[float, float], float]
    harder: int
    limit: float
    limit_hands_first: float


FORMULAS: Mapping[str, Formula] = {
    "en": Formula("Flesch-Kincaid grade", english_syllables, lambda w, s: 0.39 * w + 11.8 * s - 15.59, 1, 7.5, 5.9),
    "ru": Formula("Flesch-Oborneva ease", russian_syllables, lambda w, s: 206.835 - 1.3 * w - 60.1 * s, -1, 60, 60),
    "es": Formula("Fernández Huerta ease", spanish_syllables, lambda w, s: 206.84 - 1.02 * w - 60 * s, -1, 65, 70),
}
ENGLISH_MEDIAN = 6.0
"""Half of the English texts have at most this grade."""


def measure(body: str, formula: Formula) -> float:
    """
    The formula's value for a text. A line of a list and a colon end a sentence.

    textstat has the same formulas, but no way to except the names of medicines.
    """
    text = re.sub(r"^(?:\d\.|-)\s*", "", body, flags=re.MULTILINE).replace("**", "")
    pieces = re.split(r"[.!?…:]+\s", re.sub(r"\n+", ". ", text) + " ")
    sentences = sum(1 for piece in pieces if re.search(r"\w", piece))
    found = WORD.findall(text)
    if not found:
        return formula.limit
    syllables = sum(1 if MEDICINE.fullmatch(word) else formula.syllables(word) for word in found)
    return formula.value(len(found) / max(1, sentences), syllables / len(found))


def readability(shelf: Shelf) -> Iterator[FileFault]:
    """Every text reads easily by its language's formula; emergency answers and their steps more easily still."""
    grades: list[float] = []
    for text in shelf.texts():
        formula = FORMULAS.get(text.language)
        if formula is None:
            continue
        value = measure(text.body, formula)
        limit = formula.limit_hands_first if text.hands_first else formula.limit
        bound = "at most" if formula.harder > 0 else "at least"
        if (value - limit) * formula.harder > 0:
            yield text.at(0, f"{formula.name} {value:.1f}, {bound} {limit:g}: shorter sentences, commoner words")
        if text.language == "en":
            grades.append(value)
    if grades and median(grades) > ENGLISH_MEDIAN:
        yield FileFault("en", 0, f"median grade of all texts {median(grades):.1f}, at most {ENGLISH_MEDIAN:g}")
