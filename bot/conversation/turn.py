"""One message answered. Pure: the message carries its own time; nothing is read, written or drawn by lot."""

from __future__ import annotations

from dataclasses import replace

from bot.conversation.guard import Vouched, clear
from bot.conversation.library import NO_DOSING, OUT_OF_SCOPE, Library
from bot.conversation.reply import compose, last_resort
from bot.conversation.understanding import understand
from bot.vocabulary import ClearedReply, CommandKind, Message, Reply, Session, Turn, Understanding, Urgency


def take_turn(message: Message, session: Session, library: Library) -> Turn:
    """Answer one message: understand it, compose a reply of vetted texts, and let the guard have the last word."""
    understanding = understand(message, session, library)
    draft = compose(understanding, session, library)
    fallback = last_resort(understanding.profile, library)
    clearance = clear(draft, message.text, fallback, Vouched(library.manifest, library.directory))
    after = remembered(session, understanding, draft)
    return Turn(clearance.reply, after, understanding, tuple(fault.name for fault in clearance.faults))


def take_again(understanding: Understanding, session: Session, library: Library) -> ClearedReply:
    """The reply of an earlier turn, from what was understood and the session before it: the words are long gone."""
    draft = compose(understanding, session, library)
    fallback = last_resort(understanding.profile, library)
    return clear(draft, "", fallback, Vouched(library.manifest, library.directory)).reply


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
        # A question that was not answered leaves the talk where it was: the next one may lean on the same topic.
        topic=session.topic if reply.topic == OUT_OF_SCOPE else reply.topic,
        danger=understanding.dangers[0] if understanding.dangers else None,
        declined=reply.topic == NO_DOSING,
        country_asked=True,
    )
