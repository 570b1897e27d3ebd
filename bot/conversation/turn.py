"""One message answered. Pure: the message carries its own time; nothing is read, written or drawn by lot."""

from __future__ import annotations

from dataclasses import replace

from bot.conversation.guard import Vouched, clear
from bot.conversation.leaving import HOW, KEPT, REFUSED, SHOWN, answered_by, draft_of, is_the_question
from bot.conversation.library import ASIDE, NO_DOSING, OUT_OF_SCOPE, Library
from bot.conversation.reply import compose, last_resort
from bot.conversation.understanding import understand
from bot.vocabulary import (
    ClearedReply,
    CommandKind,
    Message,
    PassageKind,
    Reply,
    Session,
    Turn,
    Understanding,
    Urgency,
)

GUESSED = 0.3
"""From this probability on the topic that was offered first is what the talk is about, though it was not answered."""


def take_turn(message: Message, session: Session, library: Library) -> Turn:
    """Answer one message: understand it, compose a reply of vetted texts, and let the guard have the last word."""
    session = still_known(session, library)
    understanding = replace(understand(message, session, library), can_keep=message.can_keep)
    if is_the_question(understanding, session, library):
        session = replace(session, draft=draft_of(message.text, library))
        understanding = answered_by(SHOWN if session.draft else REFUSED, understanding)
    draft = compose(understanding, session, library)
    fallback = last_resort(understanding.profile, library)
    clearance = clear(draft, message.text, fallback, Vouched(library.manifest, library.directory))
    after = remembered(session, understanding, draft)
    # Consent is to what was really shown: where the guard kept it back, nothing waits for a tap.
    shown = any(passage.kind is PassageKind.QUOTE for passage in clearance.reply.passages)
    if after and not shown:
        after = replace(after, draft=None)
    left = session.draft if clearance.reply.topic == KEPT and is_kept(understanding) else None
    return Turn(clearance.reply, after, understanding, tuple(fault.name for fault in clearance.faults), left)


def still_known(session: Session, library: Library) -> Session:
    """The session without a topic that is no longer in the library: a talk may have begun before an update."""
    known = [danger for danger in session.dangers if danger.topic in library.topics]
    return replace(session.among(known), topic=session.topic if session.topic in library.topics else None)


def is_kept(understanding: Understanding) -> bool:
    """Whether the message is the tap that keeps what was shown."""
    return understanding.command is not None and understanding.command.kind is CommandKind.KEEP


def take_again(understanding: Understanding, session: Session, library: Library) -> ClearedReply:
    """
    The reply of an earlier turn, from what was understood and the session before it: the words are long gone.

    Args:
        session: with the draft, where the reply showed one.
    """
    draft = compose(understanding, still_known(session, library), library)
    fallback = last_resort(understanding.profile, library)
    return clear(draft, "", fallback, Vouched(library.manifest, library.directory)).reply


def remembered(session: Session, understanding: Understanding, reply: Reply) -> Session | None:
    """The session after a turn; None where the person asked to be forgotten."""
    command = understanding.command
    if command and command.kind is CommandKind.FORGET:
        return None
    told = understanding.only_told or (command is not None and command.kind is not CommandKind.ANSWER)
    if (told or reply.topic in {SHOWN, REFUSED}) and understanding.urgency is Urgency.NONE:
        leaving, shown = reply.topic == HOW, reply.topic == SHOWN
        draft = session.draft if shown else None
        return replace(with_profile(session, understanding), leaving=leaving, draft=draft)
    gravest, others = understanding.dangers[:1], understanding.dangers[1:]
    faint = any(danger.is_faint for danger in gravest)
    topic = (guessed(understanding, reply) or session.topic) if faint or reply.topic in ASIDE else reply.topic
    after = with_profile(Session(topic=topic, declined=reply.topic == NO_DOSING), understanding)
    return after.among([*gravest, *(danger for danger in others if not danger.is_faint)])


def with_profile(session: Session, understanding: Understanding) -> Session:
    """The session with what is known of the reader. Who was asked for the country is not asked again."""
    guessed = understanding.country_guessed
    return replace(session, profile=understanding.profile, country_guessed=guessed, country_asked=not guessed)


def guessed(understanding: Understanding, reply: Reply) -> str | None:
    """
    The topic that was likeliest where some were offered to choose from: who writes on instead means it too.

    Where a danger was heard faintly, it is the one that was asked about.
    """
    if understanding.dangers:
        return understanding.topic if understanding.dangers[0].is_faint else None
    if not understanding.offered or understanding.offered[0] in ASIDE or reply.topic != OUT_OF_SCOPE:
        return None
    first = understanding.offered[0]
    return next((c.topic for c in understanding.candidates if c.topic == first and c.score >= GUESSED), None)
