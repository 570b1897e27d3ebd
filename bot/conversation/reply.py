"""Understanding + profile -> Reply: which response, which pointer, which follow-ups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.conversation.lasting import BESIDE, STAYS, TO_WHOM, is_clearly_else
from bot.conversation.leaving import HOW, KEPT, OFFERED_BY, SHOWN, WAY, can_leave
from bot.conversation.library import (
    FIND_HELP,
    LAST_RESORT,
    NO_DOSING,
    OUT_OF_SCOPE,
    SMALL_TALK,
    Library,
    Response,
    Words,
)
from bot.conversation.triage import USUAL_TOPIC
from bot.conversation.understanding import known_to_us, servable
from bot.vocabulary import (
    Choice,
    CommandKind,
    Contact,
    Danger,
    Passage,
    PassageKind,
    Profile,
    Reply,
    ReviewKind,
    Session,
    Understanding,
    Urgency,
)

SERVICE = {
    CommandKind.START: "welcome",
    CommandKind.HELP: "help",
    CommandKind.PRIVACY: "privacy",
    CommandKind.FORGET: "forgotten",
    CommandKind.HIDE: "hidden",
    CommandKind.FEEDBACK: "feedback",
}
DONE = frozenset({SERVICE[CommandKind.FORGET], SERVICE[CommandKind.HIDE]})
"""What says that something was done; no link says it where nothing was."""
HOW_TO = {
    CommandKind.COUNTRY: "no-country",
    CommandKind.LANGUAGE: "no-language",
    CommandKind.AUDIENCE: "no-audience",
}
LEAVING = frozenset({CommandKind.LEAVE, CommandKind.KEEP, CommandKind.DROP})
CHECK_IN, CHECK_NOW, STILL_HERE = "check-in", "check-now", "still-here"
CHECKS = frozenset({CHECK_IN, CHECK_NOW})
HELP = "help"
CHOICES = 6
"""More than this, nobody reads."""


def compose(understanding: Understanding, session: Session, library: Library) -> Reply:
    """The danger's topic first, then no-dosing, then the matched one, else out-of-scope."""
    topic = chosen_topic(understanding, session, library)
    said = said_instead(topic, understanding, session)
    response = library.response(understanding.language, said) or library.response(understanding.language, topic)
    if response is None:
        return last_resort(understanding.profile, library)
    note = first_note(understanding, library)
    body = None if note and told_only(understanding) else body_of(response, understanding.profile, library)
    passages = [*([note] if note else []), *([body] if body else [])]
    if understanding.command and understanding.command.kind is CommandKind.PRIVACY:
        passages += [Passage(PassageKind.NOTE, line) for line in library.kept(understanding.language, session)]
    if understanding.command and understanding.command.kind in {*SERVICE, *LEAVING}:
        # These say nothing about a danger: help comes first, and what they are for after it.
        understanding = replace(understanding, dangers=session.dangers)
    asks = understanding.profile.country is None and not session.country_asked
    shown = session.draft if topic == SHOWN and understanding.command is None else None
    if shown:
        passages.append(Passage(PassageKind.QUOTE, shown))
    reply = replace(assembled(understanding, response, passages, asks, library), topic=topic)
    if shown:
        return replace(reply, choices=(*consent(understanding, library), *reply.choices))
    return replace(reply, choices=(*reply.choices, *offer_to_leave(understanding, topic, library)))


def consent(understanding: Understanding, library: Library) -> tuple[Choice, ...]:
    """The buttons that keep or drop the question that is shown."""
    notes = library.words[understanding.language].notes
    return Choice(notes["keep"], "/keep"), Choice(notes["drop"], "/drop")


def offer_to_leave(understanding: Understanding, topic: str, library: Library) -> tuple[Choice, ...]:
    """The button that offers to leave a question for the editors, where that helps and nobody is in danger."""
    calm = not understanding.dangers and understanding.foreign is None
    if not (topic in OFFERED_BY and calm and understanding.can_keep and can_leave(understanding.language, library)):
        return ()
    return (Choice(library.words[understanding.language].notes["leave"], "/leave"),)


def chosen_topic(understanding: Understanding, session: Session, library: Library) -> str:
    """The topic whose response is served."""
    command = understanding.command
    if command and command.kind in SERVICE:
        return SERVICE[command.kind]
    if command and command.kind in LEAVING:
        return chosen_in_leaving(command.kind, understanding, session, library)
    # What these say holds only on the way there; no link or old button may say it elsewhere.
    if command and understanding.topic in {*WAY, *DONE}:
        return HELP
    if told_only(understanding):
        return SMALL_TALK
    if understanding.dangers:
        asked = understanding.topic
        served = asked and library.response(understanding.language, asked)
        lasting = session.danger is not None and understanding.dangers[0] == session.danger
        # Thanks for a step are no reason to begin again at the first.
        emergency = lasting and understanding.urgency is Urgency.EMERGENCY
        if emergency and asked == SMALL_TALK and session.topic and library.topics[session.topic].group == "steps":
            return session.topic
        if command and asked and served:
            return asked
        if lasting and asked and served and not understanding.dosing and is_beside(understanding, library):
            return asked
        danger = told_now(understanding, session)
        # Who is not in an emergency and asks where to turn reads more of it than the danger's own words say.
        if lasting and served and asked == FIND_HELP and danger.urgency is not Urgency.EMERGENCY:
            return asked
        served = library.response(understanding.language, danger.topic)
        return danger.topic if served else USUAL_TOPIC[danger.urgency]
    if understanding.dosing:
        return NO_DOSING
    if understanding.topic and library.response(understanding.language, understanding.topic):
        return understanding.topic
    return OUT_OF_SCOPE


def is_beside(understanding: Understanding, library: Library) -> bool:
    """Whether what is asked is answered beside a danger that goes on: what helps in it, to whom it was told, and what is clear."""
    topic = understanding.topic
    helps = topic is not None and (topic in TO_WHOM or library.topics[topic].group in STAYS)
    return helps or (
        understanding.urgency is Urgency.EMERGENCY and topic not in BESIDE and is_clearly_else(understanding)
    )


def told_now(understanding: Understanding, session: Session) -> Danger:
    """The danger that is answered: the gravest that this very message tells of, else the gravest that goes on."""
    new = (danger for danger in understanding.dangers if danger not in session.dangers and not danger.is_faint)
    return next(new, understanding.dangers[0])


def said_instead(topic: str, understanding: Understanding, session: Session) -> str:
    """
    The response that stands in for a danger's own: what was heard faintly is first asked about, in a few words, and
    who told of self-harm before does not read the same again.
    """
    danger = understanding.dangers[0] if understanding.dangers else None
    if danger is None or understanding.command or topic != danger.topic:
        return topic
    if danger.is_faint:
        return CHECK_NOW if danger.urgency is Urgency.EMERGENCY else CHECK_IN
    return STILL_HERE if topic == session.topic == USUAL_TOPIC[Urgency.SELF_HARM] else topic


def chosen_in_leaving(kind: CommandKind, understanding: Understanding, session: Session, library: Library) -> str:
    """The topic for a tap on the way to leave a question; help where there is nothing to keep, or nowhere."""
    if not understanding.can_keep or not can_leave(understanding.language, library):
        return HELP
    if kind is CommandKind.KEEP:
        return KEPT if session.draft else HELP
    return HOW if kind is CommandKind.LEAVE else HELP


def told_only(understanding: Understanding) -> bool:
    """Whether a message only told something about the reader."""
    command = understanding.command
    told = understanding.only_told or (command is not None and command.kind in HOW_TO)
    return told and not understanding.dangers


def first_note(understanding: Understanding, library: Library) -> Passage | None:
    """What to say before the body: that something was noted, or how to tell it, or which languages there are."""
    notes = library.words[understanding.language].notes
    command = understanding.command
    if command and command.kind in HOW_TO and command.argument is None:
        return Passage(PassageKind.NOTE, notes[HOW_TO[command.kind]])
    if told_only(understanding):
        return Passage(PassageKind.NOTE, notes["told"])
    if understanding.foreign:
        sentences = library.foreign_sentences
        return Passage(PassageKind.NOTE, sentences.get(understanding.foreign, sentences["unknown"]))
    return None


def body_of(response: Response, profile: Profile, library: Library) -> Passage:
    """The response in the reader's voice."""
    return Passage(PassageKind.BODY, response.text(profile.audience, library.topics[response.topic].audience))


def assembled(
    understanding: Understanding, response: Response, passages: Sequence[Passage], asks: bool, library: Library
) -> Reply:
    """Passages in order: in danger help comes first, else last; the country is asked for after help was given."""
    language, country = understanding.language, understanding.profile.country
    pointer = library.pointer(language, country)
    lines = [library.lines(language, country, danger.urgency) for danger in understanding.dangers]
    help_ = [pointer, *(line for line in lines if line)]
    # In a language that we do not read, it may be an emergency.
    first = understanding.dangers or understanding.foreign
    parts = [*help_, *passages] if first else [*passages, *help_]
    words = library.words[language]
    if asks and not told_only(understanding):
        parts.append(Passage(PassageKind.NOTE, words.notes["ask-country"]))
    abstained = response.topic == OUT_OF_SCOPE
    offered = [*understanding.offered, *(near_topics(understanding, library) if abstained else ())]
    leads = [*response.follow_ups, *offered] if response.topic in CHECKS else [*offered, *response.follow_ups]
    if understanding.dangers and response.topic not in CHECKS:
        # From what is asked beside an emergency one tap leads back to what to do.
        leads.insert(0, understanding.dangers[0].topic)
    return Reply(
        topic=response.topic,
        language=language,
        country=country,
        urgency=understanding.urgency,
        passages=tuple(parts),
        contact=library.directory.contact(country, words.services),
        choices=choices(leads, response.topic, language, library),
        sources=response.sources,
        review=weakest(response, words, library),
        abstained=abstained,
    )


def weakest(response: Response, words: Words, library: Library) -> ReviewKind:
    """The weakest review of the texts in a reply: the response's, its language's words, the directory's."""
    return min((response.review, words.review, library.directory_review), key=lambda review: review.strength)


def near_topics(understanding: Understanding, library: Library) -> list[str]:
    """Candidates beside a topic that was understood but has no text yet; those that answer a danger are left out."""
    if understanding.topic is None:
        return []
    return [c.topic for c in understanding.candidates if library.topics[c.topic].urgency is Urgency.NONE]


def choices(topics: Iterable[str], served: str, language: str, library: Library) -> tuple[Choice, ...]:
    """Buttons for topics that can be served, each once, without the one just served."""
    unique = dict.fromkeys(topic for topic in topics if topic != served and library.response(language, topic))
    return tuple(Choice(library.title(language, topic), f"/answer {topic}") for topic in list(unique)[:CHOICES])


def last_resort(profile: Profile, library: Library) -> Reply:
    """What goes out when anything failed. It is checked when the bot starts."""
    language = servable(profile.language, library)
    country = known_to_us(profile, library).country
    words, response = library.words[language], library.responses[language, LAST_RESORT]
    contact: Contact = library.directory.contact(country, words.services)
    return Reply(
        topic=LAST_RESORT,
        language=language,
        country=country,
        urgency=Urgency.NONE,
        passages=(library.pointer(language, country), body_of(response, Profile(), library)),
        contact=contact,
        choices=(),
        sources=response.sources,
        review=weakest(response, words, library),
        abstained=True,
    )
