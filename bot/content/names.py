"""Lists of given names -> every form in which a name may stand in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.content.formats import FileFault, UnusableFileError
from bot.conversation.language import without_accents

LINE = re.compile(r"(?:\+ )?[^\W\d_]+\*?(?: !?[^\W\d_]+\*?)*")
ENDINGS = (
    ("а", ("а", "ы", "и", "е", "у", "ой", "ою", "ей")),
    ("я", ("я", "и", "е", "ю", "ей", "ею")),
    ("й", ("й", "я", "ю", "ем", "е")),
    ("ь", ("ь", "я", "ю", "ем", "е", "и", "ью")),
    ("ек", ("ек", "ька", "ьку", "ьком", "ьке")),
    ("ел", ("ел", "ла", "лу", "лом", "ле")),
)
"""How Russian declines names, by their last letters."""
PATRONYMIC = re.compile(r"(\w+?)(?:ович|евич|овн|евн)(?:а|у|ем|е|ой|ы)?")


@dataclass(frozen=True)
class Names:
    """Folded forms: `sure` names, `doubtful` ones that are ordinary words too, surnames that count after a name only."""

    sure: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    surnames: frozenset[str] = frozenset()
    stems: frozenset[str] = frozenset()

    def __or__(self, other: Names) -> Names:
        """The names of both; what is an ordinary word in one language is doubtful in all."""
        doubtful = self.doubtful | other.doubtful
        sure = (self.sure | other.sure) - doubtful
        return Names(sure, doubtful, self.surnames | other.surnames, self.stems | other.stems)

    def is_patronymic(self, word: str) -> bool:
        """Whether a folded word is made of a father's name."""
        found = PATRONYMIC.fullmatch(word)
        return found is not None and found[1] in self.stems


def fold(word: str) -> str:
    """A word as lists and texts are compared: small letters, no accents, no apostrophes."""
    return without_accents(word.lower()).replace("'", "")


def read_names(path: Path, shown: str) -> Names:
    """
    names.txt; responses/en/names.txt says how it is written.

    Raises:
        UnusableFileError: it cannot be read, or has a line that is none of names.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise UnusableFileError((FileFault(shown, 0, f"cannot be read: {type(error).__name__}"),)) from error
    rows = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
    wrong = tuple(FileFault(shown, number, "not a line of names") for number, row in rows if not LINE.fullmatch(row))
    if wrong:
        raise UnusableFileError(wrong)
    given = [word for _, row in rows if row[0] != "+" for word in row.split()]
    surnames = frozenset(fold(word) for _, row in rows if row[0] == "+" for word in row.split()[1:])
    other = {fold(word[1:]) for word in given if word[0] == "!"}
    doubtful = set(forms_of(word[:-1] for word in given if word[-1] == "*"))
    sure = set(forms_of(word for word in given if word[0] != "!" and word[-1] != "*"))
    stems = {fold(word.rstrip("*")) for word in given if word[0] != "!"}
    stems |= {stem[:-1] for stem in stems if stem[-1] in "йья"}
    return Names(frozenset(sure - doubtful - other), frozenset(doubtful | other), surnames, frozenset(stems))


def forms_of(names: Iterable[str]) -> Iterator[str]:
    """Every form of each name: the cases of those in Cyrillic letters."""
    for name in map(fold, names):
        yield name
        if re.search("[а-я]", name):
            yield from declined(name)


def declined(name: str) -> Iterator[str]:
    """A Russian name in its cases."""
    for last, endings in reversed(ENDINGS):
        if name.endswith(last):
            yield from (name[: -len(last)] + ending for ending in endings)
            return
    if name[-1] not in "оуиеэыю":
        yield from (name + ending for ending in ("а", "у", "ом", "ем", "е"))
