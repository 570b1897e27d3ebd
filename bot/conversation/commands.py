"""A tap or a line that begins with a slash -> what it says, which needs no guessing."""

from __future__ import annotations

from dataclasses import replace

from bot.conversation.language import words
from bot.conversation.lasting import after_emergency, confirmed, merged, outlasts
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


def beside_command(command: Command | None, text: str) -> str:
    """
    The words after a command that has no use for them, or in which it found a country; none of a deep link's code, or of one
    command after another.
    """
    if command is None or (command.argument is not None and command.kind is not CommandKind.COUNTRY):
        return ""
    rest = text.strip().partition(" ")[2].strip()
    is_code = command.kind is CommandKind.START and len(rest.split()) == 1
    return "" if is_code or rest.startswith("/") else rest


def of_command(command: Command, profile: Profile, session: Session, library: Library) -> Understanding:
    """What a tap or a command says, which needs no guessing."""
    language, guessed = profile.language or library.languages[0], session.country_guessed
    dangers: tuple[Danger, ...] = ()
    topic = None
    match command.kind, command.argument:
        case CommandKind.COUNTRY, str(code):
            profile, guessed = replace(profile, country=code), False
        case CommandKind.LANGUAGE, str(code):
            language, profile = code, replace(profile, language=code)
        case CommandKind.AUDIENCE, str(audience):
            profile = replace(profile, audience=Audience(audience))
        case CommandKind.EMERGENCY, _:
            topic = "someone-down"
            dangers = merged([Danger(Urgency.EMERGENCY, topic)], session.dangers)
        case CommandKind.ANSWER, str(asked):
            topic, dangers = asked, dangers_of(asked, session, library)
        case _:
            pass
    return Understanding(language, profile, dangers, topic=topic, command=command, country_guessed=guessed)


def dangers_of(topic: str, session: Session, library: Library) -> tuple[Danger, ...]:
    """
    The dangers that a tapped topic answers, or does not end; a step belongs to the emergency that it is part of.

    A tap on what is offered beside an emergency ends it no more than the same question in words.
    """
    before = session.dangers
    if topic == MISTAKE:
        return after_emergency(before)
    if library.topics[topic].group == "steps":
        known = [confirmed(danger, library) for danger in before if danger.urgency is Urgency.EMERGENCY]
        return merged(known or [Danger(Urgency.EMERGENCY, "someone-down")], before)
    urgency = library.topics[topic].urgency
    if urgency is not Urgency.NONE:
        return merged([Danger(urgency, topic)], before)
    return tuple(danger for danger in before if topic == UNREADABLE or outlasts(danger, topic, library))


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
