"""Several dangers in one talk: each is told by itself, and each is over by itself."""

from __future__ import annotations

import pytest

from bot.vocabulary import Danger, Profile, Session, Urgency
from tests.conftest import Talk

EMERGENCY, SELF_HARM = Urgency.EMERGENCY, Urgency.SELF_HARM


def urgencies(talk: Talk, *texts: str) -> set[Urgency]:
    """The dangers that hold after the last of some messages."""
    turns = [talk.say(text) for text in texts]
    return {danger.urgency for danger in turns[-1].understanding.dangers}


@pytest.mark.parametrize(
    "texts",
    [
        ("i want to kill myself", "my friend wont wake up"),
        ("my friend wont wake up", "its all my fault i want to kill myself"),
        ("хочу умереть", "друг не просыпается и посинел"),
        ("quiero morirme", "mi amigo no despierta, está morado"),
    ],
)
def test_a_danger_told_after_another_does_not_end_it(texts: tuple[str, str], talk: Talk) -> None:
    assert urgencies(talk, *texts) == {EMERGENCY, SELF_HARM}


@pytest.mark.parametrize("over", ["/answer step-mistake", "it was a false alarm"])
def test_a_false_alarm_ends_the_emergency_and_not_the_thoughts_of_death_told_before(over: str, talk: Talk) -> None:
    assert urgencies(talk, "i want to kill myself", "my friend wont wake up", over) == {SELF_HARM}


def test_beside_an_emergency_thoughts_of_death_go_on_while_it_does(talk: Talk) -> None:
    asked = ("i want to kill myself", "my friend wont wake up", "how do i put him on his side")
    assert urgencies(talk, *asked) == {EMERGENCY, SELF_HARM}


@pytest.mark.parametrize(
    "texts",
    [
        ("i want to die", "how many percs would do it"),
        ("i want to die", "where can i buy enough fent to be sure"),
        ("quiero morirme", "como consigo fentanilo en la calle"),
        ("хочу умереть", "сколько метадона мне надо выпить чтобы наверняка"),
    ],
)
def test_who_asks_for_doses_after_thoughts_of_death_reads_the_crisis_lines(texts: tuple[str, str], talk: Talk) -> None:
    turns = [talk.say(text) for text in texts]
    assert turns[-1].reply.urgency is SELF_HARM


def test_no_to_whether_somebody_is_hard_to_wake_leaves_the_thoughts_of_death(talk: Talk) -> None:
    turn = talk.say("i took my pills like every night but i dont want to wake up tomorrow")
    assert SELF_HARM in {danger.urgency for danger in turn.understanding.dangers}
    assert SELF_HARM in urgencies(talk, "no")


def test_yes_to_thoughts_of_death_is_answered_with_what_answers_them(talk: Talk) -> None:
    talk.session = Session(Profile("en"), topic="grief", danger=Danger(SELF_HARM, "grief", is_faint=True))
    turn = talk.say("yes")
    assert turn.reply.topic == "self-harm"
    assert turn.reply.urgency is SELF_HARM


@pytest.mark.parametrize("text", ["he woke up now hes not breathing", "он очнулся а теперь не дышит"])
def test_what_alarms_counts_beside_what_calms(text: str, talk: Talk) -> None:
    talk.say("my friend wont wake up" if text.isascii() else "друг не просыпается и посинел")
    assert talk.say(text).reply.topic != "step-woke-up"


@pytest.mark.parametrize(
    "text",
    ["/help my brother is not breathing", "/start он не дышит совсем", "/privacy i want to kill myself", "/feedback mi hija no respira"],
)  # fmt: skip
def test_a_danger_after_a_command_is_heard(text: str, talk: Talk) -> None:
    assert talk.say(text).understanding.dangers


@pytest.mark.parametrize("text", ["/help commands here", "/start xyz123", "/forget /help", "/privacy policy of yours?"])
def test_words_without_danger_after_a_command_leave_it_what_it_is(text: str, talk: Talk) -> None:
    turn = talk.say(text)
    assert turn.understanding.command
    assert not turn.understanding.dangers


def test_openings_without_end_hide_no_emergency(talk: Talk) -> None:
    assert talk.say("э " * 900 + "он не дышит").reply.urgency is EMERGENCY


@pytest.mark.parametrize("topic", ["forgotten", "hidden"])
def test_no_link_says_that_something_was_erased(topic: str, talk: Talk) -> None:
    assert talk.say(f"/start {topic}").reply.topic == "help"
