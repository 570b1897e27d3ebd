"""The topic asked for, a few to choose from, or none; shortcuts of one word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bot.conversation.library import Library
from bot.conversation.matching import WEIGHED, Heads, Match, between, candidates, in_context, match
from bot.conversation.probabilities import judge
from bot.conversation.triage import Probabilities
from bot.vocabulary import Candidate, Urgency, Vector
from tests.conftest import Talk


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("what is naltrexone", "naltrexone-what-is"),
        ("what is naloxone", "naloxone-what-is"),
        ("what are the signs of an overdose", "overdose-signs"),
        ("is blocking nonsense", "is-blocking-nonsense"),
        ("что такое налтрексон", "naltrexone-what-is"),
        ("какие признаки передозировки", "overdose-signs"),
        ("qué es la naltrexona", "naltrexone-what-is"),
        ("cuáles son las señales de una sobredosis", "overdose-signs"),
        ("el bloqueo es una tontería?", "is-blocking-nonsense"),
        ("narcan", "naloxone-what-is"),
        ("Narcan?!", "naloxone-what-is"),
        ("hi", "small-talk"),
        ("привет", "small-talk"),
        ("hola", "small-talk"),
    ],
)
def test_what_is_asked_is_answered(text: str, topic: str, talk: Talk) -> None:
    reply = talk.say(text).reply
    assert reply.topic == topic
    assert not reply.abstained


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_every_shortcut_leads_where_it_says_unless_it_speaks_of_danger(language: str, library: Library) -> None:
    for phrase, topic in library.words[language].shortcuts.items():
        turn = Talk(library).say(" ".join(phrase))
        assert turn.reply.topic == topic or turn.understanding.dangers or turn.reply.language != language


@pytest.mark.parametrize(
    "text",
    [
        "what is the capital of france",
        "write me a poem about the sea",
        "my phone died",
        "какая погода завтра",
        "столица франции",
        "cuál es la capital de francia",
        "receta de paella",
        "",
        "😱",
    ],
)
def test_what_no_text_answers_is_not_answered(text: str, talk: Talk) -> None:
    reply = talk.say(text).reply
    assert reply.topic == "out-of-scope"
    assert reply.abstained


@pytest.mark.parametrize("text", ["what is naltrexone", "my friend wont wake up", "какая погода завтра"])
def test_candidates_are_at_most_five_best_first_and_scores_are_shares(text: str, talk: Talk) -> None:
    scores = [c.score for c in talk.say(text).understanding.candidates]
    assert 0 < len(scores) <= 5
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


HEADS = Heads(np.zeros((3, 2)), np.zeros((1, 2)), np.zeros((2, 2)), ("a", "b"), {}, 0.5, 0.2, np.zeros((4, 2)), 0.0)


@pytest.mark.parametrize(
    ("scores", "found"),
    [
        ((), Match(None)),
        ((("a", 0.9), ("b", 0.1)), Match("a")),
        ((("a", 0.5),), Match("a")),
        ((("a", 0.3), ("b", 0.1)), Match(None, ("a", "b"))),
        ((("a", 0.1),), Match(None)),
        ((("none", 0.9), ("a", 0.1)), Match(None)),
        ((("none", 0.6), ("a", 0.3)), Match(None, ("a",))),
        ((("a", 0.4), ("b", 0.2), ("none", 0.1), ("c", 0.1), ("d", 0.1)), Match(None, ("a", "b", "c"))),
    ],
)
def test_sure_is_answered_between_is_offered_and_lost_is_neither(
    scores: tuple[tuple[str, float], ...], found: Match
) -> None:
    assert match([Candidate(*pair) for pair in scores], HEADS, "none") == found


def test_without_a_model_nothing_is_matched() -> None:
    assert match([Candidate("a", 1.0)], None, "none") == Match(None)
    assert candidates(Probabilities()) == ()


def test_heads_give_probabilities_of_a_vector() -> None:
    probabilities = HEADS(np.array([1.0], dtype=np.float32))
    assert set(probabilities.urgencies) == {Urgency.EMERGENCY, Urgency.SELF_HARM, Urgency.SAFEGUARDING}
    assert probabilities.dosing == pytest.approx(0.5)
    assert dict(probabilities.topics) == pytest.approx({"a": 0.5, "b": 0.5})


def test_a_danger_is_heard_by_its_own_head_and_by_the_share_of_its_topics() -> None:
    two = replace(HEADS, topic=np.array([[0.0, 2.0], [0.0, 0.0]]), witnesses={Urgency.SELF_HARM: frozenset({"a"})})
    probabilities = two(np.array([1.0], dtype=np.float32))
    assert probabilities.urgencies[Urgency.EMERGENCY] == pytest.approx(0.5)  # it has no witnesses
    assert 0.5 < probabilities.urgencies[Urgency.SELF_HARM] < probabilities.topics["a"]


def test_of_thousands_of_topics_the_likeliest_are_weighed_and_all_tell_of_a_danger() -> None:
    names = tuple(str(number) for number in range(4 * WEIGHED))
    scores = np.array([[0.0, 3.0 if number == 700 else 0.0] for number in range(len(names))])
    unlikely = frozenset(names) - {"700"}
    many = replace(HEADS, topic=scores, topics=names, witnesses={Urgency.SELF_HARM: unlikely})
    probabilities = many(np.array([1.0], dtype=np.float32))
    assert len(probabilities.topics) == WEIGHED
    assert candidates(probabilities)[0].topic == "700"
    assert probabilities.urgencies[Urgency.SELF_HARM] > 0.5  # their share is far more than that of those that are kept
    alone = Probabilities(topics={"a": 0.9, "b": 0.1})
    assert candidates(in_context(alone, Probabilities(topics={"c": 1.0}), 0.85))[0].topic == "c"


@pytest.mark.parametrize(
    ("first", "second", "middle"), [(0.5, 0.5, 0.5), (0.1, 0.9, 0.5), (0.9, 0.9, 0.9), (0.0, 1.0, 0.5), (0.0, 0.0, 0.0)]
)
def test_between_two_probabilities_lies_their_mean_in_log_odds(first: float, second: float, middle: float) -> None:
    assert between(first, second) == pytest.approx(middle, abs=1e-8)
    assert between(first, second) == between(second, first)


@pytest.mark.parametrize(("topic", "read"), [(None, 1), ("relapse", 2)])
def test_a_message_in_a_talk_is_read_after_the_last_topic_too(topic: str | None, read: int, library: Library) -> None:
    encoded: list[str] = []

    def encode(text: str) -> Vector:
        encoded.append(text)
        return np.array([1.0], dtype=np.float32)

    heads = replace(HEADS, topic=np.zeros((3, 2)), topics=("a", "b", "c"))
    found = judge("and so on", replace(library, encoder=encode, heads=heads), "en", topic)
    assert found.in_talk is (topic is not None)
    assert [text for text in encoded if text == "and so on"] == ["and so on"]
    assert len(encoded) == read
    assert all(text.endswith("and so on") for text in encoded)


def test_in_context_the_graver_wins_and_topics_are_mixed() -> None:
    alone = Probabilities({Urgency.EMERGENCY: 0.2}, 0.7, {"a": 0.9, "b": 0.1})
    within = Probabilities({Urgency.EMERGENCY: 0.8}, 0.1, {"a": 0.1, "b": 0.9})
    both = in_context(alone, within, 0.5)
    assert both.urgencies[Urgency.EMERGENCY] == 0.8
    assert both.dosing == 0.7
    assert dict(both.topics) == pytest.approx({"a": 0.5, "b": 0.5})
