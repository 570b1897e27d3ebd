"""What goes on after a danger, what is only heard faintly, and what looks like an end of it and is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.conversation.lasting import still_in_danger
from bot.conversation.library import Library
from bot.markup import plain_reply
from bot.vocabulary import Danger, PassageKind, Profile, Session, Understanding, Urgency
from tests.conftest import Talk

DOWN = {
    "en": "my friend wont wake up",
    "ru": "друг не просыпается и посинел",
    "es": "mi amigo no despierta, está morado",
}
FAINT = Session(danger=Danger(Urgency.SELF_HARM, "self-harm", is_faint=True))


@pytest.mark.parametrize(
    "text",
    ["he od in Texas", "my bf od in ohio", "od en México", "он од в Омске", "i cut in texas", "buy oxy in kz"],
)
def test_a_place_beside_something_else_is_not_all_that_was_told(text: str, talk: Talk) -> None:
    assert not talk.say(text).understanding.only_told


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("my cousin died in spain last year and now my friend wont wake up", "US"),
        ("made in china pills, my friend took them and is blue", "US"),
        ("im in spain, my friend wont wake up", "ES"),
        ("no wait i live in Canada", "CA"),
    ],
)
def test_only_a_place_of_the_readers_own_replaces_the_country(
    text: str, country: str, in_country: Callable[[str | None], Talk]
) -> None:
    assert in_country("US").say(text).reply.country == country


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "not sure if hes breathing"),
        ("en", "i dont know if he is breathing"),
        ("en", "she woke up and passed out again"),
        ("en", "he woke up but now blue again"),
        ("en", "i called her name no answer"),
        ("en", "hes fine now i think, no pulse"),
        ("ru", "не уверена что он дышит"),
        ("ru", "он дышит? нет"),
        ("es", "no estoy segura si respira"),
    ],
)
def test_doubt_beside_what_would_calm_is_no_step(language: str, text: str, talk: Talk) -> None:
    reply = talk.say(DOWN[language], text, told=Profile(language)).reply
    assert reply.urgency is Urgency.EMERGENCY
    assert reply.topic not in {"step-breathing", "step-woke-up", "step-called", "step-naloxone"}


@pytest.mark.parametrize(
    ("language", "text", "topic", "urgency"),
    [
        ("en", "ok i called 911", "step-called", Urgency.EMERGENCY),
        ("ru", "вызвал, едут", "step-called", Urgency.EMERGENCY),
        ("es", "ya le marqué, estoy esperando", "step-called", Urgency.EMERGENCY),
        ("en", "no spray here", "step-no-naloxone", Urgency.EMERGENCY),
        ("en", "i dont have the spray", "step-no-naloxone", Urgency.EMERGENCY),
        ("en", "havent found the spray", "step-no-naloxone", Urgency.EMERGENCY),
        ("es", "no encontré el spray", "step-no-naloxone", Urgency.EMERGENCY),
        ("es", "no tengo el spray", "step-no-naloxone", Urgency.EMERGENCY),
        ("ru", "спрея нет", "step-no-naloxone", Urgency.EMERGENCY),
        ("en", "he sat up", "step-woke-up", Urgency.EMERGENCY),
        ("es", "ya se incorporó", "step-woke-up", Urgency.EMERGENCY),
        ("ru", "заговорил", "step-woke-up", Urgency.EMERGENCY),
        ("en", "paramedics got him. im shaking", "after-their-overdose", Urgency.NONE),
        ("ru", "скорая забрала, чё теперь будет", "after-their-overdose", Urgency.NONE),
        ("es", "ya llegaron los paramédicos, se lo llevaron", "after-their-overdose", Urgency.NONE),
    ],
)
def test_who_has_called_and_whom_the_crew_has_taken_over_is_understood(
    language: str, text: str, topic: str, urgency: Urgency, talk: Talk
) -> None:
    reply = talk.say(DOWN[language], text, told=Profile(language)).reply
    assert (reply.topic, reply.urgency) == (topic, urgency)


@pytest.mark.parametrize("tap", ["/answer naloxone-use", "/answer overdose-myths", "/answer find-help"])
def test_a_tap_beside_an_emergency_ends_it_no_more_than_words(tap: str, talk: Talk) -> None:
    assert talk.say(DOWN["en"], tap).reply.urgency is Urgency.EMERGENCY
    assert talk.say("ok what now").reply.urgency is Urgency.EMERGENCY


def test_a_tap_on_where_to_turn_keeps_the_crisis_lines(talk: Talk) -> None:
    assert talk.say("i want to kill myself", "/answer find-help").reply.urgency is Urgency.SELF_HARM


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "cant call my parents will kill me"),
        ("es", "no tenemos narcan aca no se consigue"),
        ("ru", "она говорит не надо скорую я ок"),
    ],
)
def test_what_sounds_of_death_beside_somebody_who_is_down_is_about_the_emergency(
    language: str, text: str, talk: Talk
) -> None:
    assert talk.say(DOWN[language], text, told=Profile(language)).reply.urgency is Urgency.EMERGENCY


@pytest.mark.parametrize("text", ["u there", "bye", "thanks for listening", "dont worry about it", "im fine honestly"])
def test_a_farewell_after_thoughts_of_death_is_none_and_does_not_repeat_the_page(text: str, talk: Talk) -> None:
    first = talk.say("i want to die").reply
    second = talk.say(text).reply
    assert (second.topic, second.urgency) == ("self-harm", Urgency.SELF_HARM)
    assert plain_reply(second.passages) != plain_reply(first.passages)
    assert talk.library.responses["en", "still-here"].text(None, None) in {passage.text for passage in second.passages}


def test_who_is_worn_out_is_asked_and_not_told_that_much_was_taken(talk: Talk) -> None:
    turn = talk.say("estoy agotada, no puedo más", told=Profile("es"))
    assert [danger.urgency for danger in turn.understanding.dangers] == [Urgency.SELF_HARM]
    assert talk.say("me tomé todo, no puedo más", told=Profile("es")).reply.urgency is Urgency.EMERGENCY


@pytest.mark.parametrize("text", ["he od in Texas", "my friend wont wake up in london"])
def test_a_danger_is_heard_beside_a_place(text: str, talk: Talk) -> None:
    assert talk.say(text).reply.urgency is Urgency.EMERGENCY


def test_who_cannot_sleep_is_not_told_that_much_was_taken(talk: Talk) -> None:
    assert talk.say("не могу уснуть").reply.urgency is not Urgency.EMERGENCY
    assert talk.say("выпил таблетки, не могу уснуть").reply.urgency is Urgency.EMERGENCY


def test_an_emergency_that_is_told_on_faintly_is_not_asked_about(library: Library) -> None:
    sure = Danger(Urgency.EMERGENCY, "someone-down")
    faint = Understanding("en", Profile(), (replace(sure, is_faint=True),))
    assert still_in_danger(faint, Session(danger=sure), library=library).dangers == (sure,)


def test_what_is_aside_from_a_talk_leaves_it_its_topic_in_an_emergency_too(talk: Talk) -> None:
    talk.say(DOWN["en"], "/answer feedback")
    assert talk.session.topic == "someone-down"


def heard_faintly(talk: Talk) -> Talk:
    """The talk after a message in which thoughts of death were heard faintly."""
    return Talk(talk.library, FAINT)


@pytest.mark.parametrize(("language", "text"), [("en", "yeah kinda"), ("ru", "ну да, иногда"), ("es", "sí, a veces")])
def test_who_says_yes_when_asked_reads_where_help_is(language: str, text: str, talk: Talk) -> None:
    turn = heard_faintly(talk).say(text, told=Profile(language))
    assert turn.understanding.dangers == (Danger(Urgency.SELF_HARM, "self-harm"),)


@pytest.mark.parametrize(
    ("language", "text"), [("en", "nah im ok"), ("ru", "нет, все нормально"), ("es", "no, estoy bien")]
)
def test_who_says_no_when_asked_is_believed(language: str, text: str, talk: Talk) -> None:
    assert heard_faintly(talk).say(text, told=Profile(language)).reply.urgency is Urgency.NONE


def test_what_is_heard_faintly_is_asked_about_and_leaves_the_talk_its_topic(talk: Talk) -> None:
    asked = talk.say("i found foil in his hoodie", "promise u wont call the cops").reply
    assert asked.urgency is Urgency.SELF_HARM
    assert talk.library.responses["en", "check-in"].text(None, None) in {passage.text for passage in asked.passages}
    assert talk.session.topic in {"found-drugs", "trouble-for-calling"}


def test_a_talk_goes_on_whose_topic_an_update_took_away(talk: Talk) -> None:
    gone = Talk(talk.library, Session(topic="gone", danger=Danger(Urgency.EMERGENCY, "gone")))
    assert gone.say("thanks").reply.topic == "small-talk"


@pytest.mark.parametrize(
    ("text", "known", "language"),
    [
        ("he tomado pastillas", "es", "es"),
        ("he tomado pastillas", None, "es"),
        ("igual a nadie le va a importar", "es", "es"),
        ("no le he dicho a nadie", "es", "es"),
        ("ayúdame", None, "es"),
        ("rehabilitacion", None, "es"),
        ("he took pills", "es", "en"),
        ("my friend is not breathing", "es", "en"),
    ],
)
def test_words_tell_the_language_by_how_often_each_has_them(
    text: str, known: str | None, language: str, talk: Talk
) -> None:
    assert talk.say(text, told=Profile(known)).reply.language == language


@pytest.mark.parametrize(
    ("language", "before", "text"),
    [
        (
            "en",
            "he swallowed a naltrexone pill and now hes shaking, sweating and vomiting nonstop",
            "he had used last night, yes",
        ),
        (
            "ru",
            "дала сыну таблетку налтрексона, его трясёт, рвёт без остановки, весь мокрый",
            "да, вчера вечером он кололся",
        ),
        (
            "es",
            "le di la pastilla de naltrexona y vomita sin parar, tiembla y suda muchísimo",
            "sí, había consumido anoche",
        ),
    ],
)
def test_how_a_violent_withdrawal_came_about_does_not_end_it(language: str, before: str, text: str, talk: Talk) -> None:
    reply = talk.say(before, text, told=Profile(language)).reply
    assert reply.urgency is Urgency.EMERGENCY


@pytest.mark.parametrize(
    ("down", "text"),
    [
        ("my son wont wake up", "hes on naltrexone"),
        ("my son wont wake up", "he has an implant"),
        ("my brother wont wake up", "vivitrol"),
        ("my friend wont wake up", "he got the shot last month"),
        ("my friend wont wake up", "he relapsed"),
        ("my friend wont wake up", "he was in spain last week"),
        ("сын не просыпается", "он на налтрексоне"),
        ("mi hijo no despierta", "tiene un implante"),
    ],
)
def test_what_is_told_of_who_is_down_ends_no_emergency(down: str, text: str, talk: Talk) -> None:
    assert talk.say(down, text).reply.urgency is Urgency.EMERGENCY


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("i want to die", "i failed all my exams and my girlfriend left"),
        ("i want to die", "i broke up with my boyfriend yesterday evening"),
        ("i want to die", "nobody in my house ever listens to me at all"),
        ("хочу умереть", "меня вчера бросила девушка и выгнали из института"),
        ("me quiero morir", "ayer me dejó mi novia y perdí el trabajo"),
        ("my stepdad beats me", "he says its my fault because i talk back"),
    ],
)
def test_who_tells_why_after_thoughts_of_death_or_violence_is_not_out_of_it(told: str, text: str, talk: Talk) -> None:
    before = talk.say(told).reply.urgency
    assert before in {Urgency.SELF_HARM, Urgency.SAFEGUARDING}
    assert talk.say(text).reply.urgency is before


@pytest.mark.parametrize(
    ("told", "text", "topic"),
    [
        ("my friend is not breathing", "are you a real person", "about-bot"),
        ("my friend is not breathing", "is this anonymous", "privacy"),
        ("my friend is not breathing", "will my parents know", "will-my-parents-know"),
        ("i want to kill myself", "is this anonymous", "privacy"),
        ("i want to kill myself", "will you tell my parents", "privacy"),
        ("my stepdad beats me", "are you a bot", "about-bot"),
        ("хочу умереть", "это анонимно?", "privacy"),
        ("mi hijo no despierta", "eres un bot", "about-bot"),
    ],
)
def test_who_asks_whom_they_write_to_and_who_reads_it_is_answered_and_still_in_danger(
    told: str, text: str, topic: str, talk: Talk
) -> None:
    before = talk.say(told).reply.urgency
    reply = talk.say(text).reply
    assert before is not Urgency.NONE
    assert (reply.topic, reply.urgency) == (topic, before)


def test_a_step_confirms_what_was_heard_faintly(talk: Talk) -> None:
    talk.session = Session(Profile("en"), danger=Danger(Urgency.EMERGENCY, "someone-down", is_faint=True))
    assert talk.say("not breathing").reply.topic == "step-not-breathing"
    assert talk.say("no").reply.urgency is Urgency.EMERGENCY


@pytest.mark.parametrize("command", ["/help", "/start", "/privacy", "/leave", "/feedback", "/hide"])
@pytest.mark.parametrize("told", ["my friend wont wake up", "i want to kill myself"])
def test_a_command_in_danger_is_answered_with_help_first(told: str, command: str, talk: Talk) -> None:
    danger = talk.say(told).reply.urgency
    before = talk.session.dangers
    reply = talk.say(command).reply
    assert reply.urgency is danger
    assert reply.passages[0].kind is PassageKind.POINTER
    assert talk.session.dangers == before


@pytest.mark.parametrize(
    ("text", "country"),
    [("/country im in texas my friend is not breathing", "US"), ("/country i live in spain and i want to die", "ES")],
)
def test_a_danger_beside_a_country_that_is_told_by_command_is_heard(text: str, country: str, talk: Talk) -> None:
    reply = talk.say(text).reply
    assert reply.urgency is not Urgency.NONE
    assert reply.country == country


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("my toddler swallowed my pills", "it was a mistake"),
        ("i took too much by accident and feel weird", "it was a mistake"),
        ("mi hijo se tomó mis pastillas", "fue un error"),
        ("my friend wont wake up", "is it a false alarm?"),
        ("сын не просыпается", "ложная тревога?"),
    ],
)
def test_what_was_taken_by_mistake_and_what_is_only_asked_is_no_false_alarm(told: str, text: str, talk: Talk) -> None:
    assert talk.say(told, text).reply.urgency is Urgency.EMERGENCY
    assert talk.session.topic != "step-mistake"


@pytest.mark.parametrize(
    ("down", "text"),
    [("mi amigo no respira", "que llame?"), ("my friend wont wake up", "help is coming?")],
)
def test_who_asks_whether_to_call_is_not_told_that_they_have(down: str, text: str, talk: Talk) -> None:
    reply = talk.say(down, text).reply
    assert (reply.urgency, reply.topic == "step-called") == (Urgency.EMERGENCY, False)


def test_who_has_called_and_asks_what_now_has_called(talk: Talk) -> None:
    assert talk.say("my friend wont wake up", "i called. what now?").reply.topic == "step-called"


@pytest.mark.parametrize("text", ["ambulance is here", "paramedics are here"])
def test_the_crew_ends_the_emergency_and_not_the_thoughts_of_death_beside_it(text: str, talk: Talk) -> None:
    talk.say("i took 30 pills i want to die")
    reply = talk.say(text).reply
    assert (reply.topic, reply.urgency) == ("after-an-overdose", Urgency.SELF_HARM)


@pytest.mark.parametrize(
    ("language", "text", "holds"),
    [
        ("ru", "не все хорошо", True),
        ("ru", "не все нормально", True),
        ("ru", "нет, все хорошо", False),
        ("es", "no estoy bien", True),
        ("es", "no, estoy bien", False),
        ("en", "no im fine", False),
    ],
)
def test_not_all_is_well_is_no_denial(language: str, text: str, holds: bool, library: Library) -> None:
    talk = Talk(library, replace(FAINT, profile=Profile(language)))
    assert bool(talk.say(text).understanding.dangers) is holds


@pytest.mark.parametrize("text", ["hes not breathing im in texas", "not breathing, im in texas"])
def test_a_country_told_beside_a_step_is_noted(text: str, talk: Talk) -> None:
    reply = talk.say("my friend wont wake up", text).reply
    assert (reply.topic, reply.country) == ("step-not-breathing", "US")
