"""Nothing is missing, and everything that leads on leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from bot.content.formats import (
    DIRECTORY,
    DIRECTORY_SOURCES,
    PLACES,
    FileFault,
    UnusableFileError,
    read_yaml,
)
from bot.content.loader import directory_of, wordless
from bot.content.shelf import Shelf
from bot.vocabulary import Audience

FOLLOW_UPS = 6


def completeness(shelf: Shelf) -> Iterator[FileFault]:
    """Every language has every topic, in voices that serve everybody."""
    for language in shelf.languages:
        for topic in shelf.groups:
            if (language, topic) not in shelf.responses:
                yield FileFault(f"{language}/{topic}.md", 0, "missing in this language")
    for (language, topic), response in shelf.responses.items():
        voices = set(response.voices)
        if None not in voices and voices != set(Audience):
            line = min(response.lines.values())
            what = "has no text for some readers: give [anyone], or both voices"
            yield FileFault(f"{language}/{topic}.md", line, what)


def follow_ups(shelf: Shelf) -> Iterator[FileFault]:
    """Every follow-up and shortcut leads to another response of the same language; a reply has few of them, each once."""
    for (language, topic), response in shelf.responses.items():
        targets = response.head.follow_ups
        for target in targets:
            if (language, target) not in shelf.responses:
                yield shelf.at_key(language, topic, "follow_ups", f"no response {target!r}")
        if topic in targets or len(set(targets)) < len(targets):
            yield shelf.at_key(language, topic, "follow_ups", "each other topic once")
        if len(targets) > FOLLOW_UPS:
            yield shelf.at_key(language, topic, "follow_ups", f"at most {FOLLOW_UPS}")
    for language, file in shelf.languages.items():
        path = f"{language}/language.yaml"
        for key, leads in (("shortcuts", sorted(set(file.shortcuts.values()))), ("steps", sorted(file.steps))):
            for target in leads:
                if (language, target) not in shelf.responses:
                    yield FileFault(path, shelf.line(path, key), f"{key} lead to no response {target!r}")


def labels(shelf: Shelf) -> Iterator[FileFault]:
    """Every language has a word for every service, and a name for every territory."""
    try:
        countries = read_yaml(shelf.root / "directory.yaml", DIRECTORY, "directory.yaml")
    except UnusableFileError:
        return
    directory = directory_of(countries)
    for language, file in shelf.languages.items():
        yield from wordless(shelf.root, language, file, directory)
        try:
            places = read_yaml(shelf.root / language / "places.yaml", PLACES, f"{language}/places.yaml")
        except UnusableFileError:
            continue
        for code in sorted(set(countries) - set(places) - {"unknown"}):
            yield FileFault(f"{language}/places.yaml", 0, f"no name for {code}")


def numbers(shelf: Shelf) -> Iterator[FileFault]:
    """Every number and line of the directory says who vouches for it."""
    try:
        countries = read_yaml(shelf.root / "directory.yaml", DIRECTORY, "directory.yaml")
        sources = read_yaml(shelf.root / "directory-sources.yaml", DIRECTORY_SOURCES, "directory-sources.yaml")
    except UnusableFileError as error:
        yield from error.faults
        return
    for code, country in countries.items():
        given = [key for number in country.emergency for key in number.sources]
        given += [key for line in country.lines for key in line.sources]
        for key in given:
            if key not in sources:
                line = shelf.line("directory.yaml", code)
                yield FileFault("directory.yaml", line, f"{code}: no source {key!r} in directory-sources.yaml")
