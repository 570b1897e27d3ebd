"""Sends are refused, lost, slow or hang, and each reply arrives; one that may have arrived before says so."""

from __future__ import annotations

import math
import time

import pytest

from tests.telegram.bot_api import BotApi, Fault
from tests.telegram.conftest import Newcomers
from tests.telegram.expected import GRAVE, PLAIN, TOPICS, is_emergency, is_marked, unmarked_doubles
from tests.telegram.people import Person
from tests.telegram.running import RunningBot


def everybody_is_answered(api: BotApi, people: list[Person]) -> None:
    """Each of them has an answer, and none has two without a word about it."""
    api.wait_for(lambda: all(api.sent(person.chat_id) for person in people))
    api.wait_for_quiet(2.5)
    assert unmarked_doubles(api, [person.chat_id for person in people]) == 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault.server_error(500),
        Fault.server_error(502, page=True),
        Fault.server_error(503),
        Fault.server_error(504),
        Fault.server_error(502, executed=True),
        Fault.reset(),
        Fault.lost(),
        Fault.truncated(),
        Fault.garbage(),
        Fault.hang(1, executed=False),
    ],
    ids=["500", "page", "503", "504", "502-done", "reset", "lost", "truncated", "garbage", "hang"],
)
def test_a_send_of_unknown_outcome_is_repeated_once_and_says_so(
    bot: RunningBot, newcomer: Newcomers, fault: Fault
) -> None:
    person, other = newcomer(), newcomer()
    bot.api.fault("sendMessage", fault, chat=person.chat_id)
    person.say(PLAIN)
    other.say(GRAVE)
    bot.api.wait_for(lambda: bot.api.sent(other.chat_id))
    bot.api.wait_for(lambda: any(is_marked(sent) for sent in bot.api.sent(person.chat_id)))
    assert len(bot.api.sent(person.chat_id)) == 1 + fault.executed
    assert not any(is_marked(sent) for sent in bot.api.sent(other.chat_id))


def test_with_every_fault_by_lot_none_is_lost_and_no_double_is_unmarked(bot: RunningBot, newcomer: Newcomers) -> None:
    rates = {Fault.server_error(502): 0.1, Fault.reset(): 0.1, Fault.lost(): 0.1, Fault.truncated(): 0.05}
    bot.api.faults_by_lot("sendMessage", rates, seed=3)
    people = [newcomer() for _ in range(40)]
    for person in people:
        person.say(PLAIN)
    everybody_is_answered(bot.api, people)


def test_sends_that_hang_hold_up_no_other_chat(bot: RunningBot, newcomer: Newcomers) -> None:
    stuck, others = [newcomer() for _ in range(3)], [newcomer() for _ in range(12)]
    for person in stuck:
        bot.api.fault("sendMessage", Fault.hang(30), chat=person.chat_id)
        person.say(PLAIN)
    for person in others:
        person.say(PLAIN)
    bot.api.wait_for(lambda: all(bot.api.sent(person.chat_id) for person in others))
    bot.api.wait_for(lambda: all(len(bot.api.sent(person.chat_id)) == 2 for person in stuck))
    assert all(is_marked(bot.api.sent(person.chat_id)[1]) for person in stuck)


def test_slow_sends_hold_up_no_other_chat(bot: RunningBot, newcomer: Newcomers) -> None:
    bot.api.slow("sendMessage", 0.2, 0.8)
    people = [newcomer() for _ in range(60)]
    for person in people:
        person.say(PLAIN)
        time.sleep(0.05)
    bot.api.wait_for(lambda: all(bot.api.sent(person.chat_id) for person in people))
    sends = [call for person in people for call in bot.api.calls("sendMessage", chat=person.chat_id)]
    together = max(sum(one.began <= call.began < (one.ended or math.inf) for one in sends) for call in sends)
    assert together >= 3  # at 20 a second and half a second each, ten are on their way at a time on a machine at rest


def test_a_chat_that_is_told_to_wait_waits_and_no_other_does(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    bot.api.fault("sendMessage", Fault.too_many(3), chat=person.chat_id)
    person.say(PLAIN)
    bot.api.wait_for(lambda: bot.api.calls("sendMessage", chat=person.chat_id))
    others = [newcomer() for _ in range(10)]
    for other in others:
        other.say(PLAIN)
    bot.api.wait_for(lambda: all(bot.api.sent(other.chat_id) for other in others))
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    sent = bot.api.sent(person.chat_id)
    assert len(sent) == 1
    assert not is_marked(sent[0])
    assert bot.api.sends_while_limited(person.chat_id) == 0


def test_a_bot_that_is_told_to_wait_sends_nothing_and_then_dangers_first(bot: RunningBot, newcomer: Newcomers) -> None:
    before = bot.api.sends_while_limited()
    first = [newcomer() for _ in range(4)]
    bot.api.fault("sendMessage", Fault.too_many(5, everywhere=True))
    for person in first:
        person.say(PLAIN)
    chats = {person.chat_id for person in first}
    bot.api.wait_for(lambda: sum(call.chat in chats for call in bot.api.calls("sendMessage", status=429)) >= 2)
    time.sleep(0.5)
    begun = time.monotonic()
    later = [newcomer() for _ in range(30)]
    for person in later:
        person.say(PLAIN)
    grave = newcomer()
    grave.say(GRAVE)
    time.sleep(2.0)
    assert not any(sent.at > begun for person in [*first, *later, grave] for sent in bot.api.sent(person.chat_id))
    bot.api.wait_for(lambda: all(bot.api.sent(person.chat_id) for person in [*later, grave]))
    assert bot.api.sends_while_limited() - before <= 1  # that it is not about one chat is told by the second refusal
    orders = sorted(bot.api.sent(person.chat_id)[0].order for person in later)
    assert bot.api.sent(grave.chat_id)[0].order < orders[10]  # all that may go at once go at once


@pytest.mark.parametrize(
    "fault",
    [Fault.forbidden(), Fault.forbidden("user is deactivated"), Fault.bad_request("chat not found")],
    ids=["blocked", "deactivated", "unknown"],
)
def test_a_chat_that_is_closed_is_left_alone_and_may_come_back(
    bot: RunningBot, newcomer: Newcomers, fault: Fault
) -> None:
    person = newcomer()
    planned = bot.api.fault("sendMessage", fault, chat=person.chat_id, times=None)
    person.say(PLAIN)
    bot.api.wait_for(lambda: planned.used)
    time.sleep(1.5)
    assert planned.used == 1
    planned.stop()
    person.say(GRAVE)
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    assert [is_emergency(sent) for sent in bot.api.sent(person.chat_id)] == [True]


def test_nothing_stale_awaits_who_blocked_and_comes_back(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    for topic in TOPICS[:3]:
        person.say(f"/answer {topic}")
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    person.block()
    time.sleep(1.5)
    before = len(bot.api.sent(person.chat_id))
    person.unblock()
    person.say(GRAVE)
    bot.api.wait_for(lambda: len(bot.api.sent(person.chat_id)) > before)
    time.sleep(1.5)
    assert [is_emergency(sent) for sent in bot.api.sent(person.chat_id)[before:]] == [True]


@pytest.mark.parametrize(
    "words",
    ["can't parse entities: unexpected end of tag", "message to be replied not found", "message thread not found"],
)
def test_a_refused_shape_is_sent_at_once_as_plain_text(bot: RunningBot, newcomer: Newcomers, words: str) -> None:
    person = newcomer()
    bot.api.fault("sendMessage", Fault.bad_request(words), chat=person.chat_id)
    person.say(PLAIN)
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    (sent,) = bot.api.sent(person.chat_id)
    assert sent.parse_mode is None
    assert "<b>" not in sent.text
    assert not is_marked(sent)


def test_typing_that_fails_or_hangs_has_no_effect(bot: RunningBot, newcomer: Newcomers) -> None:
    bot.api.fault("sendChatAction", Fault.hang(10), times=None)
    person = newcomer()
    for topic in TOPICS:
        person.say(f"/answer {topic}")
    person.say(GRAVE)
    bot.api.wait_for(lambda: any(is_emergency(sent) for sent in bot.api.sent(person.chat_id)))


def test_answers_of_a_chat_keep_their_order(bot: RunningBot, newcomer: Newcomers) -> None:
    people = [newcomer() for _ in range(8)]
    for topic in TOPICS[:3]:
        for person in people:
            person.say(f"/answer {topic}")
    bot.api.wait_for(lambda: all(len(bot.api.sent(person.chat_id)) == 3 for person in people))
    told = {tuple(sent.text[-120:] for sent in bot.api.sent(person.chat_id)) for person in people}
    assert len(told) == 1
    assert all(
        [sent.reply_to or 1 for sent in bot.api.sent(person.chat_id)] in ([1, 2, 3], [1, 1, 1], [1, 2, 1], [1, 1, 3])
        for person in people
    )
