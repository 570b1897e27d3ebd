"""
Russian typed in Latin letters, as a Russian would have written it.

There are many ways to type it, and most lose something: "bol" is "боль", "sh" and "w" are "ш", "j" is "ж" or "й". So a
word is read as the known one that sounds like it, and letter by letter only where none does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product

LETTERS = (
    ("shch", "щ"), ("sch", "щ"), ("tsya", "тся"), ("tsja", "тся"), ("tsia", "тся"), ("yo", "ё"), ("jo", "ё"),
    ("zh", "ж"), ("kh", "х"), ("ts", "ц"), ("ch", "ч"), ("sh", "ш"), ("yu", "ю"), ("ju", "ю"), ("ya", "я"),
    ("ja", "я"), ("ye", "е"), ("eh", "э"), ("iy", "ий"),
    ("a", "а"), ("b", "б"), ("v", "в"), ("w", "в"), ("g", "г"), ("d", "д"), ("e", "е"), ("z", "з"), ("i", "и"),
    ("j", "й"), ("k", "к"), ("l", "л"), ("m", "м"), ("n", "н"), ("o", "о"), ("p", "п"), ("r", "р"), ("s", "с"),
    ("t", "т"), ("u", "у"), ("f", "ф"), ("h", "х"), ("c", "ц"), ("y", "ы"), ("x", "х"), ("q", "я"), ("4", "ч"),
    ("'", "ь"),
)  # fmt: skip
"""How Russian is typed on a Latin keyboard, longest first: GOST 7.79 B loosened by common habit."""

SOUND_OF = {
    **dict(zip("абвгдезийклмнопрстуфхыэёюя", "abvgdeziiklmnoprstufhieeua", strict=True)),
    "ж": "J",
    "ц": "ts",
    "ч": "C",
    "ш": "S",
    "щ": "S",
    "ъ": "",
    "ь": "",
}
"""A sign for all letters that are typed alike."""
HEARD_AS = {
    "shch": ("S",), "sch": ("S", "sC"), "sh": ("S",), "w": ("S", "v"), "6": ("S",), "ch": ("C", "h"), "4": ("C",),
    "zh": ("J",), "j": ("J", "i"), "g": ("g", "J"), "kh": ("h",), "x": ("h", "ks"), "c": ("ts", "k", "s"),
    "y": ("i", "u"), "yo": ("e", "io"), "jo": ("e", "io"), "io": ("io", "e"), "q": ("a", "k"), "'": ("",),
}  # fmt: skip
"""What Latin letters may stand for, the likeliest first; others stand for themselves."""
TYPED = re.compile(r"shch|sch|sh|zh|kh|ch|yo|io|jo|[a-z0-9']")
READINGS = 16
"""So many readings of one word are tried."""
WORD = re.compile(r"(?<![^\W_])(?=[0-9']*[a-z])[a-z0-9']+(?![^\W_])")
"""A word in plain Latin letters; one with an accent is none of Russian."""
SHORTEST = 3
"""Letters from which on a word tells a language: "on", "da" and "no" are words of several."""


def in_cyrillic(text: str) -> str:
    """Latin letters put letter by letter into Cyrillic ones."""
    text = text.lower()
    for latin, cyrillic in LETTERS:
        text = text.replace(latin, cyrillic)
    return text


class Sounds:
    """Known words by how they sound."""

    def __init__(self, known: Mapping[str, int], others: Iterable[str]) -> None:
        """
        Learn how words sound.

        Args:
            known: words in Cyrillic letters, and how often each is used: of two that sound alike the commoner is heard.
            others: words of the languages that are written in Latin letters.
        """
        self._known = known
        self._others = frozenset(others)
        self._by_sound: dict[str, str] = {}
        for word in sorted(known, key=lambda word: (known[word], word)):
            self._by_sound[squeezed(SOUND_OF.get(letter, letter) for letter in word)] = word

    def word(self, typed: str) -> str | None:
        """The known word that one in Latin letters stands for; None where none sounds like it."""
        plain = in_cyrillic(typed)
        if plain in self._known:
            return plain
        alike = (self._by_sound[sound] for sound in readings(typed) if sound in self._by_sound)
        return max(alike, key=lambda word: self._known[word], default=None)

    def speak_in(self, text: str, least: int) -> bool:
        """
        Whether a lowered text is Russian in Latin letters.

        It is where so many words at least, and more than are words of other languages, sound like known ones.
        """
        typed = [word for word in WORD.findall(text) if len(word) >= SHORTEST]
        theirs = sum(word.replace("'", "") in self._others for word in typed)
        if len(typed) - theirs < max(least, theirs + 1):
            return False
        ours = sum(word.replace("'", "") not in self._others and self.word(word) is not None for word in typed)
        return ours >= max(least, theirs + 1)


def readings(typed: str) -> Iterator[str]:
    """How a word in Latin letters may sound."""
    choices = [HEARD_AS.get(letters, (letters,)) for letters in TYPED.findall(typed)]
    return islice((squeezed(reading) for reading in product(*choices)), READINGS)


def squeezed(sounds: Iterable[str]) -> str:
    """Sounds as one word, without what is heard before a vowel or typed twice: "ия", "ья" and "я" are one."""
    return re.sub(r"(.)\1+", r"\1", re.sub(r"i+(?=[aeu])", "", "".join(sounds)))
