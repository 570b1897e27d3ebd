"""The files of `responses/` as they are, vetted or not: what the rules look at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.content.claims import Claims, read_claims
from bot.content.formats import (
    LANGUAGE,
    SHARED,
    SOURCES,
    FileFault,
    LanguageFile,
    ResponseText,
    SourceFile,
    TopicFile,
    line_with,
    read_response,
    read_yaml,
)
from bot.content.loader import Collector, read_topics
from bot.content.questions import Question, read_questions
from bot.vocabulary import Audience

SHARED_FILE = "shared-sentences.yaml"
"""Sentences that stand in several topics on purpose, by language."""
MARK = re.compile(r"^(?:\d\.|-) ", re.MULTILINE)
SENTENCE_END = re.compile(r"(?<=[.?!…])\s+|\n+")
HANDS_FIRST = frozenset({"emergency", "steps"})
"""Groups whose texts say first what to do with the hands: the plainest words, numbered steps."""


@dataclass(frozen=True)
class Text:
    """One voice of one response (None: for anyone), with the place where it stands."""

    language: str
    topic: str
    group: str
    voice: Audience | None
    path: str
    line: int
    body: str

    @property
    def hands_first(self) -> bool:
        """Whether it answers an emergency, step by step."""
        return self.group in HANDS_FIRST

    def at(self, offset: int, what: str) -> FileFault:
        """A fault at a character of the body."""
        return FileFault(self.path, self.line + self.body[:offset].count("\n"), what)

    def sentences(self) -> Iterator[tuple[int, str]]:
        """Each sentence, or what stands on a line of its own, with its offset; without the marks of lists."""
        bare = MARK.sub(lambda found: " " * len(found[0]), self.body)
        start = 0
        for end in [*SENTENCE_END.finditer(bare), None]:
            piece = bare[start : end.start() if end else None]
            if piece.strip():
                yield start + len(piece) - len(piece.lstrip()), piece.strip().replace("**", "")
            start = end.end() if end else start


@dataclass(frozen=True)
class Shelf:
    """All files that could be read."""

    root: Path
    topics: Mapping[str, Mapping[str, TopicFile]]
    languages: Mapping[str, LanguageFile]
    responses: Mapping[tuple[str, str], ResponseText]
    questions: tuple[Question, ...]
    sources: Mapping[str, SourceFile]
    claims: Claims
    shared: Mapping[str, tuple[str, ...]]

    @property
    def groups(self) -> Mapping[str, str]:
        """The group of each topic."""
        return {topic: group for group, members in self.topics.items() for topic in members}

    def texts(self) -> Iterator[Text]:
        """Every voice of every response."""
        groups = self.groups
        for (language, topic), response in self.responses.items():
            for voice, body in response.voices.items():
                path, line = f"{language}/{topic}.md", response.lines[voice]
                yield Text(language, topic, groups.get(topic, ""), voice, path, line, body)

    def at_key(self, language: str, topic: str, key: str, what: str) -> FileFault:
        """A fault at a key of a response's head."""
        return FileFault(f"{language}/{topic}.md", self.responses[language, topic].keys.get(key, 0), f"{key}: {what}")

    def at_note(self, language: str, name: str, what: str) -> FileFault:
        """A fault at a note of a language."""
        path = f"{language}/language.yaml"
        return FileFault(path, self.line(path, name), f"notes.{name}: {what}")

    def line(self, file: str, key: str) -> int:
        """The first line on which a key of a YAML file stands; 0 where it does not."""
        return self.line_with(file, rf"{key}:")

    def line_with(self, file: str, words: str) -> int:
        """The first line of a file that begins with the words, or with them as an item of a list; 0 where none does."""
        return line_with(self.root / file, words)


def read_shelf(root: Path) -> tuple[Shelf, tuple[FileFault, ...]]:
    """What can be read, and what cannot."""
    told = Collector()
    languages: dict[str, LanguageFile] = {}
    responses: dict[tuple[str, str], ResponseText] = {}
    for folder in sorted(path.parent for path in root.glob("*/language.yaml")):
        language = told.attempt(partial(read_yaml, folder / "language.yaml", LANGUAGE, f"{folder.name}/language.yaml"))
        if language:
            languages[folder.name] = language
        for path in sorted(folder.glob("*.md")):
            response = told.attempt(partial(read_response, path, f"{folder.name}/{path.name}"))
            if response:
                responses[folder.name, path.stem] = response
    topics = told.attempt(lambda: read_topics(root)) or {}
    known = {name: topic for members in topics.values() for name, topic in members.items()}
    questions, wrong = read_questions(root, tuple(languages), known)
    shelf = Shelf(
        root,
        topics,
        languages,
        responses,
        questions,
        told.attempt(lambda: read_yaml(root / "sources.yaml", SOURCES, "sources.yaml")) or {},
        told.attempt(lambda: read_claims(root)) or Claims(topics={}, seed={}),
        told.attempt(lambda: read_yaml(root / SHARED_FILE, SHARED, SHARED_FILE)) or {},
    )
    return shelf, (*told.faults, *wrong)
