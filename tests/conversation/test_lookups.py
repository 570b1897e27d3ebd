"""What is looked up by its words is what would be found by trying everything in turn: growth costs no answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.conversation.directory import Found, Places
from bot.conversation.language import Phrases, Told, Tongue, cleaned, script_of, tell_language, without_accents, words
from bot.conversation.library import Library
from bot.conversation.triage import Signal, Signals, pattern
from bot.desk.evaluation.labelled import read_labelled

ASKED = [
    row.text
    for path in sorted(Path(__file__).parents[1].glob("questions/*.jsonl"))
    for labelled in [read_labelled(path)]
    for row in chain(labelled.questions, *labelled.conversations)
]
WORDS = sorted({word for text in ASKED for word in words(text)})
RULE = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
mixed = st.one_of(
    st.sampled_from(ASKED),
    st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
    st.text(st.characters(exclude_categories=()), max_size=60),
)


def tried_in_turn(text: str, ours: Mapping[str, Tongue], others: Mapping[str, Tongue]) -> Told:
    """Which language a text is in, each of them counted."""
    shown = cleaned(text).lower()
    script = script_of(shown)
    if script is None:
        return Told(None)
    typed = re.findall(r"[^\W\d_]+", without_accents(shown).replace("'", ""))
    scores: dict[tuple[str, bool, bool], float] = {}
    for code, tongue in (*ours.items(), *others.items()):
        if tongue.script == script:
            letters = sum(char in tongue.letters for char in shown)
            scores[code, code in ours, False] = sum(word in tongue.common for word in typed) + 2 * letters
        if tongue.latin and script == "LATIN":
            scores[code, code in ours, True] = sum(word in tongue.latin for word in typed)
    own = [code for code, tongue in ours.items() if tongue.script == script]
    if not own:
        foreign = [code for code, tongue in others.items() if tongue.script == script]
        return Told(None, foreign=foreign[0] if foreign else script.lower())
    best = max(scores, key=lambda key: (scores[key], key[1]))
    code, mine, latin = best
    rivals = [scores[key] for key in scores if key[1]]
    if scores[best] == 0 or (not mine and (scores[best] < 2 or max(rivals) >= scores[best])):
        return Told(own[0] if len(own) == 1 else None)
    return Told(code, latin=latin) if mine else Told(None, foreign=code)


@RULE
@given(text=mixed)
def test_the_language_is_told_as_by_counting_for_each(text: str, library: Library) -> None:
    ours = {code: spoken.tongue for code, spoken in library.words.items()}
    assert tell_language(text, library.tongues) == tried_in_turn(text, ours, library.foreign)


@RULE
@given(text=mixed)
def test_the_signals_heard_are_those_that_stand_in_the_text(text: str, library: Library) -> None:
    joined = " ".join(words(text))
    every = [signal for code in library.languages for signal in library.signals[code]]
    assert list(library.all_signals.heard(joined)) == [signal for signal in every if signal.stands_in(joined)]


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_every_phrase_of_a_signal_is_heard_in_its_own_words(language: str, library: Library) -> None:
    for signal in library.signals[language]:
        alone = [Signal(signal.topic, (phrase,)) for phrase in signal.phrases]
        found = Signals(alone)
        for one in alone:
            for text in readings(one):
                assert one in found.heard(text)


def readings(signal: Signal) -> Iterator[str]:
    """Texts in which a phrase stands: each option of each of its pieces once."""
    pieces = signal.phrases[0].pieces
    for place, piece in enumerate(pieces):
        for option in piece:
            chosen = [option if at == place else other[0] for at, other in enumerate(pieces)]
            yield " ".join(chosen).replace("*", "xy")


@pytest.mark.parametrize(
    ("phrases", "text", "heard"),
    [
        (("(he|she) fell",), "she fell", (0,)),
        (("he fell", "he fell down"), "he fell down", (0, 1)),  # in order
        (("he fell down", "he fell"), "he fell down", (0, 1)),
        (("if someone|somebody falls",), "what if somebody falls", (0,)),
        (("(if someone|a person) falls",), "when a person falls", (0,)),
        (("breath*",), "breathing", (0,)),
        (("not breath*",), "not breathing", (0,)),
        (("(cannot breath*|blue)",), "he cannot breathe", (0,)),
        (("he .. blue",), "he is turning blue", (0,)),
        (("blue",), "", ()),
    ],
)
def test_signals_are_heard_by_any_option_of_their_pieces(
    phrases: tuple[str, ...], text: str, heard: tuple[int, ...]
) -> None:
    signals = [Signal("someone-down", (pattern(phrase),)) for phrase in phrases]
    assert Signals(signals).heard(text) == tuple(signals[place] for place in heard)


@RULE
@given(
    text=mixed,
    table=st.dictionaries(st.lists(st.sampled_from(WORDS[:40]), min_size=1, max_size=3).map(tuple), st.integers()),
)
def test_phrases_are_spoken_in_the_order_of_their_table(text: str, table: dict[tuple[str, ...], int]) -> None:
    typed = words(text)
    shown = f" {' '.join(typed)} "
    plain = [value for phrase, value in table.items() if f" {' '.join(phrase)} " in shown]
    assert list(Phrases(table).spoken(typed)) == plain


@RULE
@given(data=st.data(), language=st.sampled_from(["en", "ru", "es"]))
def test_a_place_is_found_as_by_trying_every_word_of_place(
    data: st.DataObject, language: str, library: Library
) -> None:
    places = library.words[language].places
    piece = st.one_of(
        st.sampled_from([*places.sure, *places.ambiguous]),
        st.sampled_from(sorted(places.prepositions)),
        mixed.map(lambda text: words(text)[:4]),
    )
    typed = tuple(chain(*data.draw(st.lists(piece, max_size=6))))
    assert places.find(typed) == found_in_turn(places, typed)


def found_in_turn(places: Places, typed: tuple[str, ...]) -> Found | None:
    """The country that the words name, each word of place tried at each word."""
    if whole := places.sure.get(typed) or places.ambiguous.get(typed):
        return Found(whole, (), is_home=True)
    found: list[Found] = []
    for start in range(1, len(typed)):
        before = max((len(p) for p in places.prepositions if typed[max(0, start - len(p)) : start] == p), default=0)
        for length in (4, 3, 2, 1) if before else ():
            phrase = typed[start : start + length]
            code = places.sure.get(phrase) or places.ambiguous.get(phrase)
            if len(phrase) == length and code:
                rest = typed[: start - before] + typed[start + length :]
                found.append(Found(code, rest, is_home=before > 1))
                break
    chosen = [place for place in found if place.is_home] or found
    return chosen[-1] if chosen else None
