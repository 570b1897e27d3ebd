"""How long a danger lasts: what of the messages after it still belongs to it."""

from __future__ import annotations

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


def still_in_danger(understanding: Understanding, session: Session, leans: bool, library: Library) -> Understanding:
    """What was understood of a message, with the danger that was told before it where that goes on."""
    before = session.danger
    if before is None:
        return understanding
    new = understanding.dangers
    topic = understanding.topic
    goes_on = outlasts(before, topic, library)
    if before.urgency is not Urgency.EMERGENCY:
        best = understanding.candidates[0].topic if understanding.candidates else None
        of_it = best is not None and library.urgency_of.get(best) is before.urgency
        goes_on = goes_on or of_it or (topic is None and leans and not before.is_faint)
        # "Im fine honestly" after it is heard faintly, and told by whom it was told before.
        again = not before.is_faint and all(d.is_faint and d.urgency is before.urgency for d in new)
        return replace(understanding, dangers=(before,)) if (again if new else goes_on) else understanding
    # Beside somebody who is down "my parents will kill me" is no thought of death; and who tells more of an emergency, however
    # faintly that is heard, is not asked whether there is one.
    again = any(danger.urgency is Urgency.EMERGENCY for danger in new)
    is_new = any(not danger.is_faint for danger in new) or (again and before.is_faint)
    return understanding if is_new or not (goes_on or again) else replace(understanding, dangers=(before,), offered=())
