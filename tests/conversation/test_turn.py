"""One message after another: context, guided steps, languages, settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.conversation.library import Library
from bot.conversation.reply import compose, last_resort
from bot.conversation.turn import remembered
from bot.markup import plain_reply
from bot.vocabulary import (
    Audience,
    Candidate,
    Danger,
    PassageKind,
    Profile,
    ReviewKind,
    Session,
    Understanding,
    Urgency,
)
from tests.conftest import Talk

ON_ITS_WAY = (
    "help is coming", "help is on", "ambulance is on", "ambulance is coming", "crew is coming", "crew is on", "they are on their way",
    "помощь едет", "помощь уже", "помощь в пути", "скорая едет", "скорая уже", "бригада едет", "врачи едут", "уже едут",
    "ayuda viene", "ayuda va", "ambulancia viene", "ambulancia va", "equipo viene", "está en camino", "están en camino", "ya vienen",
)  # fmt: skip


# The country.


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("im in Almaty", "KZ"),
        ("in Almaty", "KZ"),
        ("i live in Canada my friend wont wake up", "CA"),
        ("я в Канаде", "CA"),
        ("vivo en Medellín", "CO"),
        ("/country KZ", "KZ"),
        ("/country kz", "KZ"),
        ("/country Kazakhstan", "KZ"),
        ("/country Казахстан", "KZ"),
        ("/country XX", None),
        ("/country", None),
        ("what is naltrexone", None),
        ("что такое налоксон", None),  # a language is not a country
        ("qué es la naltrexona", None),
        ("он не дышит", None),
    ],
)
def test_the_country_is_what_the_person_said_and_never_guessed(text: str, country: str | None, talk: Talk) -> None:
    turn = talk.say(text)
    assert turn.reply.country == country
    assert turn.session is not None
    assert turn.session.profile.country == country


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_in_kazakhstan_the_ambulance_comes_before_the_common_number(
    language: str, in_country: Callable[[str | None], Talk]
) -> None:
    turn = in_country("KZ").say("/emergency", told=Profile(language))
    pointer = turn.reply.passages[0].text
    assert turn.reply.language == language
    assert turn.reply.contact.number == "103"
    assert 0 < pointer.index("103") < pointer.index("112")
    assert "911" not in pointer


@pytest.mark.parametrize(("language", "doubt"), [("en", "may not work"), ("ru", "может не"), ("es", "puede no")])
@pytest.mark.parametrize("country", ["AQ", "KP"])
def test_a_country_without_numbers_is_told_that_112_may_not_work(
    language: str, doubt: str, country: str, in_country: Callable[[str | None], Talk]
) -> None:
    turn = in_country(country).say("/emergency", told=Profile(language))
    pointer = turn.reply.passages[0].text
    assert turn.reply.contact.number == "112"
    assert turn.reply.country == country
    assert doubt in pointer


def test_the_last_country_named_counts(talk: Talk) -> None:
    assert talk.say("im in Almaty", "no im in Canada").reply.country == "CA"


def test_the_country_is_kept_for_the_next_messages(talk: Talk) -> None:
    assert talk.say("im in Almaty", "hi", "my friend wont wake up").reply.contact.number == "103"


@pytest.mark.parametrize("text", ["my friend wont wake up", "what is naltrexone"])
def test_the_country_is_asked_for_once_and_after_help_was_given(text: str, talk: Talk, library: Library) -> None:
    question = library.words["en"].notes["ask-country"]
    first, second = talk.say(text), talk.say(text)
    assert [p.text for p in first.reply.passages].index(question) == len(first.reply.passages) - 1
    assert question not in [p.text for p in second.reply.passages]


def test_a_known_country_is_not_asked_for(in_country: Callable[[str | None], Talk], library: Library) -> None:
    reply = in_country("KZ").say("my friend wont wake up").reply
    assert library.words["en"].notes["ask-country"] not in [p.text for p in reply.passages]


@pytest.mark.parametrize("text", ["my friend wont wake up", "i want to die", "меня бьёт отец", "mi amigo no respira"])
def test_in_danger_the_pointer_comes_first(text: str, talk: Talk) -> None:
    assert talk.say(text).reply.passages[0].kind is PassageKind.POINTER


# Guided steps.


def test_an_emergency_offers_steps_and_a_tap_leads_on(talk: Talk) -> None:
    offered = [choice.send for choice in talk.say("my friend wont wake up").reply.choices]
    assert offered
    turn = talk.say(offered[0])
    assert f"/answer {turn.reply.topic}" == offered[0]
    assert turn.reply.urgency is Urgency.EMERGENCY
    assert turn.reply.passages[0].kind is PassageKind.POINTER


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_every_choice_of_every_answer_leads_to_the_answer_that_it_names(language: str, library: Library) -> None:
    for code, topic in library.responses:
        if code != language:
            continue
        reply = Talk(library).say(f"/answer {topic}", told=Profile(language)).reply
        for choice in reply.choices:
            target = Talk(library).say(choice.send, told=Profile(language))
            assert target.faults == ()
            assert f"/answer {target.reply.topic}" == choice.send
            assert library.title(language, target.reply.topic) == choice.label


@pytest.mark.parametrize(
    ("down", "mistake"),
    [
        ("my friend wont wake up", "it was a mistake"),
        ("my friend wont wake up", "/answer step-mistake"),
        ("друг не дышит", "это была ошибка"),
        ("mi amigo no respira", "fue un error"),
    ],
)
def test_a_mistake_ends_the_emergency(down: str, mistake: str, talk: Talk) -> None:
    turn = talk.say(down, mistake)
    assert (turn.reply.topic, turn.reply.urgency) == ("step-mistake", Urgency.NONE)
    assert turn.session is not None
    assert turn.session.danger is None
    assert talk.say("what is naltrexone").reply.urgency is Urgency.NONE


@pytest.mark.parametrize("text", ["no", "what now", "ok and then", "ok", "thanks", "hi"])
def test_an_emergency_lasts_while_messages_lean_on_it(text: str, talk: Talk) -> None:
    assert talk.say("he is blue and not breathing", text).reply.urgency is Urgency.EMERGENCY


@pytest.mark.parametrize(
    ("told", "answered"),
    [
        ("my stepdad beats me when he is drunk", "he is always home and i have nowhere to go"),
        ("отчим меня бьёт когда пьяный", "мама мне всё равно не верит"),
        ("mi padrastro me pega cuando toma", "mi mamá nunca me cree lo que digo de él"),
    ],
)
def test_a_danger_at_home_lasts_while_it_is_told_of(told: str, answered: str, talk: Talk) -> None:
    reply = talk.say(told, answered).reply
    assert (reply.urgency, reply.topic) == (Urgency.SAFEGUARDING, "unsafe-at-home")


def test_something_clearly_else_is_answered_beside_the_emergency_and_ends_it_where_it_goes_on(talk: Talk) -> None:
    first = talk.say("my friend wont wake up", "/answer step-called", "what is naltrexone").reply
    assert (first.topic, first.urgency) == ("naltrexone-what-is", Urgency.EMERGENCY)
    then = talk.say("what does naltrexone cost").reply
    assert (then.topic, then.urgency) == ("naltrexone-cost", Urgency.NONE)


@pytest.mark.parametrize(
    ("step", "text", "urgency", "topic"),
    [
        ("step-breathing", "i want to kill myself", Urgency.EMERGENCY, "self-harm"),
        ("step-called", "i took too much and feel weird", Urgency.EMERGENCY, "i-took-too-much"),
        ("step-woke-up", "i want to kill myself", Urgency.EMERGENCY, "self-harm"),
        ("step-breathing", "хочу покончить с собой", Urgency.EMERGENCY, "self-harm"),
        ("step-mistake", "mi amigo no respira", Urgency.EMERGENCY, "someone-down"),
    ],
)
def test_a_new_danger_overrides_a_step(step: str, text: str, urgency: Urgency, topic: str, talk: Talk) -> None:
    turn = talk.say("my friend wont wake up", f"/answer {step}", text)
    assert (turn.reply.urgency, turn.reply.topic) == (urgency, topic)


def test_no_text_speaks_of_help_on_its_way_unless_they_have_called(library: Library) -> None:
    assert [
        (language, topic)
        for (language, topic), response in library.responses.items()
        for text in response.voices.values()
        if topic != "step-called" and any(words in text.lower() for words in ON_ITS_WAY)
    ] == []


# Commands.


@pytest.mark.parametrize(
    ("command", "topic"),
    [
        ("/start", "welcome"),
        ("/help", "help"),
        ("/privacy", "privacy"),
        ("/forget", "forgotten"),
        ("/emergency", "someone-down"),
        ("/HELP", "help"),
        ("/help@some_bot", "help"),
        ("  /help  ", "help"),
        ("/answer overdose-signs", "overdose-signs"),
    ],
)
def test_a_command_needs_no_guessing(command: str, topic: str, talk: Talk) -> None:
    assert talk.say(command).reply.topic == topic


@pytest.mark.parametrize(
    "text", ["/answer nope", "/answer", "/answer ../../etc/passwd", "/frobnicate", "/", "//", "/ help"]
)
def test_what_is_no_command_is_a_message_like_others(text: str, talk: Talk) -> None:
    turn = talk.say(text)
    assert turn.understanding.command is None
    assert turn.faults == ()


def test_to_be_forgotten_is_to_leave_no_session(talk: Talk) -> None:
    turn = talk.say("im in Almaty", "/audience teen", "/forget")
    assert turn.session is None
    assert talk.session == Session()
    assert talk.say("/emergency").reply.contact.number == "112"


@pytest.mark.parametrize(
    ("command", "note", "profile"),
    [
        ("/country KZ", "told", Profile("en", "KZ")),
        ("/country XX", "no-country", Profile("en")),
        ("/country", "no-country", Profile("en")),
        ("/language fr", "no-language", Profile("en")),
        ("/language", "no-language", Profile("en")),
        ("/audience teen", "told", Profile("en", None, Audience.TEEN)),
        ("/audience PARENT", "told", Profile("en", None, Audience.PARENT)),
        ("/audience dog", "no-audience", Profile("en")),
        ("/audience", "no-audience", Profile("en")),
    ],
)
def test_a_setting_is_noted_or_it_is_said_how_to_tell_it(
    command: str, note: str, profile: Profile, talk: Talk, library: Library
) -> None:
    turn = talk.say(command)
    assert turn.session is not None
    assert turn.session.profile == profile
    assert library.words["en"].notes[note] in [p.text for p in turn.reply.passages]


def test_a_setting_does_not_end_an_emergency(talk: Talk) -> None:
    turn = talk.say("my friend wont wake up", "/country KZ")
    assert turn.session is not None
    assert turn.session.danger is not None
    assert talk.say("what now").reply.urgency is Urgency.EMERGENCY


# Languages.


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        (("what is naltrexone",), "en"),
        (("что такое налтрексон",), "ru"),
        (("qué es la naltrexona",), "es"),
        (("what is naltrexone", "что такое налоксон"), "ru"),
        (("что такое налоксон", "what is naloxone"), "en"),
        (("что такое налоксон", "112"), "ru"),  # a text that does not tell keeps the language
        (("что такое налоксон", "😱"), "ru"),
        (("/language ru",), "ru"),
        (("/language русский",), "ru"),
        (("/language Español",), "es"),
        (("/language es", "/help"), "es"),
        (("что такое налоксон", "speak english"), "en"),
        (("what is naltrexone", "на русском"), "ru"),
        (("moy drug ne dyshit",), "ru"),
        (("",), "en"),
    ],
)
def test_the_answer_is_in_the_language_asked_for_or_written(texts: tuple[str, ...], language: str, talk: Talk) -> None:
    assert talk.say(*texts).reply.language == language


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("bonjour je ne sais pas quoi faire pour mon ami", "fr"),
        ("сәлем маған көмек керек", "kk"),
        ("مرحبا", "ar"),
        ("你好", "zh"),
    ],
)
def test_a_language_that_we_do_not_have_is_told_so_in_that_language(
    text: str, foreign: str, talk: Talk, library: Library
) -> None:
    reply = talk.say(text).reply
    assert library.foreign_sentences[foreign] in plain_reply(reply.passages)
    assert reply.passages[0].kind is PassageKind.POINTER


def test_a_country_that_we_do_not_know_costs_no_help_lines(talk: Talk) -> None:
    reply = talk.say("i want to die", told=Profile("en", "ZZ")).reply
    assert (reply.topic, reply.country, reply.urgency) == ("self-harm", None, Urgency.SELF_HARM)
    assert [p.kind for p in reply.passages[:2]] == [PassageKind.POINTER, PassageKind.LINES]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("hello, where can i get narcan", "naloxone-get"),
        ("hola, ¿dónde consigo naloxona?", "naloxone-get"),
        ("hola bueno pues, ¿dónde consigo naloxona?", "naloxone-get"),
        ("ну короче, где взять налоксон", "naloxone-get"),
    ],
)
def test_an_opening_does_not_hide_the_question(text: str, topic: str, talk: Talk) -> None:
    assert talk.say("are you a bot", text).reply.topic == topic


def test_thanks_before_what_is_no_question_stay_thanks(talk: Talk) -> None:
    assert talk.say("can i take naltrexone with a painkiller", "thanks, i feel calmer now").reply.topic == "small-talk"


def test_a_question_without_an_answer_leaves_the_talk_where_it_was(talk: Talk) -> None:
    assert talk.say("what is naltrexone", "what is the capital of france").reply.topic == "out-of-scope"
    assert talk.session.topic == "naltrexone-what-is"


def test_who_writes_on_where_topics_were_offered_means_the_likeliest(talk: Talk) -> None:
    assert talk.say("question about the spray").reply.topic == "out-of-scope"
    assert talk.session.topic == "naloxone-what-is"
    assert talk.say("and how long is that good for").reply.topic == "naloxone-wears-off"


@pytest.mark.parametrize(
    ("offered", "score", "after"),
    [("detox", 0.35, "detox"), ("detox", 0.2, "grief"), ("small-talk", 0.6, "grief")],
)
def test_what_was_offered_is_leant_on_where_it_is_likely_and_a_topic(
    offered: str, score: float, after: str, library: Library
) -> None:
    understanding = Understanding("en", Profile(), candidates=(Candidate(offered, score),), offered=(offered,))
    before = Session(topic="grief")
    session = remembered(before, understanding, compose(understanding, before, library))
    assert session is not None
    assert session.topic == after


def test_a_tapped_topic_without_a_text_is_no_failure(library: Library) -> None:
    rest = {key: response for key, response in library.responses.items() if key != ("en", "grief")}
    assert Talk(replace(library, responses=rest)).say("/answer grief").reply.topic == "out-of-scope"


@pytest.mark.parametrize(
    "text", ["not a false alarm", "help me", "no fue un error", "помогите", "он не очнулся", "no esta respirando"]
)
def test_what_only_sounds_like_all_is_well_does_not_end_an_emergency(text: str, talk: Talk) -> None:
    reply = talk.say("he is blue and not breathing", text).reply
    assert reply.urgency is Urgency.EMERGENCY
    assert reply.topic not in {"step-mistake", "step-woke-up", "step-breathing"}


@pytest.mark.parametrize(
    "text", ["he woke up i want to die", "он проснулся а я хочу умереть", "ya desperto y me quiero morir"]
)
def test_a_step_in_words_does_not_hide_another_danger(text: str, talk: Talk) -> None:
    turn = talk.say("he is blue and not breathing", text)
    assert Urgency.SELF_HARM in {danger.urgency for danger in turn.understanding.dangers}
    assert PassageKind.LINES in {passage.kind for passage in turn.reply.passages}


@pytest.mark.parametrize(
    ("text", "step"),
    [("ok he woke up now", "step-woke-up"), ("i have called them now", "step-called"), ("im alone", "step-alone")],
)
def test_a_short_answer_leads_to_its_step(text: str, step: str, talk: Talk) -> None:
    assert talk.say("he is blue and not breathing", text).reply.topic == step


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_a_question_in_which_self_harm_is_heard_faintly_is_answered_after_the_crisis_line(
    language: str, library: Library
) -> None:
    danger = Danger(Urgency.SELF_HARM, "relapse")
    reply = compose(Understanding(language, Profile(language, "US"), (danger,)), Session(), library)
    assert (reply.topic, reply.urgency) == ("relapse", Urgency.SELF_HARM)
    kinds = [passage.kind for passage in reply.passages]
    assert kinds == [PassageKind.POINTER, PassageKind.LINES, PassageKind.BODY]


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("i want to die", "where can i look for help"),
        ("жить не хочется", "где искать помощь"),
        ("no quiero vivir", "dónde busco ayuda"),
    ],
)
def test_who_wants_to_die_and_asks_where_to_turn_is_told_it_after_the_crisis_line(
    told: str, asked: str, talk: Talk
) -> None:
    reply = talk.say(told, asked).reply
    assert (reply.topic, reply.urgency) == ("find-help", Urgency.SELF_HARM)
    kinds = [passage.kind for passage in reply.passages]
    assert kinds[:3] == [PassageKind.POINTER, PassageKind.LINES, PassageKind.BODY]


def test_what_is_clearly_asked_after_a_danger_is_not_read_as_the_danger(talk: Talk) -> None:
    reply = talk.say("жить не хочется", "ладно, спасибо, полегчало", "где взять налоксон").reply
    assert (reply.topic, reply.urgency) == ("naloxone-get", Urgency.NONE)


def test_a_danger_whose_own_topic_has_no_text_is_answered_by_the_usual_one(library: Library) -> None:
    rest = {key: text for key, text in library.responses.items() if key != ("en", "someone-threatens-suicide")}
    danger = Danger(Urgency.SELF_HARM, "someone-threatens-suicide")
    reply = compose(Understanding("en", Profile("en"), (danger,)), Session(), replace(library, responses=rest))
    assert reply.topic == "self-harm"


@pytest.mark.parametrize("part", ["response", "words", "directory"])
@pytest.mark.parametrize("text", [None, "/help"], ids=["last resort", "reply"])
def test_a_reply_has_the_weakest_review_of_what_it_is_made_of(part: str, text: str | None, library: Library) -> None:
    weak, strong = ReviewKind.SOURCE_CHECKED, ReviewKind.CLINICIAN
    reviewed = replace(
        library,
        responses={
            key: replace(response, review=weak if part == "response" else strong)
            for key, response in library.responses.items()
        },
        words={
            code: replace(spoken, review=weak if part == "words" else strong) for code, spoken in library.words.items()
        },
        directory_review=weak if part == "directory" else strong,
    )
    reply = Talk(reviewed).say(text).reply if text else last_resort(Profile("en", "KZ"), reviewed)
    assert reply.review is weak


@pytest.mark.parametrize(
    "closing",
    [
        "that's all for now",
        "ok, that's all for now",
        "im done for today",
        "Eso es todo por hoy",
        "nada más por ahora",
        "на сегодня всё",
    ],
)
def test_the_end_of_a_talk_is_no_farewell_for_good(closing: str, talk: Talk) -> None:
    reply = talk.say("/answer naloxone-store", closing).reply
    assert (reply.topic, reply.urgency) == ("small-talk", Urgency.NONE)


@pytest.mark.parametrize("text", ["im dopesick", "меня ломает", "me está dando el mono"])
def test_withdrawal_in_a_street_word_is_no_alarm(text: str, talk: Talk) -> None:
    reply = talk.say(text).reply
    assert (reply.topic, reply.urgency) == ("withdrawal", Urgency.NONE)


@pytest.mark.parametrize("text", ["боюсь, что он умрёт", "tengo miedo de que se muera"])
def test_who_fears_for_a_life_is_asked_to_look_and_not_condoled_with(text: str, talk: Talk) -> None:
    assert talk.say(text).reply.topic == "high-or-overdose"


@pytest.mark.parametrize(
    "farewell", ["that's all for now i want to die", "eso es todo me quiero morir", "на сегодня всё хочу умереть"]
)
def test_a_farewell_for_good_is_heard_in_the_end_of_a_talk(farewell: str, talk: Talk) -> None:
    assert talk.say("/answer naloxone-store", farewell).reply.urgency is Urgency.SELF_HARM


@pytest.mark.parametrize("thanks", ["thx", "ok thanks", "спасибо", "gracias"])
def test_thanks_for_a_step_bring_that_step_and_not_the_first(thanks: str, talk: Talk) -> None:
    reply = talk.say("he is blue and not breathing", "ok he woke up now", thanks).reply
    assert reply.topic == "step-woke-up"
    assert reply.urgency is Urgency.EMERGENCY
    assert reply.passages[0].kind is PassageKind.POINTER


def test_a_teen_and_a_parent_are_each_spoken_to_in_their_words(library: Library) -> None:
    differ = [
        (language, topic)
        for (language, topic), response in library.responses.items()
        if len(response.voices) > 1
        and plain_reply(
            Talk(library).say(f"/answer {topic}", told=Profile(language, None, Audience.TEEN)).reply.passages
        )
        == plain_reply(
            Talk(library).say(f"/answer {topic}", told=Profile(language, None, Audience.PARENT)).reply.passages
        )
    ]
    assert differ == []


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_privacy_shows_all_that_is_kept_about_a_talk(language: str, library: Library) -> None:
    kept = Session(
        Profile(language, "KZ", Audience.PARENT), "naloxone-get", Danger(Urgency.EMERGENCY, "someone-down"), True, True
    )
    notes = library.words[language].notes
    said = [p.text for p in Talk(library, kept).say("/privacy").reply.passages]
    assert notes["kept-parent"] in said
    assert notes["kept-danger"] in said
    assert notes["kept-declined"] in said
    assert library.kept_country(language, "KZ") in said
    assert library.kept_topic(language, "naloxone-get") in said
    assert library.kept_language(language, language) in said


def test_privacy_says_that_nothing_is_kept_where_nothing_is(talk: Talk, library: Library) -> None:
    assert library.words["en"].notes["kept-nothing"] in [p.text for p in talk.say("/privacy").reply.passages]


def test_a_deep_link_opens_its_topic(talk: Talk) -> None:
    assert talk.say("/start naloxone-get").reply.topic == "naloxone-get"
    assert talk.say("/start no-such-topic").reply.topic == "welcome"


def test_a_sticker_does_not_end_an_emergency(talk: Talk) -> None:
    turn = talk.say("he isnt breathing", "/answer unreadable")
    assert turn.reply.topic == "unreadable"
    assert turn.reply.passages[0].kind is PassageKind.POINTER
    assert talk.session.danger is not None


# Several things in one message.


@pytest.mark.parametrize(
    "text",
    [
        "my friend is blue. what is naloxone",
        "what is naloxone? my friend is blue",
        "is narcan legal. she is passed out and i cant wake her. will my mom find out",
        "ok so we were just at home chilling and watching a film and now hes gone all blue and wont answer what is the thing in the nose called",
        "что такое налоксон? друг посинел и не отвечает",
        "мы сидели у него. он весь синий и не отвечает. а меня посадят если вызову?",
        "mi amigo está morado y no responde. ¿qué es la naloxona?",
    ],
)
def test_a_danger_is_heard_in_a_part_of_a_message(text: str, talk: Talk) -> None:
    turn = talk.say(text)
    assert turn.reply.urgency is Urgency.EMERGENCY
    assert turn.reply.passages[0].kind is PassageKind.POINTER


@pytest.mark.parametrize(
    "text",
    [
        "what is naloxone. and how much oxy do i take to feel it",
        "сколько надо чтобы пробить блок. и ещё вопрос, где взять налоксон?",
        "¿qué es la naltrexona? ¿y cuánto hay que meterse para sentir algo?",
    ],
)
def test_a_request_for_dosing_is_heard_beside_a_question(text: str, talk: Talk) -> None:
    assert talk.say(text).reply.topic == "no-dosing"


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("what is naltrexone? and how much does it cost?", "naltrexone-what-is", "naltrexone-cost"),
        ("что такое налтрексон? и сколько он стоит?", "naltrexone-what-is", "naltrexone-cost"),
        ("¿qué es la naloxona? ¿y dónde la consigo?", "naloxone-what-is", "naloxone-get"),
    ],
)
def test_of_two_questions_the_first_is_answered_and_the_second_offered(
    text: str, first: str, second: str, talk: Talk
) -> None:
    reply = talk.say(text).reply
    assert reply.topic == first
    assert reply.choices[0].send == f"/answer {second}"


def test_beside_a_request_for_dosing_an_honest_question_is_offered(talk: Talk) -> None:
    reply = talk.say("how much should i take to feel it. and is fentanyl in pills real?").reply
    assert reply.topic == "no-dosing"
    assert reply.choices[0].send == "/answer fentanyl-and-fake-pills"


def test_what_stands_before_a_question_does_not_answer_in_its_place(talk: Talk) -> None:
    reply = talk.say("hi. my son is home from rehab. where do i get narcan").reply
    assert reply.topic == "naloxone-get"


@pytest.mark.parametrize(
    ("before", "text", "topic"),
    [
        ("what if i use on the block", "my friend turned blue. what is narcan", "someone-down"),
        ("что будет если употребить под блоком", "друг посинел. что такое налоксон", "someone-down"),
        ("qué pasa si consumo con el bloqueo", "mi amigo está azul y no responde", "someone-down"),
        ("my friend turned blue before, what was that", "i swallowed all my pills and feel strange", "i-took-too-much"),
    ],
)
def test_who_is_in_danger_is_told_by_the_message_and_not_by_the_talk(
    before: str, text: str, topic: str, talk: Talk
) -> None:
    talk.say(before)
    assert talk.say(text).reply.topic == topic


@pytest.mark.parametrize(("text", "language"), [("yo", "en"), ("no", "es"), ("да", "ru")])
def test_a_word_that_several_languages_have_keeps_the_language_of_the_app(text: str, language: str, talk: Talk) -> None:
    assert talk.say(text, told=Profile(language)).reply.language == language


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        ("mom will kill me if she finds out", Urgency.NONE),
        ("мама меня убьёт если узнает", Urgency.NONE),
        ("mi papá me mata si se entera", Urgency.NONE),
        ("dad says he will kill me if i tell", Urgency.SAFEGUARDING),
        ("отчим сказал что убьёт если расскажу", Urgency.SAFEGUARDING),
        ("mi padrastro dice que me mata si cuento", Urgency.SAFEGUARDING),
    ],
)
def test_a_manner_of_speaking_is_told_from_a_threat(text: str, urgency: Urgency, talk: Talk) -> None:
    assert talk.say(text).reply.urgency is urgency


def test_what_is_told_of_somebody_who_is_down_is_about_the_same_person(talk: Talk) -> None:
    talk.say("my buddy wont wake up")
    assert talk.say("i put him on his side").reply.topic in {"someone-down", "step-breathing", "recovery-position"}
    talk.say("/forget")
    talk.say("mi amigo no despierta")
    assert talk.say("ya lo puse de lado").reply.topic in {"someone-down", "step-breathing"}
