"""Updates come twice, late, broken or not at all, and each message is answered once."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.telegram.bot_api import ANY, BotApi, Fault
from tests.telegram.conftest import Newcomers
from tests.telegram.expected import GRAVE, PLAIN, is_emergency
from tests.telegram.people import Person
from tests.telegram.running import RunningBot


def answered(api: BotApi, person: Person, times: int = 1) -> None:
    """A person has had so many answers, and gets no more."""
    api.wait_for(lambda: len(api.sent(person.chat_id)) >= times)
    time.sleep(0.3)
    assert len(api.sent(person.chat_id)) == times


def test_an_update_that_comes_again_is_answered_once(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    first = person.say(PLAIN)
    bot.api.again(first)
    answered(bot.api, person)
    bot.api.wait_for(lambda: not bot.api.waiting)
    bot.api.again(first)
    bot.api.again({**first, "update_id": first["update_id"] + 5000})
    answered(bot.api, person)


def test_a_message_that_comes_late_is_answered_in_its_thread(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    person.say("/answer overdose-signs", message_id=12)
    answered(bot.api, person)
    person.say(PLAIN, message_id=11)
    answered(bot.api, person, 2)
    assert [sent.reply_to for sent in bot.api.sent(person.chat_id)] == [None, 11]


def test_numbers_that_start_anew_and_lower_are_answered(bot: RunningBot, newcomer: Newcomers) -> None:
    person, later = newcomer(), newcomer()
    person.say(PLAIN)
    answered(bot.api, person)
    bot.api.wait_for(lambda: not bot.api.waiting)
    bot.api.number_from(5)
    later.say(PLAIN)
    answered(bot.api, later)
    asked = len(bot.api.calls("getUpdates"))
    time.sleep(1.0)
    assert len(bot.api.calls("getUpdates")) - asked <= 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault.server_error(502),
        Fault.server_error(502, page=True),
        Fault.reset(),
        Fault.lost(),
        Fault.truncated(),
        Fault.garbage(),
        Fault.too_many(1),
        Fault.bad_request("strange"),
    ],
    ids=["502", "page", "reset", "lost", "truncated", "garbage", "429", "400"],
)
def test_a_poll_that_fails_costs_no_message(bot: RunningBot, newcomer: Newcomers, fault: Fault) -> None:
    before, person = newcomer(), newcomer()
    bot.api.fault("getUpdates", fault, times=2)
    before.say(PLAIN)  # ends the poll that waits already
    person.say(PLAIN)
    answered(bot.api, before)
    answered(bot.api, person)


def test_after_five_bad_answers_the_bot_is_back_within_seconds(bot: RunningBot, newcomer: Newcomers) -> None:
    person, waker = newcomer(), newcomer()
    planned = bot.api.fault("getUpdates", Fault.server_error(502), times=5)
    waker.say(PLAIN)
    bot.api.wait_for(lambda: planned.used == 5)
    person.say(GRAVE)
    answered(bot.api, person)


@pytest.mark.parametrize("fault", [Fault.unauthorized(), Fault.not_found(), Fault.not_found(page=True)])
def test_a_stray_refusal_of_the_token_ends_nothing(bot: RunningBot, newcomer: Newcomers, fault: Fault) -> None:
    person, waker = newcomer(), newcomer()
    planned = bot.api.fault("getUpdates", fault)
    waker.say(PLAIN)
    bot.api.wait_for(lambda: planned.used == 1)
    person.say(PLAIN)
    answered(bot.api, person)


def test_a_revoked_token_is_shown_and_not_hammered(bot: RunningBot, newcomer: Newcomers) -> None:
    people = [newcomer() for _ in range(6)]
    for person in people:
        person.say(PLAIN)
    bot.api.fault(ANY, Fault.unauthorized(), times=None)
    bot.wait_until(lambda: not bot.condition()[1]["telegram"])
    assert bot.events("token refused")
    time.sleep(2)
    asked = len(bot.api.calls())
    time.sleep(6)
    assert len(bot.api.calls()) - asked <= 6  # one to ask and one to send, each every three seconds
    assert bot.lives()
    bot.api.heal()
    bot.wait_until(lambda: bot.condition()[0] == 200)
    for person in people:
        answered(bot.api, person)


def test_a_second_poller_is_named_and_outlived(bot: RunningBot, newcomer: Newcomers) -> None:
    person, waker = newcomer(), newcomer()
    planned = bot.api.fault("getUpdates", Fault.conflict(), times=2)
    waker.say(PLAIN)
    bot.api.wait_for(lambda: planned.used == 1)
    bot.wait_until(lambda: bot.events("another process polls"))
    person.say(PLAIN)
    answered(bot.api, person)
    answered(bot.api, waker)


def test_a_poll_that_hangs_is_given_up(bot: RunningBot, newcomer: Newcomers) -> None:
    person, waker = newcomer(), newcomer()
    planned = bot.api.fault("getUpdates", Fault.hang(40, executed=False))
    waker.say(PLAIN)
    bot.api.wait_for(lambda: planned.used == 1)
    person.say(PLAIN)
    answered(bot.api, person)


POISON: dict[str, Any] = {
    "no kind": {},
    "unknown kind": {"birthday_party": {"cake": 1}},
    "impossible date": {"message": {"message_id": 1, "date": 10**18, "chat": {"id": 1, "type": "private"}, "text": "a"}},
    "date of words": {"message": {"message_id": 1, "date": "now", "chat": {"id": 1, "type": "private"}, "text": "a"}},
    "no chat": {"message": {"message_id": 1, "date": 1, "text": "hello"}},
    "chat of words": {"message": {"message_id": 2, "date": 1, "chat": {"id": "x", "type": "private"}, "text": "a"}},
    "chat of bits": {"message": {"message_id": 2, "date": 1, "chat": {"id": True, "type": "private"}, "text": "a"}},
    "text of numbers": {"message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "text": 7}},
    "message of words": {"message": "hello"},
    "message of nothing": {"message": None},
    "tap of nobody": {"callback_query": {"id": "1", "chat_instance": "1", "data": "/help"}},
    "half a character": {
        "callback_query": {
            "id": "\ud800", "chat_instance": "1", "data": "/\ud800",
            "from": {"id": 3, "is_bot": False, "first_name": "A"},
        }
    },
    "language of numbers": {
        "message": {
            "message_id": 3, "date": 1, "text": "hi", "chat": {"id": 3, "type": "private"},
            "from": {"id": 3, "is_bot": False, "first_name": "A", "language_code": 5},
        }
    },
    "number below zero": {"update_id": -4, "message": {"message_id": 9, "date": 1, "text": "a"}},
    "number of words": {"update_id": "seven", "message": {"message_id": 9, "date": 1, "text": "a"}},
    "a megabyte": {
        "message": {"message_id": 4, "date": 1, "chat": {"id": 4, "type": "private"}, "text": "blue lips " * 100_000}
    },
}  # fmt: skip


@pytest.mark.parametrize("update", POISON.values(), ids=POISON)
def test_behind_an_update_that_cannot_be_read_the_next_is_answered(
    bot: RunningBot, newcomer: Newcomers, update: dict[str, Any]
) -> None:
    person = newcomer()
    bot.api.put(update)
    person.say(PLAIN)
    answered(bot.api, person)


def test_an_update_that_cannot_be_read_is_a_dead_letter_and_its_sender_hears(
    bot: RunningBot, newcomer: Newcomers
) -> None:
    person, dead = newcomer(), len(bot.events("dead letter"))
    chat = {"id": person.chat_id, "type": "private"}
    bot.api.put({"message": {"message_id": 1, "date": 10**18, "chat": chat, "text": "it hurts"}})
    answered(bot.api, person)
    bot.wait_until(lambda: len(bot.events("dead letter")) > dead)
    assert bot.events("dead letter")[-1]["kind"] == "message"


def test_a_danger_in_an_update_that_cannot_be_read_is_heard(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    chat = {"id": person.chat_id, "type": "private"}
    bot.api.put({"message": {"message_id": 1, "date": 10**18, "chat": chat, "text": GRAVE}})
    answered(bot.api, person)
    assert is_emergency(bot.api.sent(person.chat_id)[0])


def test_an_edit_that_tells_of_danger_is_answered_and_one_that_changes_nothing_is_not(
    bot: RunningBot, newcomer: Newcomers
) -> None:
    person = newcomer()
    first = person.say("hello")
    answered(bot.api, person)
    number = first["message"]["message_id"]
    person.edit(number, "hello")
    person.edit(number, GRAVE)
    answered(bot.api, person, 2)
    person.edit(number, GRAVE)
    answered(bot.api, person, 2)
    assert is_emergency(bot.api.sent(person.chat_id)[1])


def test_what_waited_too_long_is_gone_and_no_error(bot: RunningBot, newcomer: Newcomers) -> None:
    gone, person = newcomer(), newcomer()
    bot.api.fault("getUpdates", Fault.server_error(502))
    gone.say(PLAIN)
    bot.api.forget_all()
    person.say(PLAIN)
    answered(bot.api, person)
