"""A text -> probabilities: what the model says of it alone, of its parts, and after what was answered last."""

from __future__ import annotations

from dataclasses import replace

from bot.conversation.language import after_title
from bot.conversation.library import NO_DOSING, OUT_OF_SCOPE, SMALL_TALK, Library
from bot.conversation.matching import in_both, in_context, with_dangers_as
from bot.conversation.stretches import sentences, stretches
from bot.conversation.triage import FAINT, Probabilities, Thresholds, clear_topic
from bot.vocabulary import Urgency

CONTEXT = 0.9
"""The share of the reading after the last topic, beside the one of the message alone."""
OF_ITS_OWN = 0.3
"""From this probability of its topic on a message is read alone after a refusal, unless it sounds like the same request."""
CLEARLY_OF_ITS_OWN = 0.55
"""From this one on it is whatever it sounds like in the talk."""
ASKED_AGAIN = 0.22
"""
From this probability on a message sounds like the same request again, by what people ask after a refusal. Of 28 messages
of their own that others wrote after one, 3 reach it, of 23 that ask again 21.
"""
SURELY_AGAIN = 0.8
"""From this one on it is the same request, whatever it sounds like alone: of the same 28 one reaches it, of the 23 still 21."""
OF_NO_DOSING = 0.025
"""Up to this probability of dosing it is."""
MOSTLY_OF_ITS_OWN = 0.3
"""Up to this share of the topics below it is too, though no one topic is likely."""
EMPTY = frozenset({NO_DOSING, OUT_OF_SCOPE, SMALL_TALK, "about-bot"})
"""Topics of a message that, after a refusal, may ask for the same again."""
IN_A_STRETCH = 0.85
"""From this probability on a danger counts that is told in a few words of a message."""
ASKED_IN_A_STRETCH = 0.5
"""The same for dosing."""
STRETCHES = 2
"""So many stretches at most are read, those that pull the most, up to the first that tells."""
WORTH = 0.5
"""
How much a stretch pulls at least. At 0 no danger more was found in 738 messages, and one in a hundred messages was read
for nothing.
"""
QUESTIONS = 2
"""So many questions of one message at most are read by themselves: the first is answered, the second offered."""
SLIPS = 14
"""Up to so many words a text with slips is read both mended and as typed: among more a slip weighs little."""
SURE_OF_ALL = 0.8
"""
From this probability on the whole message's topic stands, and its only question is not read by itself: in none of 225
messages of others it was about the right topic where the whole was about a wrong one.
"""
CLEARLY = 0.7
"""From this probability on a sentence is about a topic."""


def judge(text: str, library: Library, language: str, topic: str | None) -> Probabilities:
    """
    What the model says of a text: alone, with slips mended too, and after the last topic where there is one.

    Without the model, what a glance tells of dangers.
    """
    if library.encoder is None or library.heads is None:
        return library.glance(text) if library.glance else Probabilities()
    mended = library.spelling.mended(text, language)
    # What is mended counts. As typed it may still tell a danger clearly, for not all that is unknown is a slip: "snorting".
    forms = [mended, text] if mended != text and len(text.split()) <= SLIPS else [mended]
    vectors = [library.encoder(form) for form in forms]
    judged = [library.heads(vector) for vector in vectors]
    alone = judged[0] if len(judged) == 1 else in_context(judged[0], judged[1], 0.5)
    if library.glance:
        alone = replace(alone, urgencies=library.glance.beside(alone.urgencies, mended))
    if topic is None or library.response(language, topic) is None:
        return alone
    read = library.encoder(after_title(library.title(language, topic), mended))
    within = library.heads(read)
    within = replace(within, topics=library.heads.topics_in_talk(vectors[0], read) or within.topics)
    # A refusal's title makes whatever follows sound like the same request again.
    aside = topic == NO_DOSING and is_of_its_own(alone, within.topics.get(NO_DOSING, 0.0))
    mixed = alone if aside else in_context(alone, within, CONTEXT)
    # The title of an emergency, or of a step in one, must not raise an alarm by itself.
    alarming = library.topics[topic].urgency is not Urgency.NONE or library.topics[topic].group == "steps"
    heard = alone.urgencies if alarming else in_both(alone.urgencies, within.urgencies)
    # In an emergency "now he lies on his side" is about the same person.
    topics = mixed.topics if alarming else with_dangers_as(alone.topics, mixed.topics, library.urgency_of)
    # After talk of death "where do I get naloxone" is a question like any other.
    if alarming and clear_topic(alone.topics, library.urgency_of, EMPTY):
        topics = alone.topics
    return replace(mixed, urgencies=heard, topics=topics, in_talk=True)


def with_stretches(
    whole: Probabilities, text: str, language: str, thresholds: Thresholds, library: Library
) -> Probabilities:
    """
    What is read in a message; where a danger or dosing is read in a few of its words alone, and clearly, that too.

    Of 738 dangers of others', each told before or after a calm question, 428 are heard in the whole message and 643 so, of 378
    requests for dosing 269 and 346; of 1,888 calm messages 28 raise an alarm, 13 by the whole alone.
    """
    missed = [u for u, p in whole.urgencies.items() if p < max(thresholds.urgencies[u], FAINT[u])]
    if library.glance is None or library.heads is None or Urgency.EMERGENCY not in missed:
        return whole
    bar = library.heads.aside_from
    sought = [urgency for urgency in missed if whole.urgencies_aside[urgency] >= bar]
    dosing = whole.dosing < thresholds.dosing and whole.dosing_aside >= bar
    if not (sought or dosing):
        return whole
    pulls = {stretch: library.glance.pull(stretch, sought, dosing) for stretch in stretches(text) if stretch != text}
    worth = sorted((stretch for stretch, pull in pulls.items() if pull >= WORTH), key=lambda stretch: -pulls[stretch])
    told = whole
    for stretch in worth[:STRETCHES]:
        if told is not whole:
            break
        read = judge(stretch, library, language, None)
        clear = {u: read.urgencies[u] for u in missed if read.urgencies[u] >= max(IN_A_STRETCH, told.urgencies[u])}
        if clear:
            told = replace(told, urgencies={**told.urgencies, **clear}, topics=read.topics)
        if read.dosing >= max(ASKED_IN_A_STRETCH, told.dosing):
            told = replace(told, dosing=read.dosing)
    return told


def asked_in_turn(text: str, language: str, whole: float, library: Library) -> tuple[str, ...]:
    """
    The topics that questions within a message are clearly about; nothing where it is one sentence.

    Read as a whole, a message with two questions sounds like one of them, or like neither.

    Args:
        whole: the probability of the topic of the whole message.
    """
    said = sentences(text)
    questions = [sentence for sentence in said if sentence.endswith("?")]
    if len(said) < 2 or library.heads is None or (len(questions) == 1 and whole >= SURE_OF_ALL):
        return ()
    found: list[str] = []
    for sentence in questions[:QUESTIONS]:
        topics = judge(sentence, library, language, None).topics
        best = max(topics, key=lambda topic: topics[topic])
        calm = best not in EMPTY and library.urgency_of.get(best, Urgency.NONE) is Urgency.NONE
        if calm and topics[best] >= CLEARLY:
            found.append(best)
    return tuple(found)


def is_of_its_own(alone: Probabilities, again: float = 0.0) -> bool:
    """
    Whether a message, read alone, tells of something else than dosing; "just roughly" tells of nothing.

    Args:
        again: how likely the message, in the talk, asks for the same again.
    """
    best = max(alone.topics, key=lambda topic: alone.topics[topic], default=OUT_OF_SCOPE)
    if again >= SURELY_AGAIN:
        return False
    asked_again = again >= ASKED_AGAIN
    bar = CLEARLY_OF_ITS_OWN if asked_again else OF_ITS_OWN
    if best not in EMPTY and alone.topics.get(best, 0.0) >= bar and alone.dosing < OF_NO_DOSING:
        return True
    if asked_again:
        return False
    # "Why is that dangerous" is about one of many topics, and about none of those in which the request hides.
    empty = sum(alone.topics.get(topic, 0.0) for topic in EMPTY)
    return bool(alone.topics) and empty <= MOSTLY_OF_ITS_OWN and alone.dosing < OF_NO_DOSING / 2


def confident(probabilities: Probabilities, thresholds: Thresholds | None) -> bool:
    """Whether a message after a refusal clearly asks for something else."""
    if thresholds is None:
        return False
    if is_of_its_own(probabilities):
        return True
    best = max(probabilities.topics.items(), key=lambda item: item[1], default=("", 0.0))
    return (
        best[0] not in {NO_DOSING, OUT_OF_SCOPE, SMALL_TALK}
        and best[1] >= OF_ITS_OWN
        and probabilities.dosing < thresholds.dosing / 2
    )
