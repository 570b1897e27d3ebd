"""One message answered. Pure: the message carries its own time; nothing is read, written or drawn by lot."""

from __future__ import annotations

from dataclasses import replace

from bot.conversation.guard import Vouched, clear
from bot.conversation.library import NO_DOSING, Library
from bot.conversation.reply import compose, last_resort
from bot.conversation.understanding import understand
from bot.vocabulary import CommandKind, Message, Reply, Session, Turn, Understanding, Urgency


def take_turn(message: Message, session: Session, library: Library) -> Turn:
    """Answer one message: understand it, compose a reply of vetted texts, and let the guard have the last word."""
    understanding = understand(message, session, library)
    draft = compose(understanding, session, library)
    fallback = last_resort(understanding.profile, library)
    clearance = clear(draft, message.text, fallback, Vouched(library.manifest, library.directory))
    after = remembered(session, understanding, draft)
    return Turn(clearance.reply, after, understanding, tuple(fault.name for fault in clearance.faults))


def remembered(session: Session, understanding: Understanding, reply: Reply) -> Session | None:
    """The session after a turn; None where the person asked to be forgotten."""
    command = understanding.command
    if command and command.kind is CommandKind.FORGET:
        return None
    told = understanding.only_told or (command is not None and command.kind is not CommandKind.ANSWER)
    if told and understanding.urgency is Urgency.NONE:
        return replace(session, profile=understanding.profile, country_asked=True)
    return Session(
        profile=understanding.profile,
        topic=reply.topic,
        danger=understanding.dangers[0] if understanding.dangers else None,
        declined=reply.topic == NO_DOSING,
        country_asked=True,
    )
