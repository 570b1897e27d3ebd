"""Message + session + library -> Understanding: folds, encodes once, asks triage and matching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.conversation.language import (
    Phrases,
    Told,
    after_title,
    folded,
    lowered,
    tell_language,
    without_pictures,
    words,
)
from bot.conversation.library import NO_DOSING, OUT_OF_SCOPE, SMALL_TALK, Library, Words
from bot.conversation.matching import candidates, in_both, in_context, match, with_dangers_as
from bot.conversation.spelling import RUSSIAN
from bot.conversation.stretches import sentences, stretches
from bot.conversation.triage import Probabilities, Signal, Thresholds, asks_for_dosing, triage
from bot.vocabulary import (
    Audience,
    Candidate,
    Command,
    CommandKind,
    Danger,
    Message,
    Profile,
    Session,
    Understanding,
    Urgency,
)

CONTEXT = 0.9
"""The share of the reading after the last topic, beside the one of the message alone."""
SURE_IN_TALK = 0.3
"""
From this probability on a topic is answered where the message is read after the last one: a follow-up of three words is
seldom surer. Both found on conversations that the encoder has not learnt.
"""
OF_ITS_OWN = 0.33
"""From this probability of its topic on a message is read alone after a refusal."""
OF_NO_DOSING = 0.012
"""Up to this probability of dosing it is."""
MOSTLY_OF_ITS_OWN = 0.3
"""Up to this share of the topics below it is too, though no one topic is likely."""
EMPTY = frozenset({NO_DOSING, OUT_OF_SCOPE, SMALL_TALK, "about-bot"})
"""Topics of a message that, after a refusal, may ask for the same again."""
SHORT = 4
"""Up to so many words a message may lean on the last topic without saying so."""
STAYS = frozenset({"emergency", "overdose", "naloxone", "steps"})
"""Groups of questions that do not end an emergency: people ask them beside the person who is down."""
BESIDE = frozenset({SMALL_TALK, "find-help", "feedback"})
"""Topics that say nothing about an emergency being over: "ok", "help me", "that is wrong"."""
MISTAKE = "step-mistake"
UNREADABLE = "unreadable"
"""Answers a message without words. A sticker does not end an emergency."""
IN_A_STRETCH = 0.85
"""From this probability on a danger counts that is told in a few words of a message."""
ASKED_IN_A_STRETCH = 0.5
"""The same for dosing."""
STRETCHES = 8
"""So many stretches at most are read."""
SENTENCES = 4
"""So many sentences of one message at most are read for a second question."""
FEW = 16
"""Of a message with more words than this, only sentences that end with a question mark."""
CLEARLY = 0.7
"""From this probability on a sentence is about a topic."""
SETTINGS = frozenset({CommandKind.COUNTRY, CommandKind.LANGUAGE, CommandKind.AUDIENCE})
FEW_LETTERS = 3
"""Up to so many letters a word may be one of several languages: "yo"."""
GREETED = 3
"""From so many words on, what stands after a greeting is a message of its own."""
STEP_LENGTH = 7
"""Up to so many words an answer to the guided emergency may have; a longer message is read as a new one."""


@dataclass(frozen=True)
class Asked:
    """The topic that a sentence is about, and whether it ends with a question mark."""

    topic: str
    is_question: bool


def understand(message: Message, session: Session, library: Library) -> Understanding:
    """What a message means; it holds no word of it."""
    profile = known_to_us(session.profile.told(message.told), library)
    told = tell(message.text, library, profile.language)
    command = read_command(message.text, library)
    language = language_of(message, profile, told, command, library)
    profile = replace(profile, language=language)
    if command:
        understanding = of_command(command, profile, session, library)
        setting = command.kind in SETTINGS and session.danger
        return replace(understanding, dangers=(session.danger,)) if setting and session.danger else understanding
    form = library.spelling.in_cyrillic(lowered(message.text)) if told.latin else folded(message.text)
    typed = words(form)
    heard = words(message.text) + typed if told.latin else typed
    spoken = library.words[language]
    place = spoken.places.find(heard)
    audience = find_audience(heard, spoken.audiences)
    profile = profile.told(Profile(None, place.country if place else None, audience))
    understanding = Understanding(language, profile, foreign=told.foreign)
    if typed in spoken.switch or (place and is_only_told(place.rest)):
        return replace(understanding, only_told=True, dangers=(session.danger,) if session.danger else ())
    if not typed:
        return still_in_danger(understanding, session, True, library)
    emergency = session.danger is not None and session.danger.urgency is Urgency.EMERGENCY
    step = spoken_step(typed, spoken.steps) if emergency else None
    if step and typed in spoken.steps:
        return of_command(Command(CommandKind.ANSWER, step), profile, session, library)
    signals = library.all_signals.heard(" ".join(heard))
    meant = of_words(understanding, form, signals, session, library)
    # "he woke up" beside other words is a step, unless those words tell a danger of another kind.
    other = any(danger.urgency is not Urgency.EMERGENCY for danger in meant.dangers)
    return of_command(Command(CommandKind.ANSWER, step), profile, session, library) if step and not other else meant


def of_words(
    known: Understanding, form: str, signals: Sequence[Signal], session: Session, library: Library
) -> Understanding:
    """The dangers, dosing and topics in the words themselves, folded and in the letters of their language."""
    spoken = library.words[known.language]
    typed = words(form)
    text = without_greeting(without_pictures(form), spoken.shortcuts)
    leans = session.topic is not None and is_leaning(typed, spoken)
    probabilities = judge(text, library, known.language, session.topic)
    thresholds = library.heads.thresholds.get(known.language) if library.heads else None
    if thresholds:
        probabilities = with_stretches(probabilities, text, known.language, thresholds, library)
    glanced = library.glance.thresholds if library.glance and library.heads is None else None
    urgency_of = library.urgency_of
    dangers = triage(signals, probabilities, thresholds or glanced, urgency_of, EMPTY)
    dosing = asks_for_dosing(signals, probabilities, thresholds or glanced)
    if session.declined and leans and not dangers:
        dosing = dosing or not confident(probabilities, thresholds)
    ranked = candidates(probabilities)
    shortcut = spoken.shortcuts.get(typed) or spoken.shortcuts.get(words(text))
    if shortcut == SMALL_TALK and session.danger is None:
        # In "that's all for now" the model hears a farewell for good; the table knows better, a signal still counts.
        # After a danger the model is heard: then it may be one.
        dangers = triage(signals, Probabilities(), None, urgency_of)
    if shortcut and not dangers:
        ranked = (Candidate(shortcut, 1.0), *(c for c in ranked if c.topic != shortcut))[:5]
        return still_in_danger(replace(known, candidates=ranked, topic=shortcut), session, leans, library)
    # What answers a danger or a request for dosing is served where triage heard one, never by the topic head alone.
    harmless = [c for c in ranked if c.topic != NO_DOSING and urgency_of.get(c.topic, Urgency.NONE) is Urgency.NONE]
    found = match(harmless, library.heads, OUT_OF_SCOPE, SURE_IN_TALK if probabilities.in_talk else None)
    asked = () if dangers else asked_in_turn(text, known.language, library)
    questions = [one.topic for one in asked if one.is_question]
    topic = questions[0] if found.topic in questions else found.topic
    offered = [] if dosing or dangers else [*found.offered]
    offered += [one.topic for one in asked]
    if topic is not None and topic == session.topic and not dangers:
        # Whoever asked about something else would read the same again: the next likeliest is one tap away.
        offered += [c.topic for c in harmless if c.topic not in {topic, *EMPTY}][:1]
    understanding = replace(
        known, dangers=dangers, dosing=dosing, candidates=ranked, topic=topic, offered=tuple(dict.fromkeys(offered))
    )
    return still_in_danger(understanding, session, leans, library)


def with_stretches(
    whole: Probabilities, text: str, language: str, thresholds: Thresholds, library: Library
) -> Probabilities:
    """
    What is read in a message; where a danger or dosing is read in a few of its words alone, and clearly, that too.

    Of emergencies told beside a question, "he is blue. what is narcan", 57 to 88 % were heard in the whole message and 84 to
    90 % in a stretch, of requests for dosing 53 to 81 and 92 to 95; of 1,200 calm messages one was misread by it.
    """
    missed = [u for u, p in whole.urgencies.items() if p < thresholds.urgencies[u]]
    if library.glance is None or Urgency.EMERGENCY not in missed:
        return whole
    worth = [stretch for stretch in stretches(text) if stretch != text and library.glance.stops(stretch)]
    told = whole
    for stretch in worth[:STRETCHES]:
        read = judge(stretch, library, language, None)
        clear = {u: read.urgencies[u] for u in missed if read.urgencies[u] >= max(IN_A_STRETCH, told.urgencies[u])}
        if clear:
            told = replace(told, urgencies={**told.urgencies, **clear}, topics=read.topics)
        if read.dosing >= max(ASKED_IN_A_STRETCH, told.dosing):
            told = replace(told, dosing=read.dosing)
    return told


def asked_in_turn(text: str, language: str, library: Library) -> tuple[Asked, ...]:
    """
    What single sentences of a message clearly ask about; nothing where it is one sentence.

    Read as a whole, a message with two questions sounds like one of them, or like neither.
    """
    said = sentences(text)
    if len(said) < 2 or library.heads is None:
        return ()
    if len(text.split()) > FEW:
        said = [sentence for sentence in said if sentence.endswith("?")]
    found: list[Asked] = []
    for sentence in said[:SENTENCES]:
        topics = judge(sentence, library, language, None).topics
        best = max(topics, key=lambda topic: topics[topic])
        calm = best not in EMPTY and library.urgency_of.get(best, Urgency.NONE) is Urgency.NONE
        if calm and topics[best] >= CLEARLY:
            found.append(Asked(best, sentence.endswith("?")))
    return tuple(found)


def judge(text: str, library: Library, language: str, topic: str | None) -> Probabilities:
    """
    What the model says of a text: alone, with slips mended too, and after the last topic where there is one.

    Without the model, what a glance tells of dangers.
    """
    if library.encoder is None or library.heads is None:
        return library.glance(text) if library.glance else Probabilities()
    mended = library.spelling.mended(text, language)
    forms = [text, mended] if mended != text else [text]
    vectors = [library.encoder(form) for form in forms]
    judged = [library.heads(vector) for vector in vectors]
    alone = judged[0] if len(judged) == 1 else in_context(judged[0], judged[1], 0.5)
    if library.glance:
        alone = replace(alone, urgencies=library.glance.beside(alone.urgencies, text))
    if topic is None or library.response(language, topic) is None:
        return alone
    within = library.heads(library.encoder(after_title(library.title(language, topic), mended)))
    within = replace(within, topics=library.heads.topics_after(topic, vectors[-1]) or within.topics)
    # A refusal's title makes whatever follows sound like the same request again.
    aside = topic == NO_DOSING and is_of_its_own(alone)
    mixed = alone if aside else in_context(alone, within, CONTEXT)
    # The title of an emergency, or of a step in one, must not raise an alarm by itself.
    alarming = library.topics[topic].urgency is not Urgency.NONE or library.topics[topic].group == "steps"
    heard = alone.urgencies if alarming else in_both(alone.urgencies, within.urgencies)
    # In an emergency "now he lies on his side" is about the same person.
    topics = mixed.topics if alarming else with_dangers_as(alone.topics, mixed.topics, library.urgency_of)
    return replace(mixed, urgencies=heard, topics=topics, in_talk=True)


def is_of_its_own(alone: Probabilities) -> bool:
    """Whether a message, read alone, tells of something else than dosing; "just roughly" tells of nothing."""
    best = max(alone.topics, key=lambda topic: alone.topics[topic], default=OUT_OF_SCOPE)
    if best not in EMPTY and alone.topics.get(best, 0.0) >= OF_ITS_OWN and alone.dosing < OF_NO_DOSING:
        return True
    # "Why is that dangerous" is about one of many topics, and about none of those in which the request hides.
    empty = sum(alone.topics.get(topic, 0.0) for topic in EMPTY)
    return bool(alone.topics) and empty <= MOSTLY_OF_ITS_OWN and alone.dosing < OF_NO_DOSING / 2


def without_greeting(text: str, shortcuts: Mapping[tuple[str, ...], str]) -> str:
    """A folded text without the greeting before what it asks: "hello. i found foil" asks about foil."""
    parts = text.split()
    for length in (2, 1):
        opening, rest = words(" ".join(parts[:length])), parts[length:]
        if shortcuts.get(opening) == SMALL_TALK and len(rest) >= GREETED:
            return " ".join(rest)
    return text


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


def still_in_danger(understanding: Understanding, session: Session, leans: bool, library: Library) -> Understanding:
    """
    An emergency lasts until something clearly else is asked, or it was a mistake; another danger while it is told of.
    """
    before = session.danger
    if before is None or understanding.dangers:
        return understanding
    topic = understanding.topic
    lasts = topic in {None, *BESIDE} or (topic is not None and library.topics[topic].group in STAYS)
    if before.urgency is not Urgency.EMERGENCY:
        best = understanding.candidates[0].topic if understanding.candidates else None
        of_it = best is not None and library.urgency_of.get(best) is before.urgency
        lasts = of_it or (topic is None and leans)
    return replace(understanding, dangers=(before,)) if lasts else understanding


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
            lasting = (session.danger,) if session.danger and topic == UNREADABLE else ()
            dangers = lasting or dangers_of(topic, session, library)
            return Understanding(language, profile, dangers, topic=topic, command=command)
        case _:
            pass
    return Understanding(language, profile, command=command)


def dangers_of(topic: str, session: Session, library: Library) -> tuple[Danger, ...]:
    """The danger that a tapped topic answers; a step belongs to the emergency that it is part of."""
    if library.topics[topic].group == "steps" and topic != MISTAKE:
        before = session.danger
        known = before if before and before.urgency is Urgency.EMERGENCY else None
        return (known or Danger(Urgency.EMERGENCY, "someone-down"),)
    urgency = library.topics[topic].urgency
    return () if urgency is Urgency.NONE else (Danger(urgency, topic),)


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


def language_of(message: Message, profile: Profile, told: Told, command: Command | None, library: Library) -> str:
    """
    The language to answer in: as asked for, as written, as before.

    A message that came with a language keeps it, unless it is clearly written in another of ours. A short word by itself,
    "yo", "no", is not clearly in one rather than another of the same script.
    """
    if command is None:
        typed = words(message.text)
        asked = library.switches.get(typed)
        if asked or (told.language and not (len(typed) == 1 and are_alike(typed[0], told.language, profile, library))):
            return asked or told.language or library.languages[0]
    return servable(profile.language, library)


def are_alike(word: str, told: str, profile: Profile, library: Library) -> bool:
    """Whether a word is too short to tell a language from the one so far, which has the same letters."""
    known, other = library.words.get(profile.language or ""), library.words.get(told)
    return (
        len(word) <= FEW_LETTERS
        and known is not None
        and other is not None
        and known.tongue.script == other.tongue.script
    )


def known_to_us(profile: Profile, library: Library) -> Profile:
    """The profile without a country that the directory does not have: its number is then unknown, and is asked for."""
    return profile if profile.country in library.directory.countries else replace(profile, country=None)


def servable(language: str | None, library: Library) -> str:
    """The language where it can be served, else the one to fall back to."""
    return language if language is not None and language in library.words else library.languages[0]


def tell(text: str, library: Library, known: str | None = None) -> Told:
    """
    Which language a text is in: as its letters and common words tell, or as Russian in Latin letters by its sound.

    Args:
        known: the language so far.
    """
    told = tell_language(folded(text), library.tongues, known)
    if told.latin or told.foreign or told.language == RUSSIAN or RUSSIAN not in library.words:
        return told
    least = 1 if told.language is None else 2
    return Told(RUSSIAN, latin=True) if library.spelling.sounds.speak_in(lowered(text), least) else told


def is_leaning(typed: tuple[str, ...], spoken: Words) -> bool:
    """Whether a message leans on what was said before: it begins so, or is very short."""
    return len(typed) <= SHORT or spoken.leans(typed)


def is_only_told(rest: Sequence[str]) -> bool:
    """Whether the words beside the name of a place say nothing else: "im", "ya", "я", "ok"."""
    return len(rest) <= 3 and all(len(word) <= 3 for word in rest)


def spoken_step(typed: tuple[str, ...], steps: Phrases[str]) -> str | None:
    """
    The step of the guided emergency that a short message names in words: "he woke up", "i called".

    That it was a mistake ends an emergency, so it must be the whole message: "a false alarm" is not "not a false alarm".
    """
    whole = steps.get(typed)
    if whole or len(typed) > STEP_LENGTH:
        return whole
    return next((step for step in steps.spoken(typed) if step != MISTAKE), None)


def find_audience(typed: tuple[str, ...], audiences: Phrases[Audience]) -> Audience | None:
    """Teen or parent, where the words say so."""
    return next(audiences.spoken(typed), None)
