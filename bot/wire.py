"""The contract's message and reply objects, to and from the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.vocabulary import Audience, ClearedReply, Message, Profile, ReviewKind, Understanding, Urgency


class MessageObject(BaseModel):
    """A message as programs send it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    text: str
    id: str | None = None
    language: str | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$")] | None = None
    audience: Annotated[Audience, Field(strict=False)] | None = None
    conversation: str | None = None

    def message(self, at: datetime) -> Message:
        """The message, received at a time."""
        country = self.country.upper() if self.country else None
        return Message(self.text, at, Profile(self.language, country, self.audience))


class CandidateObject(BaseModel):
    """A topic and how likely it is what was asked."""

    topic: str
    score: float


class ContactObject(BaseModel):
    """Whom the pointer names."""

    number: str
    label: str


class ChoiceObject(BaseModel):
    """What the reply offers next; a message whose text is `send` chooses it."""

    label: str
    send: str


class SourceObject(BaseModel):
    """Who says so."""

    organisation: str
    title: str
    url: str = Field(description="empty where it has no public address")
    checked: date


class ReplyObject(BaseModel):
    """A reply as programs read it."""

    id: str | None
    text: str
    language: str
    country: str | None
    topic: str
    candidates: tuple[CandidateObject, ...]
    urgency: Urgency
    dangers: tuple[Urgency, ...]
    dosing: bool
    abstained: bool
    emergency_contact: ContactObject
    choices: tuple[ChoiceObject, ...]
    sources: tuple[SourceObject, ...]
    review: ReviewKind
    elapsed_us: int


def reply_object(
    reply: ClearedReply, text: str, understanding: Understanding | None, identity: str | None, elapsed_us: int
) -> ReplyObject:
    """
    A cleared reply with what was understood.

    Args:
        text: the reply as plain text.
        understanding: None where the message could not be understood and the last resort went out.
    """
    known = understanding or Understanding(reply.language, Profile(reply.language, reply.country))
    return ReplyObject(
        id=identity,
        text=text,
        language=reply.language,
        country=reply.country,
        topic=reply.topic,
        candidates=tuple(CandidateObject(topic=c.topic, score=c.score) for c in known.candidates),
        urgency=known.urgency,
        dangers=tuple(danger.urgency for danger in known.dangers),
        dosing=known.dosing,
        abstained=reply.abstained,
        emergency_contact=ContactObject(number=reply.contact.number, label=reply.contact.label),
        choices=tuple(ChoiceObject(label=c.label, send=c.send) for c in reply.choices),
        sources=tuple(
            SourceObject(organisation=s.organisation, title=s.title, url=s.url, checked=s.checked)
            for s in reply.sources
        ),
        review=reply.review,
        elapsed_us=elapsed_us,
    )


MESSAGE_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "emergency": {"summary": "Somebody is in danger", "value": {"text": "my friend wont wake up", "country": "US"}},
    "question": {
        "summary": "A question",
        "value": {"text": "is blocking nonsense?", "language": "en", "audience": "teen"},
    },
    "conversation": {
        "summary": "A turn of a conversation",
        "value": {"id": "2", "text": "and after that?", "conversation": "8c0b6f0e"},
    },
    "choice": {
        "summary": "A choice that a reply offered",
        "value": {"text": "/answer overdose-signs", "language": "es"},
    },
}
"""Messages as programs send them, for the interface's description."""
REPLY_EXAMPLE: Mapping[str, Any] = {
    "id": None,
    "text": "Emergency in United States: 911 (all services).\n\n1. Call the emergency number now. Put the phone on speaker.\n...",
    "language": "en",
    "country": "US",
    "topic": "someone-down",
    "candidates": [{"topic": "someone-down", "score": 0.97}],
    "urgency": "emergency",
    "dangers": ["emergency"],
    "dosing": False,
    "abstained": False,
    "emergency_contact": {"number": "911", "label": "all services"},
    "choices": [{"label": "Not breathing or gasping", "send": "/answer step-not-breathing"}],
    "sources": [
        {
            "organisation": "World Health Organization",
            "title": "Opioid overdose",
            "url": "https://www.who.int/news-room/fact-sheets/detail/opioid-overdose",
            "checked": "2026-11-25",
        }
    ],
    "review": "source-checked",
    "elapsed_us": 6120,
}
"""A reply as programs read it, its text cut short."""
