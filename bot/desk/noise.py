"""Noise: a message as a thumb types it. The encoder is taught with it, and `evaluate --robustness` asks with it."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Final

KEYBOARDS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю")
NEIGHBOURS: Final = {
    key: row[max(0, at - 1) : at] + row[at + 1 : at + 2] for row in KEYBOARDS for at, key in enumerate(row)
}
IN_LATIN: Final[Mapping[str, Sequence[str]]] = {
    **{cyrillic: (latin,) for cyrillic, latin in zip("абвгдезиклмнопрстуф", "abvgdeziklmnoprstuf", strict=True)},
    "ё": ("e", "yo", "io"),
    "ж": ("zh", "j", "g"),
    "й": ("y", "i", "j"),
    "х": ("h", "x", "kh"),
    "ц": ("c", "ts"),
    "ч": ("ch", "4"),
    "ш": ("sh", "w"),
    "щ": ("sch", "sh", "shch"),
    "ъ": ("",),
    "ы": ("y", "i"),
    "ь": ("", "", "'"),
    "э": ("e",),
    "ю": ("yu", "u", "ju"),
    "я": ("ya", "ja", "ia"),
}
LEET: Final[Mapping[str, str]] = {
    "a": "4@", "e": "3", "i": "1", "o": "0", "s": "5$", "t": "7",
    "а": "@", "б": "6", "е": "3", "з": "3", "о": "0", "ч": "4",
}  # fmt: skip
EMOJI: Final = ("😭", "🙏", "💀", "😰", "😅", "🥺", "❤️", "🤔", "😡")

Noise = Callable[[str, random.Random], str]
"""A text that is not empty -> the same as somebody might type it; the dice decide how."""


def slipped(text: str, dice: random.Random, slips: int) -> str:
    """So many slips of the thumb: a neighbour hit, a letter lost, doubled or swapped. One that hits no letter is none."""
    for _ in range(slips):
        at = dice.randrange(len(text))
        before, here, following, rest = text[:at], text[at], text[at + 1 : at + 2], text[at + 2 :]
        if here.isalpha():
            neighbour = dice.choice(NEIGHBOURS.get(here.lower(), here))
            slip = dice.choice((neighbour + following, following, here + here + following, following + here))
            text = before + slip + rest or text
    return text


def mistyped(text: str, dice: random.Random) -> str:
    """One slip in about forty letters, one at least."""
    return slipped(text, dice, 1 + len(text) // 40)


def mistyped_often(text: str, dice: random.Random) -> str:
    """One slip in about twenty letters, one at least: 5 % of them."""
    return slipped(text, dice, 1 + len(text) // 20)


def without_accents(text: str, dice: random.Random) -> str:
    """No accents, tildes or opening marks: "cuanto dura", "еще". The Russian й stays."""
    bare = {letter: unicodedata.normalize("NFD", letter)[0] for letter in set(text) if letter not in "йЙ"}
    return "".join(bare.get(letter, letter) for letter in text if letter not in "¿¡")


def without_marks(text: str, dice: random.Random) -> str:
    """Letters, digits and spaces alone: no punctuation, no apostrophes."""
    return " ".join("".join(letter if letter.isalnum() else " " for letter in text.replace("'", "")).split())


def with_spaces_lost(text: str, dice: random.Random) -> str:
    """Some spaces missed by the thumb; in a short text perhaps all."""
    lost = dice.choice((0.15, 0.15, 1.0)) if len(text) < 30 else 0.1
    return "".join(letter for letter in text if letter != " " or dice.random() > lost)


def stretched(text: str, dice: random.Random) -> str:
    """One letter held down: "pleaaaase"."""
    at = dice.randrange(len(text))
    return text[:at] + text[at] * dice.randint(3, 6) + text[at + 1 :] if text[at].isalpha() else text


def in_latin_letters(text: str, dice: random.Random) -> str:
    """Russian typed in Latin letters, by one of the many ways and the same way throughout."""
    way = {cyrillic: dice.choice(latin) for cyrillic, latin in IN_LATIN.items()}
    return "".join(way.get(letter, letter) for letter in text.lower())


def in_capitals(text: str, dice: random.Random) -> str:
    """All shouted."""
    return text.upper()


def in_leet(text: str, dice: random.Random) -> str:
    """Half of the letters that have one as the digit or sign that looks like them: "n4rc4n", "м3тад0н"."""
    return "".join(
        dice.choice(LEET[letter.lower()]) if letter.lower() in LEET and dice.random() < 0.5 else letter
        for letter in text
    )


def with_emoji(text: str, dice: random.Random) -> str:
    """One to three emoji, at the end or between words."""
    parts = text.split(" ")
    for _ in range(dice.randint(1, 3)):
        parts.insert(dice.choice((len(parts), dice.randint(1, len(parts)))), dice.choice(EMOJI))
    return " ".join(parts)


TAUGHT: Final[tuple[tuple[Noise, float], ...]] = (
    (mistyped, 4),
    (without_accents, 2),
    (without_marks, 2),
    (with_spaces_lost, 1),
    (stretched, 1),
    (in_latin_letters, 2),
    (in_capitals, 0.5),
)
"""What the encoder is taught to read through, and how often against the others."""


def noised(text: str, dice: random.Random) -> str:
    """One or two of the noises that are taught."""
    kinds, weights = zip(*TAUGHT, strict=True)
    for noise in dice.choices(kinds, weights, k=dice.choice((1, 1, 2))):
        text = noise(text, dice) or text
    return text
