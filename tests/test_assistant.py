"""A reply always comes; sessions are remembered, forgotten and kept apart."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

import pytest

from bot.assistant import Assistant
from bot.conversation.library import LAST_RESORT, Library
from bot.conversation.triage import Signal
from bot.vocabulary import Message, PassageKind, Profile, Session, Urgency
from tests.conftest import NOON


class Broken(dict[str, Sequence[Signal]]):
    """Signals that fail whenever they are asked."""

    def get(self, key: str, default: object = None) -> NoReturn:
        raise RuntimeError(key)


def said(text: str, told: Profile | None = None) -> Message:
    """A message."""
    return Message(text, NOON, told or Profile())


@pytest.mark.parametrize(
    ("language", "country", "number"), [("en", None, "112"), ("ru", "KZ", "103"), ("es", "CO", "123")]
)
def test_when_understanding_fails_the_last_resort_goes_out(
    language: str, country: str | None, number: str, broken_library: Library
) -> None:
    wholly = replace(broken_library, signals=Broken())
    answer = Assistant(wholly, {}).respond("a", said("help he is blue", Profile(language, country)))
    assert answer.understanding is None
    assert (answer.reply.topic, answer.reply.language) == (LAST_RESORT, language)
    assert answer.reply.contact.number == number


@pytest.mark.parametrize("text", ["he is not breathing", "он не дышит", "mi hijo no respira"])
def test_when_the_model_fails_signals_still_hear_an_emergency(text: str, broken_library: Library) -> None:
    answer = Assistant(broken_library, {}).respond("a", said(text))
    assert (answer.reply.topic, answer.reply.urgency) == ("someone-down", Urgency.EMERGENCY)
    assert answer.reply.passages[0].kind is PassageKind.POINTER


def test_a_failure_is_logged_by_kind_and_place_and_without_words(
    broken_library: Library, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("overdose_bot"), "propagate", True)
    with caplog.at_level(logging.DEBUG, "overdose_bot"):
        Assistant(broken_library, {}).respond("some-id", said("zqxcanaryvjk he is blue"))
    record = caplog.records[0]
    assert record.__dict__["facts"]["error"] == "RuntimeError"
    assert "zqxcanaryvjk" not in repr(record.__dict__)
    assert "some-id" not in repr(record.__dict__)


def test_a_turn_is_logged_without_words(
    library: Library, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("overdose_bot"), "propagate", True)
    with caplog.at_level(logging.DEBUG, "overdose_bot"):
        Assistant(library, {}).respond("some-id", said("zqxcanaryvjk he is not breathing"))
    assert caplog.records
    assert "zqxcanaryvjk" not in repr([record.__dict__ for record in caplog.records])


def test_talks_do_not_know_of_each_other(library: Library) -> None:
    assistant = Assistant(library, {})
    assistant.respond("a", said("im in Almaty"))
    assert assistant.respond("b", said("/emergency")).reply.contact.number == "112"
    assert assistant.respond("a", said("/emergency")).reply.contact.number == "103"


def test_what_is_forgotten_is_gone(library: Library) -> None:
    sessions: dict[str, Session] = {}
    assistant = Assistant(library, sessions)
    assistant.respond("a", said("im in Almaty"))
    assert set(sessions) == {"a"}
    assistant.respond("a", said("/forget"))
    assert sessions == {}


@pytest.mark.parametrize("mark", ["again", "late", "many"])
@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_a_marked_reply_says_so_in_its_first_line_and_is_else_the_same(
    mark: str, language: str, library: Library
) -> None:
    assistant = Assistant(library, {})
    for text in ("/emergency", "/help"):
        reply = assistant.answer(said(text, Profile(language, "KZ")), Session(), "test").reply
        marked = assistant.marked(reply, mark)
        assert marked.passages[0].text == library.words[language].notes[mark]
        assert marked.passages[1:] == reply.passages


@pytest.mark.parametrize("text", ["what is naloxone", "he isnt breathing", "/privacy", "how much can i take", "asdf"])
def test_a_reply_can_be_composed_again_from_what_was_understood(text: str, library: Library) -> None:
    assistant, session = Assistant(library, {}), Session(Profile("en", "KZ"))
    answer = assistant.answer(said(text), session, "test")
    assert answer.understanding is not None
    assert assistant.again(answer.understanding, session) == answer.reply


@pytest.mark.parametrize(
    ("text", "grave"),
    [
        ("he isnt breathing", True),
        ("хочу умереть", True),
        ("she took a whole box of pills and now i cant wake her", True),
        ("мама лежит и не отвечает", True),
        ("mi amigo está morado y no reacciona", True),
        ("what is naloxone", False),
        ("/answer overdose-signs", False),
        ("", False),
    ],
)
def test_a_danger_is_heard_at_a_glance(text: str, grave: bool, library: Library) -> None:
    assert Assistant(library, {}).sounds_grave(said(text)) is grave


def test_without_a_glance_signals_are_heard(library: Library) -> None:
    assistant = Assistant(replace(library, glance=None), {})
    assert assistant.sounds_grave(said("he isnt breathing"))
    assert not assistant.sounds_grave(said("he is not waking up"))
