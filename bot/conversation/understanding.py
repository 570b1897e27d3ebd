"""Message + session + library -> Understanding: folds, has it read, asks triage and matching."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.conversation.commands import MISTAKE, beside_command, of_command, read_command
from bot.conversation.directory import Found
from bot.conversation.language import (
    LATIN,
    Phrases,
    Told,
    folded,
    lowered,
    script_of,
    tell_language,
    without_pictures,
    words,
)
from bot.conversation.lasting import ELSE, after_emergency, confirmed, still_in_danger
from bot.conversation.library import ASIDE, NO_DOSING, OUT_OF_SCOPE, SMALL_TALK, Library, Words
from bot.conversation.matching import candidates, match
from bot.conversation.probabilities import EMPTY, asked_in_turn, confident, judge, with_stretches
from bot.conversation.spelling import RUSSIAN
from bot.conversation.triage import Probabilities, Signal, asks_for_dosing, triage
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

SURE_IN_TALK = 0.3
"""
From this probability on a topic is answered where the message is read after the last one: a follow-up of three words is
seldom surer. Both found on conversations that the encoder has not learnt.
"""
SHORT = 4
"""Up to so many words a message may lean on the last topic without saying so."""
KNOWN_BETTER = frozenset({SMALL_TALK, "withdrawal"})
"""Topics of which the table of short messages knows better than the model that there is no danger."""
SETTINGS = frozenset({CommandKind.COUNTRY, CommandKind.LANGUAGE, CommandKind.AUDIENCE})
FEW_LETTERS = 3
"""Up to so many letters a word may be one of several languages: "yo"."""
FEW_WORDS = 5
"""Up to so many words beside a place a message is read without it."""
OPENED = 3
"""From so many words on, what stands after an opening is a message of its own."""
ALARMING_STEPS = ("step-not-breathing", "step-no-naloxone", "step-alone")
"""Steps that calm nobody, the gravest first: they are heard among other words too."""
TAKEN_OVER, OF_ONESELF = "after-their-overdose", "after-an-overdose"
"""What is answered where the crew has come, to those beside and to whom it came for."""
SWALLOWED = frozenset({"i-took-too-much", "child-swallowed-medicine"})
"""Emergencies in which "it was a mistake" tells how it came about."""
CLAUSES = re.compile(r"[,.;:!?\n]+")
PLACE_LENGTH = 4
"""Up to so many words the name of a place has."""
STEP_LENGTH = 7
"""Up to so many words an answer to the guided emergency may have; a longer message is read as a new one."""


def understand(message: Message, session: Session, library: Library) -> Understanding:
    """What a message means; it holds no word of it."""
    command = read_command(message.text, library)
    rest = beside_command(command, message.text)
    if rest and understood(replace(message, text=rest), Session(session.profile), None, library).dangers:
        # "/help my brother is not breathing": the words matter more.
        message, command = replace(message, text=rest), None
    return with_country(understood(message, session, command, library), session)


def with_country(understanding: Understanding, session: Session) -> Understanding:
    """
    What was understood, and in an emergency not with the number of a country that was named in passing before it.

    A place that is named with an emergency is where it is.
    """
    if understanding.urgency is not Urgency.EMERGENCY or not understanding.country_guessed:
        return understanding
    profile = understanding.profile
    if session.country_guessed and profile.country == session.profile.country:
        profile = replace(profile, country=None)
    return replace(understanding, profile=profile, country_guessed=False)


def understood(message: Message, session: Session, command: Command | None, library: Library) -> Understanding:
    """
    What a message means.

    Args:
        command: that it is; None for words.
    """
    profile = known_to_us(session.profile.told(message.told), library)
    told = told_by(message.text, library, profile.language)
    language = language_of(message, profile, told, command, library)
    profile = replace(profile, language=language)
    if command:
        understanding = of_command(command, profile, session, library)
        return replace(understanding, dangers=session.dangers) if command.kind in SETTINGS else understanding
    form = library.spelling.in_cyrillic(lowered(message.text)) if told.latin else folded(message.text)
    typed = words(form)
    heard = words(message.text) + typed if told.latin else typed
    spoken = library.words[language]
    place = spoken.places.find(typed) or (spoken.places.find(heard) if told.latin else None)
    place = place or only_place_in(message.text, library)
    profile = profile.told(Profile(audience=find_audience(heard, spoken.audiences)))
    guessed = session.country_guessed and not message.told.country
    understanding = Understanding(language, profile, foreign=told.foreign, country_guessed=guessed)
    understanding = with_place(understanding, place, session, spoken)
    if typed in spoken.switch or understanding.only_told:
        return replace(understanding, only_told=True, dangers=session.dangers)
    if not typed:
        return still_in_danger(understanding, session, library)
    emergency = session.danger if session.danger and session.danger.urgency is Urgency.EMERGENCY else None
    step = step_after(emergency, message.text, typed, spoken) if emergency else None
    if step and typed in spoken.steps:
        return of_step(step, understanding, session, library)
    if session.danger and session.danger.is_faint and (said := said_to_check(form, spoken)):
        if said[-1]:
            return replace(understanding, dangers=(confirmed(session.danger, library), *session.others))
        session = session.among(session.others)
    if place and len(place.rest) <= FEW_WORDS and not told.latin:
        # Of "he od in texas" the model would read the place most of all.
        form = " ".join(place.rest)
    signals = library.all_signals.heard(" ".join(heard))
    meant = of_words(understanding, form, signals, session, library)
    # "he woke up" beside other words is a step, unless those words tell a danger of another kind.
    other = any(danger.urgency is not Urgency.EMERGENCY for danger in set(meant.dangers) - set(session.dangers))
    return of_step(step, understanding, session, library) if step and not other else meant


def of_step(step: str, known: Understanding, session: Session, library: Library) -> Understanding:
    """What a step of the guided emergency says that was told in words; the crew that came ends the emergency, and that alone."""
    taken_over = step == TAKEN_OVER
    oneself = taken_over and session.danger is not None and session.danger.topic == "i-took-too-much"
    command = Command(CommandKind.ANSWER, OF_ONESELF if oneself else step)
    meant = of_command(command, known.profile, session, library)
    dangers = after_emergency(session.dangers) if taken_over else meant.dangers
    return replace(meant, dangers=dangers, country_guessed=known.country_guessed)


def of_words(
    known: Understanding, form: str, signals: Sequence[Signal], session: Session, library: Library
) -> Understanding:
    """The dangers, dosing and topics in the words themselves, folded and in the letters of their language."""
    spoken = library.words[known.language]
    typed = words(form)
    text = without_openings(without_pictures(form), spoken)
    leans = session.topic is not None and is_leaning(typed, spoken)
    probabilities = judge(text, library, known.language, session.topic)
    thresholds = library.heads.thresholds.get(known.language) if library.heads else None
    if thresholds:
        probabilities = with_stretches(probabilities, text, known.language, thresholds, library)
    glanced = library.glance.thresholds if library.glance and library.heads is None else None
    bars = thresholds or glanced
    urgency_of = library.urgency_of
    dangers = triage(signals, probabilities, bars, urgency_of, EMPTY)
    dosing = asks_for_dosing(signals, probabilities, bars)
    if session.declined and leans and not dangers:
        dosing = dosing or not confident(probabilities, thresholds)
    ranked = candidates(probabilities)
    shortcut = spoken.shortcuts.get(typed) or spoken.shortcuts.get(words(text))
    if shortcut is None and typed and typed[0] in spoken.fillers and spoken.shortcuts.get(typed[1:]) == SMALL_TALK:
        shortcut = SMALL_TALK
    faint = bool(dangers) and all(danger.is_faint for danger in dangers)
    if shortcut and session.danger is None and (faint or shortcut in KNOWN_BETTER):
        # In "that's all for now" the model hears a farewell for good, in "im dopesick" too much taken, in "narcan?!" faintly
        # that it was given; the table knows better, a signal still counts. After a danger the model is heard: then it may be one.
        dangers = triage(signals, Probabilities(), None, urgency_of)
    if shortcut and not dangers:
        # One word asks nothing by itself that ends a danger.
        score = 1.0 if len(typed) > 1 or not session.dangers else ELSE / 2
        ranked = (Candidate(shortcut, score), *(c for c in ranked if c.topic != shortcut))[:5]
        return still_in_danger(replace(known, candidates=ranked, topic=shortcut), session, library)
    # What answers a danger or a request for dosing is served where triage heard one, never by the topic head alone.
    harmless = [c for c in ranked if c.topic != NO_DOSING and urgency_of.get(c.topic, Urgency.NONE) is Urgency.NONE]
    found = match(harmless, library.heads, OUT_OF_SCOPE, SURE_IN_TALK if probabilities.in_talk else None)
    # Who asks for dosing may ask something honest too: it is offered, whatever the whole is about.
    whole = ranked[0].score if ranked and not dosing else 0.0
    asked = () if dangers else asked_in_turn(text, known.language, whole, library)
    topic = asked[0] if found.topic in asked else found.topic
    certain = dosing or any(not danger.is_faint for danger in dangers)
    offered = [] if certain else [topic for topic in found.offered if topic not in ASIDE]
    offered += asked
    if topic is not None and topic == session.topic and not dangers:
        # Whoever asked about something else would read the same again: the next likeliest is one tap away.
        offered += [c.topic for c in harmless if c.topic not in {topic, *EMPTY}][:1]
    understanding = replace(
        known, dangers=dangers, dosing=dosing, candidates=ranked, topic=topic, offered=tuple(dict.fromkeys(offered))
    )
    return still_in_danger(understanding, session, library)


def without_openings(text: str, spoken: Words) -> str:
    """
    A folded text from where it begins to say something: "hello. well, i found foil" says "i found foil".

    The model hears small talk in them, and in a talk more than what follows. Thanks are none: after "thanks, i feel calmer"
    nothing is asked.
    """
    parts = text.split()
    begins = 0
    while length := next((n for n in spoken.opening_lengths if opens(parts[begins:], n, spoken)), 0):
        begins += length
    return " ".join(parts[begins:]) if begins else text


def opens(parts: Sequence[str], length: int, spoken: Words) -> bool:
    """Whether so many words are an opening, with a message after them."""
    return len(parts) - length >= OPENED and words(" ".join(parts[:length])) in spoken.openings


def with_place(known: Understanding, place: Found | None, session: Session, spoken: Words) -> Understanding:
    """
    What is known so far, with the country of a place that a message names.

    "He died in spain" must not replace the number of a country that the reader has told.
    """
    if place is None:
        return known
    is_all = spoken.fillers.issuperset(place.rest)
    told = is_all or place.is_home
    if not (told or not known.profile.country or session.country_guessed):
        return known
    profile = replace(known.profile, country=place.country)
    return replace(known, profile=profile, country_guessed=not told, only_told=is_all)


def told_by(text: str, library: Library, known: str | None) -> Told:
    """
    Which language a message tells, where another was spoken before: a place alone tells none.

    Nor does one word that only sounds Russian, for "narkan" is how anybody may spell it, or that is short: "yo", "no".
    """
    told = tell(text, library, known)
    if known is None or known not in library.words or told.language is None or told.language == known:
        return told
    typed = words(text)
    one = len(typed) == 1 and (told.latin or are_alike(typed[0], told.language, known, library))
    unsure = one or is_loan(typed, told.language, known, library) or only_place_in(text, library)
    return Told(None) if unsure else told


def only_place_in(text: str, library: Library) -> Found | None:
    """The place that is all of a message, by its name in any of our languages."""
    typed = words(text)
    if not 0 < len(typed) <= PLACE_LENGTH:
        return None
    found = (spoken.places.find(typed) for spoken in library.words.values())
    return next((place for place in found if place and not place.rest), None)


def language_of(message: Message, profile: Profile, told: Told, command: Command | None, library: Library) -> str:
    """
    The language to answer in: as asked for, as written, as before.

    A message that came with a language keeps it, unless it is clearly written in another of ours.
    """
    written = (library.switches.get(words(message.text)) or told.language) if command is None else None
    return written or servable(profile.language, library)


def are_alike(word: str, told: str, known: str, library: Library) -> bool:
    """Whether a word is too short to tell a language from the one so far, which has the same letters."""
    scripts = {library.words[language].tongue.script for language in (told, known)}
    return len(word) <= FEW_LETTERS and len(scripts) == 1


def is_loan(typed: tuple[str, ...], told: str, known: str, library: Library) -> bool:
    """Whether a message in Latin letters is what people write so in a language of other letters: "ok", "Narcan есть"."""
    theirs, ours = library.words[told], library.words[known]
    if ours.tongue.script == theirs.tongue.script or theirs.tongue.script != LATIN:
        return False
    own = sum(script_of(word) == ours.tongue.script for word in typed)
    if own:
        return 2 * own >= len(typed)
    return len(typed) == 1 and (typed[0] in ours.fillers or theirs.shortcuts.get(typed, SMALL_TALK) != SMALL_TALK)


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
    form = folded(text)
    told = tell_language(form, library.tongues, known)
    if told.latin or told.foreign or told.language == RUSSIAN:
        return told
    least = 1 if told.language is None else 2
    if RUSSIAN in library.words and library.spelling.sounds.speak_in(lowered(text), least):
        return Told(RUSSIAN, latin=True)
    # "He tomado pastillas" has one word that is common, and it is an English one too.
    alike = library.tongues.ours.get(script_of(form) or "", [])
    return Told((library.spelling.likeliest(form, alike, known) if len(alike) > 1 else None) or told.language)


def is_leaning(typed: tuple[str, ...], spoken: Words) -> bool:
    """Whether a message leans on what was said before: it begins so, or is very short."""
    return len(typed) <= SHORT or spoken.leans(typed)


def spoken_step(typed: tuple[str, ...], spoken: Words) -> str | None:
    """
    The step of the guided emergency that a short message names in words: "he woke up", "ok i called".

    What calms may stand beside fillers alone: "not sure he is breathing" has the same words, and says the opposite.
    """
    if len(typed) > STEP_LENGTH:
        return spoken.steps.get(typed)
    told = spoken.steps.told(typed, spoken.fillers)
    heard = told or tuple(spoken.steps.spoken(typed))
    # "He woke up, now hes not breathing": what alarms counts, and else what was said last.
    return next((step for step in ALARMING_STEPS if step in heard), told[-1] if told else None)


def step_after(danger: Danger, text: str, typed: tuple[str, ...], spoken: Words) -> str | None:
    """
    The step of the guided emergency that a message names after an emergency.

    Who asks whether it is a false alarm has not said that it is, and what was taken by mistake is none.
    """
    step = spoken_step(typed, spoken)
    asked = text.rstrip().endswith("?") and any(typed[at:] in spoken.steps for at in range(len(typed)))
    taken = step == MISTAKE and danger.topic in SWALLOWED
    return None if taken or (asked and step not in ALARMING_STEPS) else step


def said_to_check(form: str, spoken: Words) -> tuple[bool, ...]:
    """
    What a message says to the question whether there is a danger: yes or no, as often as it does; nothing of any other one.

    Between two stops each phrase is whole: "no, estoy bien" says twice that all is well, and "no estoy bien" that it is not.
    """
    clauses = [typed for clause in CLAUSES.split(form) if (typed := words(clause))]
    told = [spoken.affirming.told(typed, spoken.fillers) for typed in clauses]
    return tuple(yes for clause in told for yes in clause) if all(told) else ()


def find_audience(typed: tuple[str, ...], audiences: Phrases[Audience]) -> Audience | None:
    """Teen or parent, where the words say so."""
    return next(audiences.spoken(typed), None)
