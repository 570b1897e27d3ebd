"""Every noun of the program, frozen. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NewType, TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]
Encoder: TypeAlias = Callable[[str], Vector]
"""Folded text -> unit vector."""
Scrubber: TypeAlias = Callable[[str], str]
"""A text as somebody wrote it -> the same without what could tell who they are."""


class Audience(StrEnum):
    """Whose words an answer is written in."""

    TEEN = "teen"
    PARENT = "parent"


class Urgency(StrEnum):
    """What kind of danger; gravest first."""

    EMERGENCY = "emergency"
    SELF_HARM = "self_harm"
    SAFEGUARDING = "safeguarding"
    NONE = "none"

    @property
    def gravity(self) -> int:
        """3 for an emergency down to 0 for none."""
        return 3 - list(Urgency).index(self)


class ReviewKind(StrEnum):
    """Which review a text has had; the weakest first."""

    SOURCE_CHECKED = "source-checked"
    CLINICIAN = "clinician"

    @property
    def strength(self) -> int:
        """0 for the weakest."""
        return list(ReviewKind).index(self)


@dataclass(frozen=True)
class Profile:
    """What a person chose to tell. Never a name."""

    language: str | None = None
    country: str | None = None
    audience: Audience | None = None

    def told(self, other: Profile) -> Profile:
        """This profile with all that `other` adds or changes."""
        return Profile(other.language or self.language, other.country or self.country, other.audience or self.audience)


@dataclass(frozen=True)
class Message:
    """
    What a person wrote or tapped, as a channel received it, with its time and what came along with it.

    `can_keep` where the channel has a store, so that a question can be left for the editors.
    """

    text: str
    at: datetime
    told: Profile = field(default_factory=Profile)
    can_keep: bool = False


@dataclass(frozen=True)
class Danger:
    """
    A danger and the topic that answers it.

    `is_faint` where little spoke for it: help comes first all the same, and the talk then goes on as if nothing was.
    """

    urgency: Urgency
    topic: str
    is_faint: bool = False


@dataclass(frozen=True)
class Candidate:
    """A topic and how likely it is what was asked, in [0, 1]."""

    topic: str
    score: float


@dataclass(frozen=True)
class Session:
    """
    What the bot remembers of one person's talk until it forgets.

    `danger` is the gravest that was told and is not over, `others` those beside it. `country_guessed` where the country was
    named in passing: another one that is named replaces it, and an emergency does not rely on it. `leaving` where the next
    message is the question to leave for the editors; `draft` is that question, scrubbed, from when it is shown until the
    tap that keeps or drops it.
    """

    profile: Profile = field(default_factory=Profile)
    topic: str | None = None
    danger: Danger | None = None
    declined: bool = False
    country_asked: bool = False
    leaving: bool = False
    draft: str | None = None
    others: tuple[Danger, ...] = ()
    country_guessed: bool = False

    @property
    def dangers(self) -> tuple[Danger, ...]:
        """All that were told and are not over, gravest first."""
        return (self.danger, *self.others) if self.danger else ()

    def among(self, dangers: Sequence[Danger]) -> Session:
        """This session with these dangers, gravest first."""
        return replace(self, danger=dangers[0] if dangers else None, others=tuple(dangers[1:]))


class CommandKind(StrEnum):
    """What a tap or a line that begins with a slash asks for."""

    ANSWER = "answer"
    START = "start"
    HELP = "help"
    EMERGENCY = "emergency"
    PRIVACY = "privacy"
    FORGET = "forget"
    COUNTRY = "country"
    LANGUAGE = "language"
    AUDIENCE = "audience"
    HIDE = "hide"
    FEEDBACK = "feedback"
    LEAVE = "leave"
    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True)
class Command:
    """A command and its argument, checked: a topic id, a country, a language, an audience, or none."""

    kind: CommandKind
    argument: str | None = None


@dataclass(frozen=True)
class Understanding:
    """
    What was understood of a message. It holds no word of it, so it may be counted and logged.

    `country_guessed` where the profile's country is no more than a place named in passing.
    """

    language: str
    profile: Profile
    dangers: tuple[Danger, ...] = ()
    dosing: bool = False
    candidates: tuple[Candidate, ...] = ()
    topic: str | None = None
    offered: tuple[str, ...] = ()
    command: Command | None = None
    foreign: str | None = None
    only_told: bool = False
    can_keep: bool = False
    country_guessed: bool = False

    @property
    def urgency(self) -> Urgency:
        """The gravest danger's."""
        return self.dangers[0].urgency if self.dangers else Urgency.NONE


class PassageKind(StrEnum):
    """
    Which part of a reply a passage is.

    A mark says that it is sent again, or late; a quote is a person's own question, scrubbed, shown before it is kept.
    """

    MARK = "mark"
    POINTER = "pointer"
    LINES = "lines"
    BODY = "body"
    NOTE = "note"
    QUOTE = "quote"


@dataclass(frozen=True)
class Passage:
    """A vetted piece of text in the responses' Markdown; a quote alone is not vetted."""

    kind: PassageKind
    text: str


@dataclass(frozen=True)
class Contact:
    """Whom the pointer names: the number as dialled in the country, and who answers it."""

    number: str
    label: str


@dataclass(frozen=True)
class Choice:
    """What a reply offers next: what the button says, and the message that chooses it."""

    label: str
    send: str


@dataclass(frozen=True)
class Source:
    """Who says so."""

    organisation: str
    title: str
    url: str
    checked: date


@dataclass(frozen=True)
class Reply:
    """A response made ready for one person."""

    topic: str
    language: str
    country: str | None
    urgency: Urgency
    passages: tuple[Passage, ...]
    contact: Contact
    choices: tuple[Choice, ...]
    sources: tuple[Source, ...]
    review: ReviewKind
    abstained: bool = False


ClearedReply = NewType("ClearedReply", Reply)
"""A reply that passed the guard. Channels take nothing else, and only `guard.clear` makes one."""


@dataclass(frozen=True)
class Turn:
    """
    One message answered: the reply, the session after it (None: forget it), and what was understood.

    `left` is a question that the person has just agreed to leave for the editors, scrubbed.
    """

    reply: ClearedReply
    session: Session | None
    understanding: Understanding
    faults: tuple[str, ...] = ()
    left: str | None = None
