"""
Signals and probabilities -> the dangers in a message, gravest first; and whether dosing is asked.

A signal is a reviewed pattern of plain words. It is written as people speak:

    he|she|friend .. (not|isnt|aint) breathing

Words stand side by side; `a|b` is either; `word*` begins so; `..` lets up to four words stand between; a phrase of
several words may stand in brackets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

from bot.vocabulary import Danger, Urgency

GAP = r"(?:\s\S+){0,4}?\s"


@dataclass(frozen=True)
class Phrase:
    """A phrase: its regular expression over plain words, and of each of its pieces the options to choose from."""

    expression: str
    pieces: tuple[tuple[str, ...], ...]

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The expression, made when a text is first searched for it: most phrases are rare."""
        return re.compile(self.expression)

    def search(self, text: str) -> bool:
        """Whether the phrase stands in plain words joined by single spaces."""
        return self.compiled.search(text) is not None


@dataclass(frozen=True)
class Signal:
    """
    Phrases that speak of a danger (or of dosing, where `topic` is no-dosing).

    `near`: one of these must stand in the message too, where any is given. `unless`: none of these may. `calm`:
    instead of speaking of danger, the phrases tell a look-alike, which the model alone may overrule when it is sure.
    """

    topic: str
    phrases: tuple[Phrase, ...]
    near: tuple[Phrase, ...] = ()
    unless: tuple[Phrase, ...] = ()
    calm: bool = False

    def stands_in(self, text: str) -> bool:
        """Whether the signal stands in plain words joined by single spaces."""
        return (
            any(p.search(text) for p in self.phrases)
            and (not self.near or any(p.search(text) for p in self.near))
            and not any(p.search(text) for p in self.unless)
        )


class Signals:
    """
    All signals in order, found by their words: a message is searched only for those of whose phrases it has the rarest.

    Searching it for each signal in turn would cost the more the more languages there are, whichever is spoken.
    """

    def __init__(self, signals: Iterable[Signal]) -> None:
        self._signals = tuple(signals)
        phrases = [(place, phrase) for place, signal in enumerate(self._signals) for phrase in signal.phrases]
        counts = Counter(word for _, phrase in phrases for piece in phrase.pieces for o in piece for word in o.split())
        self._wanting: dict[str, set[int]] = {}
        for place, phrase in phrases:
            for word in rarest_words(phrase, counts):
                self._wanting.setdefault(word, set()).add(place)

    def heard(self, text: str) -> tuple[Signal, ...]:
        """The signals that stand in plain words joined by single spaces, in order."""
        there = set(text.split())
        there |= {f"{word[:length]}*" for word in tuple(there) for length in range(1, len(word) + 1)}
        places = {place for word in there & self._wanting.keys() for place in self._wanting[word]}
        return tuple(self._signals[place] for place in sorted(places) if self._signals[place].stands_in(text))


def rarest_words(phrase: Phrase, counts: Mapping[str, int]) -> frozenset[str]:
    """One word of each option of the piece that is rarest by these counts: where none is there, nor is the phrase."""
    chosen = [frozenset(min(option.split(), key=lambda word: counts[word]) for option in p) for p in phrase.pieces]
    return min(chosen, key=lambda words: sum(counts[word] for word in words))


@cache
def pattern(phrase: str) -> Phrase:
    """
    A phrase, read.

    Raises:
        ValueError: the phrase cannot be read.
    """
    if re.sub(r"\([^()]*\)", "", phrase).count("(") or re.sub(r"\([^()]*\)", "", phrase).count(")"):
        raise ValueError(f"a bracket of the phrase {phrase!r} has no other half")
    pieces: list[str] = []
    choices: list[tuple[str, ...]] = []
    for token in re.findall(r"\([^()]*\)|\.\.|[^\s()]+", phrase):
        if token == "..":
            pieces.append(GAP)
            continue
        options = token.strip("()").split("|")
        if not all(re.fullmatch(r"[^\W_]+(?: [^\W_]+)*\*?", option) for option in options):
            raise ValueError(f"cannot read {token!r} of the phrase {phrase!r}")
        choices.append(tuple(options))
        read = "(?:" + "|".join(o[:-1] + r"\S*" if o.endswith("*") else o for o in options) + ")"
        if pieces and pieces[-1] != GAP:
            pieces.append(r"\s")
        pieces.append(read)
    if not pieces or pieces[0] == GAP or pieces[-1] == GAP:
        raise ValueError(f"the phrase {phrase!r} has no words at an end")
    return Phrase(r"(?<!\S)" + "".join(pieces) + r"(?!\S)", tuple(choices))


@dataclass(frozen=True)
class Probabilities:
    """
    What the heads say of a message; empty where there is no model.

    `urgencies_aside` and `dosing_aside` tell what may stand in it beside something else. `in_talk` where what was said before
    counted.
    """

    urgencies: Mapping[Urgency, float] = field(default_factory=dict)
    dosing: float = 0.0
    topics: Mapping[str, float] = field(default_factory=dict)
    urgencies_aside: Mapping[Urgency, float] = field(default_factory=dict)
    dosing_aside: float = 0.0
    in_talk: bool = False


DOUBTED = 0.004
"""Below this the model outvotes a signal: it has then read the words as a film, a laptop or a year long gone."""


@dataclass(frozen=True)
class Thresholds:
    """
    From which probability on a danger, and dosing, is taken as meant; by language, set on data of our own.

    Below `doubted` a signal is outvoted.
    """

    urgencies: Mapping[Urgency, float]
    dosing: float
    doubted: float = DOUBTED


SURE = 0.97
"""Above this the model outvotes a look-alike phrase. It fails to the safe side."""

BESIDE_A_QUESTION = 0.15
"""Up to this likelihood, and with no signal of it, thoughts of self-harm leave a clear question its answer."""

FAINT = {Urgency.EMERGENCY: 0.3, Urgency.SELF_HARM: 0.2, Urgency.SAFEGUARDING: 0.2}
"""
Below these likelihoods a danger that no signal tells of is heard faintly. Of 1,634 labelled messages, read by themselves, 42
raised a false alarm and 395 a true one, by model or signal: 21 and 22 of them lie below.
"""

DOUBTFUL = 0.03
"""Below this one a danger that a signal tells of is."""

CLEAR = 0.8
"""
From this probability on a topic is clearly asked about. Of eight labelled messages in which self-harm was heard faintly
beside a clear topic, it was a right answer to seven, though three did tell of self-harm: crisis lines first, then that.
"""

USUAL_TOPIC = {
    Urgency.EMERGENCY: "someone-down",
    Urgency.SELF_HARM: "self-harm",
    Urgency.SAFEGUARDING: "unsafe-at-home",
}


def triage(
    heard: Sequence[Signal],
    probabilities: Probabilities,
    thresholds: Thresholds | None,
    urgency_of: Mapping[str, Urgency],
    not_instead: frozenset[str] = frozenset(),
) -> tuple[Danger, ...]:
    """
    All dangers in a message, gravest first: the larger of signal and model, for each urgency.

    Args:
        heard: the signals that stand in it.
        urgency_of: the danger that each topic answers.
        not_instead: topics that never answer in the place of a danger's own.
    """
    loud = {urgency_of.get(s.topic, Urgency.NONE): s.topic for s in reversed(heard) if not s.calm}
    calm = {urgency_of.get(s.topic, Urgency.NONE) for s in heard if s.calm}
    dangers: list[Danger] = []
    for urgency, usual in USUAL_TOPIC.items():
        likely = probabilities.urgencies.get(urgency, 0.0)
        bar = thresholds.urgencies[urgency] if thresholds else 1.1
        if urgency in calm and urgency not in loud:
            bar = max(bar, SURE)
        spoken = urgency in loud and (thresholds is None or likely >= thresholds.doubted)
        if spoken or likely >= bar:
            topic = gravest_topic(urgency, probabilities.topics, urgency_of) or loud.get(urgency) or usual
            if urgency is Urgency.SELF_HARM and urgency not in loud and likely <= BESIDE_A_QUESTION:
                topic = clear_topic(probabilities.topics, urgency_of, not_instead) or topic
            is_faint = thresholds is not None and likely < (DOUBTFUL if spoken else FAINT[urgency])
            dangers.append(Danger(urgency, loud[urgency] if spoken and loud[urgency] != usual else topic, is_faint))
    return tuple(sorted(dangers, key=lambda danger: -danger.urgency.gravity))


def clear_topic(
    topics: Mapping[str, float], urgency_of: Mapping[str, Urgency], not_instead: frozenset[str]
) -> str | None:
    """The topic that is clearly asked about, where it answers no danger."""
    best = max(topics, key=lambda topic: topics[topic], default=None)
    calm = best is not None and urgency_of.get(best, Urgency.NONE) is Urgency.NONE and best not in not_instead
    return best if best is not None and calm and topics[best] >= CLEAR else None


def gravest_topic(urgency: Urgency, topics: Mapping[str, float], urgency_of: Mapping[str, Urgency]) -> str | None:
    """The likeliest topic among those that answer this danger; None without a model."""
    rivals = {topic: p for topic, p in topics.items() if urgency_of.get(topic) is urgency}
    return max(rivals, key=lambda topic: rivals[topic]) if rivals else None


def asks_for_dosing(heard: Sequence[Signal], probabilities: Probabilities, thresholds: Thresholds | None) -> bool:
    """
    Whether amounts, timing, ways to use, to beat a block or to get drugs are asked for.

    Args:
        heard: the signals that stand in the message.
    """
    ours = [signal for signal in heard if signal.topic == "no-dosing"]
    if any(not signal.calm for signal in ours):
        return True
    bar = thresholds.dosing if thresholds else 1.1
    return probabilities.dosing >= (max(bar, SURE) if ours else bar)
