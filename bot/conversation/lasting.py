"""How long a danger lasts: what of the messages after it still belongs to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.conversation.library import FIND_HELP, SMALL_TALK, Library
from bot.conversation.triage import USUAL_TOPIC
from bot.vocabulary import Danger, Session, Understanding, Urgency

STAYS = frozenset({"emergency", "overdose", "naloxone", "steps"})
"""Groups of questions that do not end an emergency: people ask them beside the person who is down."""
OF_IT = {
    "sudden-severe-withdrawal": frozenset({"starting-naltrexone", "withdrawal", "only-with-a-doctor"}),
    "self-harm": frozenset({"using-alone", "grief", "parent-guilt", "craving-now", "naltrexone-and-depression"}),
}
"""By danger, topics besides that speak of how it came about: "yes, he used this morning", "nobody ever listens to me"."""
TO_WHOM = frozenset({"about-bot", "privacy", "will-my-parents-know"})
"""What people ask once they have told of a danger: whom they told it, and who will know."""
BESIDE = frozenset({SMALL_TALK, FIND_HELP, "feedback"})
"""Topics that say nothing about a danger being over: "ok", "help me", "that is wrong", "bye"."""
ELSE = 0.8
"""From this probability on something else is clearly asked. "He is on naltrexone", beside somebody who is down, has .32."""


def outlasts(danger: Danger, topic: str | None, library: Library) -> bool:
    """
    Whether a danger goes on where something is asked next; None for what was not understood.

    An emergency goes on until something clearly else is asked. Who has told of self-harm or violence and says thanks and
    goodbye, or asks where to turn, is not out of it.
    """
    if topic in BESIDE or (topic in TO_WHOM and not danger.is_faint):
        return True
    if danger.urgency is not Urgency.EMERGENCY:
        return False
    return topic is None or library.topics[topic].group in STAYS or topic in OF_IT.get(danger.topic, ())


def merged(dangers: Iterable[Danger], held: Iterable[Danger]) -> tuple[Danger, ...]:
    """Dangers with those that were told before, gravest first; of one kind the first counts, and what was faint is over."""
    found = list(dangers)
    for before in held:
        if not before.is_faint and all(danger.urgency is not before.urgency for danger in found):
            found.append(before)
    return tuple(sorted(found, key=lambda danger: -danger.urgency.gravity))


def after_emergency(dangers: Iterable[Danger]) -> tuple[Danger, ...]:
    """The dangers that go on where the emergency is over."""
    return merged((), (danger for danger in dangers if danger.urgency is not Urgency.EMERGENCY))


def still_in_danger(understanding: Understanding, session: Session, library: Library) -> Understanding:
    """What was understood of a message, with the dangers that were told before it where they go on."""
    if session.danger is None:
        return understanding
    meant = with_gravest(understanding, session, library)
    # Who tells of another danger has not said that the first is over; and beside somebody who is down nothing else is.
    told = bool(understanding.dangers) or Urgency.EMERGENCY in {danger.urgency for danger in meant.dangers}
    held = [before for before in session.dangers if told or goes_on(before, understanding, session, library)]
    return replace(meant, dangers=merged(meant.dangers, held))


def goes_on(before: Danger, understanding: Understanding, session: Session, library: Library) -> bool:
    """Whether a danger goes on after a message that tells of none."""
    topic, is_else = understanding.topic, is_clearly_else(understanding)
    left = is_else and has_left(before, session, library)
    if outlasts(before, topic, library) and not (left and topic in TO_WHOM):
        return True
    best = understanding.candidates[0].topic if understanding.candidates else None
    if best is not None and library.urgency_of.get(best) is before.urgency:
        return True
    if before.is_faint:
        return False
    # "How many would do it", after it was told that somebody wants to die, is about dying.
    for_it = understanding.dosing and before.urgency is Urgency.SELF_HARM
    of_it = topic is None or topic in OF_IT.get(before.topic, ())
    if for_it or of_it or not is_else:
        return True
    # Beside somebody who is down, what is clearly else is answered once without ending it: "he relapsed" is about him.
    return before.urgency is Urgency.EMERGENCY and not left


def has_left(before: Danger, session: Session, library: Library) -> bool:
    """Whether the last answer was already about something else than a danger that still goes on."""
    last = session.topic
    return last is not None and last not in {before.topic, *TO_WHOM} and library.topics[last].group not in STAYS


def is_clearly_else(understanding: Understanding) -> bool:
    """Whether a message clearly asks about the topic that it is answered with."""
    return any(found.topic == understanding.topic and found.score >= ELSE for found in understanding.candidates)


def with_gravest(understanding: Understanding, session: Session, library: Library) -> Understanding:
    """What was understood of a message, with the gravest danger before it where that goes on."""
    before, new = session.dangers[0], understanding.dangers
    lasts = goes_on(before, understanding, session, library)
    if before.urgency is not Urgency.EMERGENCY:
        # "Im fine honestly" after it is heard faintly, and told by whom it was told before.
        again = not before.is_faint and all(d.is_faint and d.urgency is before.urgency for d in new)
        return replace(understanding, dangers=(before,)) if (again if new else lasts) else understanding
    # Beside somebody who is down "my parents will kill me" is no thought of death; and who tells more of an emergency, however
    # faintly that is heard, is not asked whether there is one.
    again = any(danger.urgency is Urgency.EMERGENCY for danger in new)
    is_new = any(not danger.is_faint for danger in new) or (again and before.is_faint)
    return understanding if is_new or not (lasts or again) else replace(understanding, dangers=(before,), offered=())


def confirmed(danger: Danger, library: Library) -> Danger:
    """A danger that was heard faintly, and asked about: it is told now, and no calm topic answers in its place."""
    own = library.urgency_of.get(danger.topic) is danger.urgency
    return Danger(danger.urgency, danger.topic if own else USUAL_TOPIC[danger.urgency])
