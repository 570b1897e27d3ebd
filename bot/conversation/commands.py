"""A tap or a line that begins with a slash -> what it says, which needs no guessing."""

from __future__ import annotations

from dataclasses import replace

from bot.conversation.language import words
from bot.conversation.lasting import outlasts
from bot.conversation.library import Library
from bot.vocabulary import (
    Audience,
    Command,
    CommandKind,
    Danger,
    Profile,
    Session,
    Understanding,
    Urgency,
)

MISTAKE = "step-mistake"
UNREADABLE = "unreadable"
"""Answers a message without words. A sticker does not end an emergency."""


def read_command(text: str, library: Library) -> Command | None:
    """
    A tap or a line that begins with a slash; None where it is neither.

    "/country KZ", "/country Kazakhstan", "/answer overdose-signs"; "/start overdose-signs" is what a deep link sends. A command without its argument, or with one that
    we do not know, has None for it.
    """
    head, _, rest = text.strip().partition(" ")
    name = head.removeprefix("/").partition("@")[0].lower()
    if not head.startswith("/") or name not in set(CommandKind):
        return None
    kind, rest = CommandKind(name), rest.strip()
    match kind:
        case CommandKind.ANSWER:
            return Command(kind, rest) if rest in library.topics else None
        case CommandKind.START if rest in library.topics:
            return Command(CommandKind.ANSWER, rest)
        case CommandKind.COUNTRY:
            return Command(kind, find_country(rest, library))
        case CommandKind.LANGUAGE:
            return Command(kind, find_language(rest, library))
        case CommandKind.AUDIENCE:
            return Command(kind, rest.lower() if rest.lower() in set(Audience) else None)
        case _:
            return Command(kind)


def of_command(command: Command, profile: Profile, session: Session, library: Library) -> Understanding:
    """What a tap or a command says, which needs no guessing."""
    language = profile.language or library.languages[0]
    match command.kind, command.argument:
        case CommandKind.COUNTRY, str(code):
            profile = replace(profile, country=code)
        case CommandKind.LANGUAGE, str(code):
            language, profile = code, replace(profile, language=code)
        case CommandKind.AUDIENCE, str(audience):
            profile = replace(profile, audience=Audience(audience))
        case CommandKind.EMERGENCY, _:
            danger = Danger(Urgency.EMERGENCY, "someone-down")
            return Understanding(language, profile, (danger,), topic=danger.topic, command=command)
        case CommandKind.ANSWER, str(topic):
            return Understanding(language, profile, dangers_of(topic, session, library), topic=topic, command=command)
        case _:
            pass
    return Understanding(language, profile, command=command)


def dangers_of(topic: str, session: Session, library: Library) -> tuple[Danger, ...]:
    """
    The danger that a tapped topic answers, or does not end; a step belongs to the emergency that it is part of.

    A tap on what is offered beside an emergency ends it no more than the same question in words.
    """
    before = session.danger
    if library.topics[topic].group == "steps" and topic != MISTAKE:
        known = before if before and before.urgency is Urgency.EMERGENCY else None
        return (known or Danger(Urgency.EMERGENCY, "someone-down"),)
    urgency = library.topics[topic].urgency
    if urgency is not Urgency.NONE:
        return (Danger(urgency, topic),)
    lasts = before is not None and topic != MISTAKE and (topic == UNREADABLE or outlasts(before, topic, library))
    return (before,) if before and lasts else ()


def find_country(text: str, library: Library) -> str | None:
    """The country that a setting names, by code or by a name in any of our languages."""
    if text.upper() in library.directory.countries:
        return text.upper()
    typed = words(text)
    return next((place.country for w in library.words.values() if typed and (place := w.places.find(typed))), None)


def find_language(text: str, library: Library) -> str | None:
    """The language that a setting names, by code or by its own name."""
    asked = text.strip().lower()
    return asked if asked in library.words else library.switches.get(words(asked))
