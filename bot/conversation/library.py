"""All that the bot knows, and how to look it up. `content` fills it; nothing here reads a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from bot.conversation.directory import Directory, Line, Places
from bot.conversation.glance import Glance
from bot.conversation.language import Phrases, Plain, Tongue, Tongues, lengths_of
from bot.conversation.matching import Heads
from bot.conversation.spelling import Spelling
from bot.conversation.triage import Signal, Signals
from bot.vocabulary import Audience, Encoder, Passage, PassageKind, ReviewKind, Scrubber, Session, Source, Urgency

LAST_RESORT = "last-resort"
OUT_OF_SCOPE = "out-of-scope"
NO_DOSING = "no-dosing"
SMALL_TALK = "small-talk"
FIND_HELP = "find-help"
ASIDE = frozenset({OUT_OF_SCOPE, SMALL_TALK, "feedback"})
"""Topics that leave a talk where it was: after "thanks" a question may lean on the same topic as before."""


@dataclass(frozen=True)
class Topic:
    """One question people have: its group, whose words its answer fits first (None: anyone's), the danger it answers."""

    id: str
    group: str
    audience: Audience | None
    urgency: Urgency


@dataclass(frozen=True)
class Response:
    """The vetted text of one topic in one language; a voice for None is for anyone."""

    topic: str
    title: str
    voices: Mapping[Audience | None, str]
    follow_ups: tuple[str, ...]
    sources: tuple[Source, ...]
    review: ReviewKind

    def text(self, reader: Audience | None, written_for: Audience | None) -> str:
        """The text in the reader's voice, else for anyone, else in the voice that the topic was written for."""
        for voice in (reader, None, written_for, Audience.TEEN, Audience.PARENT):
            if voice in self.voices:
                return self.voices[voice]
        return next(iter(self.voices.values()))


@dataclass(frozen=True)
class Words:
    """
    What the program needs of one language, its labels and notes among it.

    `fillers` are words that add nothing to a short message: "ok", "now"; `affirming` has those that say yes (true) or no to
    a question of ours. `web` has the words of the web pages, `telegram`
    how the bot shows itself there; empty where they wait for review.
    """

    tongue: Tongue
    pointer: Mapping[str, str]
    services: Mapping[str, str]
    line_labels: Mapping[str, str]
    notes: Mapping[str, str]
    leaning: frozenset[Plain]
    openings: frozenset[Plain]
    fillers: frozenset[str]
    affirming: Phrases[bool]
    shortcuts: Mapping[Plain, str]
    switch: frozenset[Plain]
    steps: Phrases[str]
    audiences: Phrases[Audience]
    places: Places
    review: ReviewKind
    name: str = ""
    web: Mapping[str, str] = field(default_factory=dict)
    telegram: Mapping[str, Any] = field(default_factory=dict)

    def leans(self, typed: Plain) -> bool:
        """Whether a text begins with a phrase that leans on what was said before."""
        return any(typed[:length] in self.leaning for length in self._leaning_lengths)

    @cached_property
    def _leaning_lengths(self) -> tuple[int, ...]:
        return lengths_of(self.leaning)

    @cached_property
    def opening_lengths(self) -> tuple[int, ...]:
        """How many words openings have, the longest first."""
        return lengths_of(self.openings)


def digest(text: str) -> str:
    """The SHA-256 of a passage: what the manifest knows it by."""
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Library:
    """
    All that the bot knows, loaded once.

    `manifest` has the digest of every passage that may leave; `encoder` and `heads` are None where the model
    could not be used: then signals, tables and commands answer alone. `scrub` is None where a list of names could not
    be used: then no question can be left for the editors.
    """

    topics: Mapping[str, Topic]
    responses: Mapping[tuple[str, str], Response]
    words: Mapping[str, Words]
    foreign: Mapping[str, Tongue]
    foreign_sentences: Mapping[str, str]
    directory: Directory
    directory_review: ReviewKind
    signals: Mapping[str, Sequence[Signal]]
    manifest: frozenset[str]
    encoder: Encoder | None = None
    heads: Heads | None = None
    glance: Glance | None = None
    spelling: Spelling = field(default_factory=Spelling)
    scrub: Scrubber | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that can be served, the fallback first."""
        return tuple(self.words)

    @cached_property
    def urgency_of(self) -> Mapping[str, Urgency]:
        """The danger that each topic answers."""
        return {topic.id: topic.urgency for topic in self.topics.values()}

    @cached_property
    def all_signals(self) -> Signals:
        """The signals of all languages together: people mix them."""
        return Signals(signal for code in self.languages for signal in self.signals.get(code, ()))

    @cached_property
    def tongues(self) -> Tongues:
        """How each language is told, ours or not."""
        return Tongues({code: spoken.tongue for code, spoken in self.words.items()}, self.foreign)

    @cached_property
    def switches(self) -> Mapping[Plain, str]:
        """The language that a message asks for which is nothing but that; the first where several share the phrase."""
        return {phrase: code for code in reversed(self.languages) for phrase in self.words[code].switch}

    def response(self, language: str, topic: str) -> Response | None:
        """The vetted response, or None where there is none to serve."""
        return self.responses.get((language, topic))

    def title(self, language: str, topic: str) -> str:
        """The words of the button that leads to a topic."""
        return self.responses[language, topic].title

    def pointer(self, language: str, country: str | None) -> Passage:
        """The line that every reply shows: whom to call, and what to do where that may not work."""
        words = self.words[language]
        known = country in self.directory.countries
        numbers = ", ".join(f"{n.number} ({words.services[n.service]})" for n in self.directory.dialled(country))
        if not known:
            kind = "unknown"
        elif not self.directory.entry(country).numbers:
            kind = "none"
        else:
            kind = "doubtful" if self.directory.is_doubtful(country) else "known"
        place = words.places.names.get(country or "", country or "")
        return Passage(PassageKind.POINTER, words.pointer[kind].format(place=place, numbers=numbers))

    def lines(self, language: str, country: str | None, urgency: Urgency) -> Passage | None:
        """The help lines that go with a danger; None where none do."""
        labels = self.words[language].line_labels
        lines, own = self.directory.lines(country, urgency)
        if not lines:
            return None
        return Passage(PassageKind.LINES, "\n".join(self._line(labels, line, own) for line in lines))

    def kept(self, language: str, session: Session) -> list[str]:
        """All that is remembered of a talk, a line each."""
        notes, profile = self.words[language].notes, session.profile
        topic = (language, session.topic or "") in self.responses
        lines = [
            self.kept_language(language, profile.language or "") if profile.language in self.words else None,
            self.kept_country(language, profile.country) if profile.country else None,
            notes[f"kept-{profile.audience.value}"] if profile.audience else None,
            self.kept_topic(language, session.topic) if session.topic and topic else None,
            notes["kept-danger"] if session.danger else None,
            notes["kept-declined"] if session.declined else None,
        ]
        found = [line for line in lines if line]
        return [notes["kept"], *found] if found else [notes["kept-nothing"]]

    def kept_language(self, language: str, told: str) -> str:
        """The line for the language of a talk."""
        return self.words[language].notes["kept-language"].format(language=self.words[told].name)

    def kept_country(self, language: str, country: str) -> str:
        """The line for the country that somebody told."""
        words = self.words[language]
        return words.notes["kept-country"].format(place=words.places.names.get(country, country))

    def kept_topic(self, language: str, topic: str) -> str:
        """The line for the last answer."""
        return self.words[language].notes["kept-topic"].format(topic=self.title(language, topic))

    def _line(self, labels: Mapping[str, str], line: Line, own: bool) -> str:
        label = labels[line.kind] if own else labels["elsewhere" if line.kind == "crisis" else "child-elsewhere"]
        details = [line.name] if own else []
        details += [line.hours] if line.hours else []
        details += [labels["police"]] if line.police else []
        return label.format(line=line.how + (f" ({'; '.join(details)})" if details else ""))
