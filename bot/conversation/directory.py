"""Help by country, and how to find it where the country is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property

from bot.conversation.language import lengths_of
from bot.vocabulary import Contact, Urgency


class Confidence(StrEnum):
    """How well a number is supported by what was read. Nothing was dialled."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class LineKind(StrEnum):
    """What a help line is for."""

    CRISIS = "crisis"
    POISON = "poison"
    DRUGS = "drugs"
    CHILD = "child"


LINES_FOR: Mapping[Urgency, tuple[LineKind, ...]] = {
    Urgency.EMERGENCY: (),
    Urgency.SELF_HARM: (LineKind.CRISIS,),
    Urgency.SAFEGUARDING: (LineKind.CHILD,),
}
"""Which lines stand under the answer to a danger."""


@dataclass(frozen=True)
class Number:
    """A number as dialled inside the country, who answers it, and how sure we are."""

    number: str
    service: str
    confidence: Confidence


@dataclass(frozen=True)
class Line:
    """A help line: `how` is its number, the word to send to it, or its address."""

    kind: LineKind
    name: str
    how: str
    hours: str | None
    shown: bool
    police: bool


@dataclass(frozen=True)
class Country:
    """One territory's help, and the day on which the entry was last compared with its sources."""

    code: str
    numbers: tuple[Number, ...]
    lines: tuple[Line, ...]
    checked: date


@dataclass(frozen=True)
class Directory:
    """All territories by ISO 3166-1 alpha-2 code, and what stands for an unknown one."""

    countries: Mapping[str, Country]
    unknown: Country

    def entry(self, country: str | None) -> Country:
        """The entry of a country; the unknown one's where it is None or not in the directory."""
        return self.countries.get(country or "", self.unknown)

    def dialled(self, country: str | None) -> tuple[Number, ...]:
        """The numbers to show, in order: 112 where the country has none of its own."""
        return self.entry(country).numbers or self.unknown.numbers

    def lines(self, country: str | None, urgency: Urgency) -> tuple[tuple[Line, ...], bool]:
        """The lines that go with a danger, and whether they are the country's own."""
        wanted = LINES_FOR.get(urgency, ())
        listed = self.countries[country].lines if country and country in self.countries else ()
        own = tuple(line for line in listed if line.kind in wanted and line.shown)
        if own or not wanted:
            return own[:3], True
        return tuple(line for line in self.unknown.lines if line.kind in wanted), False

    def contact(self, country: str | None, services: Mapping[str, str]) -> Contact:
        """Whom the pointer names first, with the word for the service in the reader's language."""
        first = self.dialled(country)[0]
        return Contact(first.number, services[first.service])

    def is_doubtful(self, country: str | None) -> bool:
        """Whether no number of the country is well supported."""
        return all(number.confidence is Confidence.LOW for number in self.dialled(country))


@dataclass(frozen=True)
class Found:
    """
    A country that was named, and the words of the message beside its name.

    `is_home` where the words say that it is where the reader lives or is: "i live in spain", and not just "in spain".
    """

    country: str
    rest: tuple[str, ...]
    is_home: bool = False


@dataclass(frozen=True)
class Places:
    """How people name places in one language: phrases of plain words to country codes."""

    names: Mapping[str, str]
    sure: Mapping[tuple[str, ...], str]
    ambiguous: Mapping[tuple[str, ...], str]
    prepositions: frozenset[tuple[str, ...]]

    def find(self, words: Sequence[str]) -> Found | None:
        """
        The country that the words name, or None.

        A place counts where it is the whole message, or stands after a word of place ("in Almaty"). Of several the
        last one counts, for people correct themselves; but where one says where the reader is, that one.
        """
        typed = tuple(words)
        if whole := self.sure.get(typed) or self.ambiguous.get(typed):
            return Found(whole, (), is_home=True)
        found = None
        for start in range(1, len(typed)):
            before = self._led(typed, start)
            for length in (4, 3, 2, 1) if before else ():
                phrase = typed[start : start + length]
                code = self.sure.get(phrase) or self.ambiguous.get(phrase)
                if len(phrase) == length and code:
                    # "In" stands before any place, "i live in" and "im in" before one's own.
                    if before > 1 or found is None or not found.is_home:
                        found = Found(code, typed[: start - before] + typed[start + length :], is_home=before > 1)
                    break
        return found

    def _led(self, typed: tuple[str, ...], start: int) -> int:
        """How many words of place stand right before a word: two in "live in almaty"; 0 where none do."""
        lengths = (length for length in self._leading if length <= start)
        return next((length for length in lengths if typed[start - length : start] in self.prepositions), 0)

    @cached_property
    def _leading(self) -> tuple[int, ...]:
        return lengths_of(self.prepositions)
