"""How long a danger lasts: what of the messages after it still belongs to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.conversation.library import FIND_HELP, SMALL_TALK, Library
from bot.vocabulary import Danger, Session, Understanding, Urgency

STAYS = frozenset({"emergency", "overdose", "naloxone", "steps"})
"""Groups of questions that do not end an emergency: people ask them beside the person who is down."""
OF_IT = {"sudden-severe-withdrawal": frozenset({"starting-naltrexone", "withdrawal", "only-with-a-doctor"})}
"""By danger, topics besides that speak of how it came about: "yes, he used this morning"."""
BESIDE = frozenset({SMALL_TALK, FIND_HELP, "feedback"})
"""Topics that say nothing about a danger being over: "ok", "help me", "that is wrong", "bye"."""


def outlasts(danger: Danger, topic: str | None, library: Library) -> bool:
    """
    Whether a danger goes on where something is asked next; None for what was not understood.

    An emergency goes on until something clearly else is asked. Who has told of self-harm or violence and says thanks and
    goodbye, or asks where to turn, is not out of it.
    """
    if topic in BESIDE:
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


def still_in_danger(understanding: Understanding, session: Session, leans: bool, library: Library) -> Understanding:
    """What was understood of a message, with the dangers that were told before it where they go on."""
    if session.danger is None:
        return understanding
    meant = with_gravest(understanding, session.danger, leans, library)
    # Who tells of another danger has not said that the first is over; and beside somebody who is down nothing else is.
    told = bool(understanding.dangers) or Urgency.EMERGENCY in {danger.urgency for danger in meant.dangers}
    held = [before for before in session.dangers if told or goes_on(before, understanding, leans, library)]
    return replace(meant, dangers=merged(meant.dangers, held))


def goes_on(before: Danger, understanding: Understanding, leans: bool, library: Library) -> bool:
    """Whether a danger goes on after a message that tells of none."""
    topic = understanding.topic
    lasts = outlasts(before, topic, library)
    if lasts or before.urgency is Urgency.EMERGENCY:
        return lasts
    best = understanding.candidates[0].topic if understanding.candidates else None
    of_it = best is not None and library.urgency_of.get(best) is before.urgency
    # "How many would do it", after it was told that somebody wants to die, is about dying.
    for_it = understanding.dosing and before.urgency is Urgency.SELF_HARM
    return of_it or (not before.is_faint and (for_it or (topic is None and leans)))


def with_gravest(understanding: Understanding, before: Danger, leans: bool, library: Library) -> Understanding:
    """What was understood of a message, with the gravest danger before it where that goes on."""
    new = understanding.dangers
    lasts = goes_on(before, understanding, leans, library)
    if before.urgency is not Urgency.EMERGENCY:
        # "Im fine honestly" after it is heard faintly, and told by whom it was told before.
        again = not before.is_faint and all(d.is_faint and d.urgency is before.urgency for d in new)
        return replace(understanding, dangers=(before,)) if (again if new else lasts) else understanding
    # Beside somebody who is down "my parents will kill me" is no thought of death; and who tells more of an emergency, however
    # faintly that is heard, is not asked whether there is one.
    again = any(danger.urgency is Urgency.EMERGENCY for danger in new)
    is_new = any(not danger.is_faint for danger in new) or (again and before.is_faint)
    return understanding if is_new or not (lasts or again) else replace(understanding, dangers=(before,), offered=())
