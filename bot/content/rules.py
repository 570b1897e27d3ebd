"""The rules that the files of `responses/` must keep: `library check`. The guard's are among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from bot.content.encoder import read_heads_card
from bot.content.formats import (
    DIRECTORY,
    DIRECTORY_SOURCES,
    LANGUAGE,
    PLACES,
    FileFault,
    LanguageFile,
    ResponseText,
    UnusableFileError,
    read_response,
    read_yaml,
)
from bot.content.loader import ContentError, load, read_topics
from bot.content.questions import Question, questions_digest, read_questions
from bot.conversation.guard import dosing_in
from bot.conversation.language import words
from bot.vocabulary import Audience

BODY_LENGTH = 900
FIRST_SENTENCE = 160
STEPS, STEP_LENGTH = 6, 90
POINTS = 5
BUTTON_LENGTH = 40
FOLLOW_UPS = 6

UNWELCOME: Mapping[str, re.Pattern[str]] = {
    language: re.compile(pattern, re.IGNORECASE)
    for language, pattern in {
        "en": r"\b(?:addicts?|junkies?|abusers?|drug abuse|users?|dirty|clean (?:time|again|now)|help is (?:coming|on)|"
        r"will be (?:fine|safe|okay|ok)|you are safe)\b|!",
        "ru": r"\b(?:наркоман\w*|нарик\w*|торч[оо]?к\w*|алкаш\w*|всё будет хорошо|помощь (?:уже )?(?:едет|в пути)|"
        r"(?:ты|вы) в безопасности)\b|!",
        "es": r"\b(?:drogadict\w+|yonquis?|adict[oa]s?|vicios[oa]?s?|todo (?:va a salir|saldrá|estará) bien|"
        r"la ayuda (?:ya )?(?:viene|va en camino)|está[s]? a salvo)\b|[!¡]",
    }.items()
}
"""Labels that hurt, false comfort, promises that we cannot keep, shouting."""


@dataclass(frozen=True)
class Text:
    """One voice of one response, with the place where it stands."""

    language: str
    topic: str
    path: str
    line: int
    body: str

    def at(self, offset: int, what: str) -> FileFault:
        """A fault at a character of the body."""
        return FileFault(self.path, self.line + self.body[:offset].count("\n"), what)


@dataclass(frozen=True)
class Shelf:
    """All files as they are, vetted or not."""

    root: Path
    languages: Mapping[str, LanguageFile]
    responses: Mapping[tuple[str, str], ResponseText]
    questions: tuple[Question, ...]

    def texts(self) -> Iterator[Text]:
        """Every voice of every response."""
        for (language, topic), response in self.responses.items():
            for voice, body in response.voices.items():
                yield Text(language, topic, f"{language}/{topic}.md", response.lines[voice], body)


def check(root: Path) -> tuple[FileFault, ...]:
    """Every breach of every rule by any file below `root`, by file and line."""
    shelf, faults = read_shelf(root)
    try:
        faults += load(root).faults
    except ContentError as error:
        faults += error.faults
    for rule in RULES:
        faults += rule(shelf)
    return tuple(sorted(set(faults), key=lambda fault: (fault.path, fault.line, fault.what)))


def read_shelf(root: Path) -> tuple[Shelf, list[FileFault]]:
    """What can be read, and what cannot."""
    faults: list[FileFault] = []
    languages: dict[str, LanguageFile] = {}
    responses: dict[tuple[str, str], ResponseText] = {}
    for path in sorted(root.glob("*/language.yaml")):
        code = path.parent.name
        try:
            languages[code] = read_yaml(path, LANGUAGE, f"{code}/language.yaml")
        except UnusableFileError as error:
            faults += error.faults
        for text in sorted(path.parent.glob("*.md")):
            try:
                responses[code, text.stem] = read_response(text, f"{code}/{text.name}")
            except UnusableFileError as error:
                faults += error.faults
    try:
        topics = {name: topic for members in read_topics(root).values() for name, topic in members.items()}
        questions, wrong = read_questions(root, tuple(languages), topics)
    except UnusableFileError as error:
        questions, wrong = (), error.faults
    return Shelf(root, languages, responses, questions), [*faults, *wrong]


def dosing(shelf: Shelf) -> Iterator[FileFault]:
    """No text says anything of dosing, a title or a note as little as a body."""
    for text in shelf.texts():
        for breach in dosing_in(text.body):
            yield text.at(breach.at, f"{breach.rule}: {breach.words!r}")
    for (language, topic), response in shelf.responses.items():
        for breach in dosing_in(response.head.title):
            yield FileFault(f"{language}/{topic}.md", 2, f"{breach.rule}: {breach.words!r}")
    for language, file in shelf.languages.items():
        for name, note in file.notes.items():
            for breach in dosing_in(note):
                yield FileFault(f"{language}/language.yaml", 0, f"notes.{name}: {breach.rule}: {breach.words!r}")


def lengths(shelf: Shelf) -> Iterator[FileFault]:
    """Bodies, first sentences, steps, points and buttons fit a phone and a frightened reader."""
    for text in shelf.texts():
        if len(text.body) > BODY_LENGTH:
            yield text.at(0, f"{len(text.body)} characters, at most {BODY_LENGTH}")
        first = re.split(r"(?<=[.?!…])\s|\n", re.sub(r"^1\. ", "", text.body))[0]
        if len(first) > FIRST_SENTENCE:
            yield text.at(0, f"first sentence has {len(first)} characters, at most {FIRST_SENTENCE}")
        steps = list(re.finditer(r"^\d\. (.*)$", text.body, re.MULTILINE))
        if len(steps) > STEPS:
            yield text.at(steps[STEPS].start(), f"{len(steps)} steps, at most {STEPS}")
        for step in steps:
            if len(step[1]) > STEP_LENGTH:
                yield text.at(step.start(), f"a step of {len(step[1])} characters, at most {STEP_LENGTH}")
        points = list(re.finditer(r"^- ", text.body, re.MULTILINE))
        if len(points) > POINTS:
            yield text.at(points[POINTS].start(), f"{len(points)} points, at most {POINTS}")
    for (language, topic), response in shelf.responses.items():
        if len(response.head.title) > BUTTON_LENGTH:
            yield FileFault(
                f"{language}/{topic}.md", 2, f"title: over {BUTTON_LENGTH} characters, too long for a button"
            )


def dignity(shelf: Shelf) -> Iterator[FileFault]:
    """No label, blame, false comfort or shouting."""
    for text in shelf.texts():
        for found in UNWELCOME[text.language].finditer(text.body) if text.language in UNWELCOME else ():
            yield text.at(found.start(), f"unwelcome words: {found[0]!r}")


def completeness(shelf: Shelf) -> Iterator[FileFault]:
    """Every language has every topic, in voices that serve everybody, carrying the same facts."""
    topics = sorted({topic for _, topic in shelf.responses})
    for language in shelf.languages:
        for topic in topics:
            if (language, topic) not in shelf.responses:
                yield FileFault(f"{language}/{topic}.md", 0, "missing in this language")
    for (language, topic), response in shelf.responses.items():
        voices = set(response.voices)
        if None not in voices and voices != set(Audience):
            yield FileFault(f"{language}/{topic}.md", 0, "has no text for some readers: give [anyone], or both voices")
    for topic in topics:
        have = [(code, shelf.responses[code, topic]) for code in shelf.languages if (code, topic) in shelf.responses]
        for (one, a), (other, b) in combinations(have, 2):
            if set(a.head.carries) != set(b.head.carries):
                odd = ", ".join(sorted(set(a.head.carries) ^ set(b.head.carries)))
                yield FileFault(f"{other}/{topic}.md", 0, f"carries other facts than {one}: {odd}")


def follow_ups(shelf: Shelf) -> Iterator[FileFault]:
    """Every follow-up and shortcut leads to a response of the same language; a reply has few of them."""
    for (language, topic), response in shelf.responses.items():
        path = f"{language}/{topic}.md"
        for target in response.head.follow_ups:
            if (language, target) not in shelf.responses:
                yield FileFault(path, 0, f"follow_ups: no response {target!r}")
        if len(response.head.follow_ups) > FOLLOW_UPS:
            yield FileFault(path, 0, f"follow_ups: at most {FOLLOW_UPS}")
    for language, file in shelf.languages.items():
        for target in sorted({*file.shortcuts.values(), *file.steps}):
            if (language, target) not in shelf.responses:
                yield FileFault(f"{language}/language.yaml", 0, f"shortcuts or steps lead to no response {target!r}")


def labels(shelf: Shelf) -> Iterator[FileFault]:
    """Every language has the same notes, services and labels, and a name for every territory."""
    try:
        countries = read_yaml(shelf.root / "directory.yaml", DIRECTORY, "directory.yaml")
    except UnusableFileError:
        return
    services = {number.service for country in countries.values() for number in country.emergency}
    notes = {name for file in shelf.languages.values() for name in file.notes}
    for language, file in shelf.languages.items():
        path = f"{language}/language.yaml"
        for name in sorted(services - set(file.services)):
            yield FileFault(path, 0, f"services: no word for {name!r}")
        for name in sorted(notes - set(file.notes)):
            yield FileFault(path, 0, f"notes: {name!r} is missing")
        try:
            places = read_yaml(path_of(shelf, language), PLACES, f"{language}/places.yaml")
        except UnusableFileError:
            continue
        for code in sorted(set(countries) - set(places) - {"unknown"}):
            yield FileFault(f"{language}/places.yaml", 0, f"no name for {code}")


def path_of(shelf: Shelf, language: str) -> Path:
    """The places of a language."""
    return shelf.root / language / "places.yaml"


def numbers(shelf: Shelf) -> Iterator[FileFault]:
    """Every number and line of the directory says who vouches for it."""
    try:
        countries = read_yaml(shelf.root / "directory.yaml", DIRECTORY, "directory.yaml")
        sources = read_yaml(shelf.root / "directory-sources.yaml", DIRECTORY_SOURCES, "directory-sources.yaml")
    except UnusableFileError as error:
        yield from error.faults
        return
    for code, country in countries.items():
        cited = [key for number in country.emergency for key in number.sources]
        cited += [key for line in country.lines for key in line.sources]
        for key in cited:
            if key not in sources:
                yield FileFault("directory.yaml", 0, f"{code}: no source {key!r} in directory-sources.yaml")


def questions(shelf: Shelf) -> Iterator[FileFault]:
    """No question stands under two topics, and the heads were fitted on just these questions."""
    seen: dict[tuple[str, ...], Question] = {}
    for row in shelf.questions:
        form = words(row.text)
        earlier = seen.setdefault(form, row) if form else row
        if (earlier.topic, earlier.urgencies, earlier.dosing) != (row.topic, row.urgencies, row.dosing):
            yield FileFault(row.path, row.line, f"also stands at {earlier.path}:{earlier.line} with other labels")
    try:
        card = read_heads_card(shelf.root / "model")
    except UnusableFileError as error:
        yield from error.faults
        return
    if card.questions_sha256 != questions_digest(shelf.questions):
        yield FileFault("model/heads.json", 0, "was fitted on other questions: run `library train`")


RULES: tuple[Callable[[Shelf], Iterator[FileFault]], ...] = (
    dosing,
    lengths,
    dignity,
    completeness,
    follow_ups,
    labels,
    numbers,
    questions,
)
