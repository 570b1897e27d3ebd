"""The directory as the reading page shows it: every territory, what was checked there, when, and how well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from bot.content.formats import (
    DIRECTORY_SOURCES,
    CountryFile,
    DirectorySource,
    LineFile,
    UnusableFileError,
    read_yaml,
)
from bot.content.ledger import LIFETIMES
from bot.conversation.directory import Confidence
from bot.desk.manuscript import Desk, due_state
from bot.desk.reading import as_read

CONFIDENCE: Mapping[Confidence, str] = {
    Confidence.HIGH: "high confidence",
    Confidence.MEDIUM: "medium confidence",
    Confidence.LOW: "LOW confidence",
}
MEANING: Mapping[Confidence, str] = {
    Confidence.HIGH: "two strong sources, or one strong and two more",
    Confidence.MEDIUM: "one strong source and one more; a help line: two sources, or its operator's own page",
    Confidence.LOW: "weak or conflicting sources",
}
UNKNOWN = "unknown"
KINDS = {"crisis": "Crisis line", "poison": "Poison centre", "drugs": "Drug help line", "child": "Child help line"}
ABSENT = {"crisis": "crisis lines", "poison": "poison centre", "drugs": "drug help line", "child": "child help line"}


@dataclass(frozen=True)
class Way:
    """A number or a help line: what it is, how it is reached, how sure we are of it, and by which sources."""

    what: str
    ways: tuple[str, ...]
    remarks: tuple[str, ...]
    confidence: str
    low: bool
    hidden: bool
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Territory:
    """One entry of the directory, with the pointer that readers there are shown."""

    code: str
    name: str
    local_name: str
    pointer: Markup
    doubtful: bool
    numbers: tuple[Way, ...]
    lines: tuple[Way, ...]
    gaps: tuple[str, ...]
    note: str
    checked: date
    due: date
    state: str

    @property
    def low(self) -> bool:
        """Whether anything here is weakly supported."""
        return self.doubtful or any(way.low for way in (*self.numbers, *self.lines))


@dataclass(frozen=True)
class Counts:
    """How much there is, for the head of the directory."""

    territories: int
    without_number: int
    doubtful: int
    with_lines: int
    lines: int
    hidden: int


def territories(desk: Desk, language: str) -> tuple[Territory, ...]:
    """All territories by English name, the unknown one first."""
    order = sorted(desk.countries.items(), key=lambda entry: (entry[0] != UNKNOWN, entry[1].name))
    return tuple(territory(desk, language, code, file) for code, file in order)


def directory_sources(desk: Desk) -> Mapping[str, DirectorySource]:
    """The sources of the directory by key; none where their file cannot be used, which `library check` tells."""
    try:
        return read_yaml(desk.shelf.root / "directory-sources.yaml", DIRECTORY_SOURCES, "directory-sources.yaml")
    except UnusableFileError:
        return {}


def territory(desk: Desk, language: str, code: str, file: CountryFile) -> Territory:
    """One entry."""
    library = desk.written
    country = None if code == UNKNOWN else code
    services = library.words[language].services
    due = file.checked + LIFETIMES["directory.yaml"]
    return Territory(
        code=code,
        name="Country not known" if country is None else file.name,
        local_name=library.words[language].places.names.get(code, ""),
        pointer=as_read(library.pointer(language, country).text),
        doubtful=not file.emergency or library.directory.is_doubtful(country),
        numbers=tuple(
            Way(
                number.service.replace("-", " "),
                (number.number,),
                (services.get(number.service, "no word for this service"),),
                CONFIDENCE[number.confidence],
                number.confidence is Confidence.LOW,
                False,
                number.sources,
            )
            for number in file.emergency
        ),
        lines=tuple(
            Way(
                f"{KINDS[line.kind]}: {line.name}",
                tuple(reached(line)),
                tuple(remarks(line)),
                CONFIDENCE[line.confidence],
                line.confidence is Confidence.LOW,
                not line.shown,
                line.sources,
            )
            for line in file.lines
        ),
        gaps=(file.gaps,) if isinstance(file.gaps, str) else tuple(ABSENT.get(gap, gap) for gap in file.gaps),
        note=file.note or "",
        checked=file.checked,
        due=due,
        state=due_state(due, desk.today),
    )


def reached(line: LineFile) -> Iterator[str]:
    """Every way to reach a line."""
    if line.phone:
        yield line.phone
    if line.text:
        yield f"SMS {line.text.number}" + (f" with the word {line.text.word}" if line.text.word else "")
    if line.url:
        yield line.url


def remarks(line: LineFile) -> Iterator[str]:
    """What an editor should know of a line."""
    if line.hours:
        yield line.hours
    if line.police:
        yield "the police may learn of the call"
    if line.note:
        yield line.note


def counts(listed: tuple[Territory, ...]) -> Counts:
    """What the entries amount to, the unknown one left out."""
    own = [entry for entry in listed if entry.code != UNKNOWN]
    lines = [line for entry in own for line in entry.lines]
    return Counts(
        territories=len(own),
        without_number=sum(not entry.numbers for entry in own),
        doubtful=sum(entry.doubtful and bool(entry.numbers) for entry in own),
        with_lines=sum(bool(entry.lines) for entry in own),
        lines=len(lines),
        hidden=sum(line.hidden for line in lines),
    )
