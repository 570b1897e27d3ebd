"""Every file as it lies in `responses/`: what is served of it, who has read it, and what has changed since it was signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bot.content.formats import DIRECTORY, PLACES, CountryFile, FileFault, UnusableFileError, read_yaml
from bot.content.ledger import ROLES, Ledger, Readings, hash_of, read_ledger
from bot.content.loader import ContentError, directory_of, load, topic_of, wordless, words_of
from bot.content.shelf import Shelf
from bot.conversation.library import LAST_RESORT, Library, Response
from bot.desk.history import History, Piece, word_changes
from bot.desk.review import OWN, SOON, reviewed_files
from bot.vocabulary import ReviewKind

NEEDED = ("language.yaml", "places.yaml", f"{LAST_RESORT}.md")
"""Files without which nothing of a language is served."""


@dataclass(frozen=True)
class Reading:
    """A role, and the day on which it read the present bytes; None where it has not, and whether the file waits for it."""

    role: str
    day: date | None
    needed: bool


@dataclass(frozen=True)
class Review:
    """Who has read a file as it is, until when that holds, and what keeps it from readers."""

    file: str
    readings: tuple[Reading, ...]
    due: date | None
    state: str
    served: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """What has changed since a file was last signed; or, in `told`, why that cannot be shown or need not be."""

    told: str
    commit: str = ""
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True)
class Desk:
    """All that the pages are made of, read once."""

    shelf: Shelf
    written: Library
    served: Mapping[tuple[str, str], Response]
    faults: tuple[FileFault, ...]
    required: ReviewKind
    today: date
    history: History
    ledgers: Mapping[str, Ledger]
    countries: Mapping[str, CountryFile]

    def file_faults(self, file: str) -> Iterator[str]:
        """What keeps a file from readers, as the loader told."""
        return (fault.what for fault in self.faults if fault.path == file)

    def language_faults(self, language: str) -> tuple[str, ...]:
        """What keeps a whole language from readers; nothing where it is served."""
        if any(code == language for code, _ in self.served):
            return ()
        needed = {f"{language}/{name}" for name in NEEDED} | {"directory.yaml", "topics.yaml", "sources.yaml"}
        return tuple(str(fault) for fault in self.faults if fault.path in needed)


def read_desk(shelf: Shelf, required: ReviewKind, today: date) -> Desk:
    """
    The files of a shelf with what is served of them and what git knows of them.

    Raises:
        UnusableFileError: the directory or a language's places cannot be used; without them nothing can be shown as it is sent.
    """
    root = shelf.root
    try:
        loaded = load(root, required, today)
        kept = {key: response for key, response in loaded.library.responses.items() if key[0] in loaded.library.words}
        faults = loaded.faults
    except ContentError as error:
        kept, faults = {}, error.faults
    ledgers = {folder: read_ledger(root / folder, "")[0] for folder in ("", *shelf.languages)}
    countries = read_yaml(root / "directory.yaml", DIRECTORY, "directory.yaml")
    written = as_written(shelf, countries)
    return Desk(shelf, written, kept, faults, required, today, History(root), ledgers, countries)


def as_written(shelf: Shelf, countries: Mapping[str, CountryFile]) -> Library:
    """
    A library of all texts that can be read, vetted or not: for reading at the desk, never to be sent.

    Raises:
        UnusableFileError: as `read_desk`.
    """
    weakest, directory = ReviewKind.SOURCE_CHECKED, directory_of(countries)
    faults = [fault for code, file in shelf.languages.items() for fault in wordless(shelf.root, code, file, directory)]
    if faults:
        raise UnusableFileError(tuple(faults))
    places = {
        code: read_yaml(shelf.root / code / "places.yaml", PLACES, f"{code}/places.yaml") for code in shelf.languages
    }
    return Library(
        topics={
            name: topic_of(name, group, topic)
            for group, members in shelf.topics.items()
            for name, topic in members.items()
        },
        responses={
            (language, topic): Response(topic, text.head.title, text.voices, text.head.follow_ups, (), weakest)
            for (language, topic), text in shelf.responses.items()
        },
        words={code: words_of(file, places[code], weakest) for code, file in shelf.languages.items()},
        foreign={},
        foreign_sentences={},
        directory=directory,
        directory_review=weakest,
        signals={},
        manifest=frozenset(),
    )


def file_reviews(desk: Desk) -> tuple[Review, ...]:
    """The reviews of files that are no texts and belong to no language."""
    names = reviewed_files(desk.shelf.root)[desk.shelf.root]
    return tuple(review(desk, name, None) for name in names)


def review(desk: Desk, file: str, served: bool | None) -> Review:
    """
    A file's review.

    Args:
        served: whether readers get it; None for a file that is no text, of which its readings alone decide.
    """
    readings = readings_of(desk, file)
    lacking = readings.lacking(ReviewKind.SOURCE_CHECKED if Path(file).name in OWN else desk.required)
    is_served = not lacking if served is None else served
    found = () if is_served or lacking else tuple(desk.file_faults(file)) or ("its language is not served",)
    return Review(
        file,
        tuple(Reading(role.replace("-", " "), readings.days.get(role), role in lacking) for role in ROLES),
        readings.due,
        due_state(readings.due, desk.today),
        is_served,
        found,
    )


def due_state(due: date | None, today: date) -> str:
    """In words whether a review is past due or soon due; nothing where there is time."""
    if due is None or due > today + SOON:
        return ""
    return "past due" if due <= today else "due soon"


def readings_of(desk: Desk, file: str) -> Readings:
    """Who has read a file as it is."""
    return ledger_of(desk, file).readings(Path(file).name)


def ledger_of(desk: Desk, file: str) -> Ledger:
    """The ledger of a file's folder."""
    return desk.ledgers[file.rpartition("/")[0]]


def difference(desk: Desk, file: str) -> Difference:
    """
    What has changed in a file since it was last signed as something else than it is now.

    The ledger knows hashes only, git the texts that had them.
    """
    rows = [row for row in ledger_of(desk, file).reviews if row.file == Path(file).name]
    if not rows:
        return Difference("never signed: there is nothing to compare with")
    present = hash_of(desk.shelf.root / file)
    stale = [row for row in rows if row.sha256 != present]
    if not stale:
        return Difference("")
    newest = max(stale, key=lambda row: row.date)
    roles = " and the ".join(row.role.replace("-", " ") for row in stale if row.sha256 == newest.sha256)
    told = f"changed since the {roles} signed it on {newest.date}"
    if desk.history.lacking:
        return Difference(f"{told}; what it was then cannot be shown: {desk.history.lacking}")
    version = desk.history.find(file, newest.sha256)
    if version is None:
        return Difference(f"{told}; what it was then cannot be shown: git has no commit with that text")
    now = (desk.shelf.root / file).read_text(encoding="utf-8", errors="replace")
    return Difference(told, version.commit[:12], word_changes(version.text, now))
