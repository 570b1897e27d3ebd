"""In groups: silent unless spoken to, in the thread, within what groups allow, and along when a group gets another id."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.telegram.bot_api import Limits
from tests.telegram.conftest import Newcomers
from tests.telegram.expected import GRAVE, PLAIN, is_emergency, is_marked
from tests.telegram.people import Group
from tests.telegram.running import RunningBot

GROUPS = itertools.count(-1_000_000_000_001, -1)


@pytest.fixture
def group(bot: RunningBot) -> Group:
    """A group in which nobody has written."""
    return bot.api.group(next(GROUPS))


def test_a_group_that_speaks_among_itself_hears_nothing(bot: RunningBot, group: Group, newcomer: Newcomers) -> None:
    group.say(PLAIN)
    group.say("hello @somebody_else")
    group.say("/help@another_bot")
    group.send("photo", caption=PLAIN)
    person = newcomer()
    person.say(PLAIN)
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    time.sleep(0.5)
    assert not bot.api.sent(group.chat_id)


def test_who_speaks_to_the_bot_is_answered_in_the_thread(bot: RunningBot, group: Group) -> None:
    asked = [group.mention(PLAIN), group.command("emergency")]
    bot.api.wait_for(lambda: len(bot.api.sent(group.chat_id)) == 2)
    first = bot.api.sent(group.chat_id)[0]
    asked.append(group.as_(77).say("where do i get it", reply_to=first))
    bot.api.wait_for(lambda: len(bot.api.sent(group.chat_id)) == 3)
    numbers = {update["message"]["message_id"] for update in asked}
    assert {sent.reply_to for sent in bot.api.sent(group.chat_id)} == numbers


def test_many_questions_in_a_group_stay_within_what_groups_allow(bot: RunningBot, group: Group) -> None:
    bot.api.limit(Limits())
    over = bot.api.over_the_limits
    for number in range(30):
        group.as_(900 + number).mention(PLAIN if number % 2 else "signs of an overdose")
    group.as_(999).mention(GRAVE)
    bot.api.wait_for(lambda: any(is_emergency(sent) for sent in bot.api.sent(group.chat_id)))
    bot.api.wait_for_quiet(2.5)
    assert 1 < len(bot.api.sent(group.chat_id)) <= 20
    assert all(sent.reply_to for sent in bot.api.sent(group.chat_id))
    assert bot.api.over_the_limits == over


def test_a_bot_that_is_thrown_out_stops(bot: RunningBot, group: Group) -> None:
    for topic in ("overdose-signs", "naloxone-what-is", "mixing-drugs"):
        group.say(f"/answer@{bot.api.username} {topic}")
    bot.api.wait_for(lambda: bot.api.sent(group.chat_id))
    group.kick()
    time.sleep(1.5)
    asked = len(bot.api.calls("sendMessage", chat=group.chat_id))
    time.sleep(1.5)
    assert len(bot.api.calls("sendMessage", chat=group.chat_id)) == asked


@pytest.mark.parametrize("told", [True, False])
def test_a_group_with_another_id_is_followed_there(bot: RunningBot, group: Group, told: bool) -> None:
    new = next(GROUPS)
    group.say(f"/country@{bot.api.username} KZ")
    bot.api.wait_for(lambda: bot.api.sent(group.chat_id))
    group.mention(PLAIN)
    group.mention("signs of an overdose")
    upgraded = group.migrate(new, told=told)
    bot.api.wait_for(lambda: len(bot.api.sent(new)) + len(bot.api.sent(group.chat_id)) >= 3)
    bot.api.wait_for_quiet(1.5)
    assert not any(is_marked(sent) for sent in bot.api.sent(new))
    assert len(bot.api.sent(new)) + len(bot.api.sent(group.chat_id)) == 3
    assert bot.api.sent(new)
    upgraded.mention(GRAVE)
    bot.api.wait_for(lambda: any(is_emergency(sent) for sent in bot.api.sent(new)))
    assert "Kazakhstan" in bot.api.sent(new)[-1].text  # what the person told in the old group is known in the new


def test_posts_of_a_channel_are_no_business_of_the_bot(bot: RunningBot, newcomer: Newcomers) -> None:
    channel = bot.api.channel(next(GROUPS))
    channel.post(GRAVE)
    bot.api.put({"channel_post": {"message_id": 4, "date": 1, "chat": channel.chat.about, "text": GRAVE}})
    person = newcomer()
    person.say(PLAIN)
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    assert not bot.api.sent(channel.chat_id)
