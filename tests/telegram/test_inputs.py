"""Whatever people send: one sensible answer, nothing refused by Telegram, and no word of it kept anywhere."""

from __future__ import annotations

import itertools
import json
import os
import time
from pathlib import Path

import pytest

from tests.telegram.bot_api import BotApi
from tests.telegram.conftest import IDS, Newcomers
from tests.telegram.expected import GRAVE, PLAIN, is_emergency
from tests.telegram.people import CONTENTS
from tests.telegram.running import RunningBot

NASTY = {
    "nulls": "\0\0a\0",
    "bidi": "\u202egnihtaerb ton\u202c \u2066x\u2069",
    "zalgo": "h" + "\u0301\u0330\u0489" * 400,
    "emoji": "😀" * 2048,
    "invisible": "\u200b\u2060\u00ad\ufeff",
    "spaces": " \n\t ",
    "html": "<b>what</b> <script>alert(1)</script> <a href='x",
    "ampersands": "&lt;&amp;&#0;&bogus;",
    "sql": "'; DROP TABLE inbox; --",
    "template": "{{7*7}} ${7*7} {pointer} %s %(x)s",
    "markdown": "*_[`~>#+-=|{}.!",
    "path": "../../../../etc/passwd",
    "long word": "a" * 4096,
    "slash": "/",
    "commands": "/start /help /forget",
    "unknown command": "/frobnicate 1 2 3",
    "long command": "/answer " + "x" * 4000,
    "half a character": "hello \ud83d",
    "digits": "1" * 300,
    "cyrillic": "ё" * 4096,
    "arabic": "كيف أحصل على المساعدة",
}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_nasty_texts_get_one_answer_that_telegram_takes(bot: RunningBot, newcomer: Newcomers, text: str) -> None:
    person = newcomer()
    person.message({"text": text})
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    time.sleep(0.2)
    (sent,) = bot.api.sent(person.chat_id)
    assert [call.status for call in bot.api.calls("sendMessage", chat=person.chat_id)] == [200]
    assert not text.strip(" \n\t\0/") or len(text) < 5 or text not in sent.text


@pytest.mark.parametrize("kind", CONTENTS)
def test_what_is_no_text_is_answered_with_what_to_do(bot: RunningBot, newcomer: Newcomers, kind: str) -> None:
    person, asks = newcomer(), newcomer()
    person.send(kind)
    asks.send(kind, caption=GRAVE)
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id) and bot.api.sent(asks.chat_id))
    time.sleep(0.2)
    assert len(bot.api.sent(person.chat_id)) == len(bot.api.sent(asks.chat_id)) == 1
    assert "Emergency" in bot.api.sent(person.chat_id)[0].text
    assert is_emergency(bot.api.sent(asks.chat_id)[0])


def test_a_button_has_one_effect_however_often_and_late_it_is_pressed(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    person.say(PLAIN)
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    (first,) = bot.api.sent(person.chat_id)
    press = person.tap(first.data(first.labels[0]), first)
    person.tap(first.data(first.labels[0]), first)
    person.tap(first.data(first.labels[0]), first, query_id=press["callback_query"]["id"])
    person.tap(first.data(first.labels[0]), first, age=151)
    bot.api.wait_for(lambda: len(bot.api.sent(person.chat_id)) == 2)
    time.sleep(1.5)
    assert len(bot.api.sent(person.chat_id)) == 2
    # A press that is a repeat makes no reply, but its button comes to rest too.
    assert len({call.params["callback_query_id"] for call in bot.api.calls("answerCallbackQuery")}) >= 3


@pytest.mark.parametrize(
    "data", ["/answer no-such-topic", "x" * 64, "/kept", "\u202e", "answer:old-format:1", "/answer"]
)
def test_a_button_that_nobody_knows_is_answered_all_the_same(bot: RunningBot, newcomer: Newcomers, data: str) -> None:
    person = newcomer()
    person.tap(data, 5)
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    assert len(bot.api.sent(person.chat_id)) == 1


def test_a_press_that_is_too_old_or_under_a_message_that_is_gone_is_answered(
    bot: RunningBot, newcomer: Newcomers
) -> None:
    person, other = newcomer(), newcomer()
    person.tap("/answer overdose-signs", 3, age=200)
    other.tap("/answer overdose-signs", 3, gone=True)
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id) and bot.api.sent(other.chat_id))


MARK = "zanzibarquokka"
WORDS = f"my brother {MARK} Ivan at 5 Rose Street isnt breathing"


def test_no_word_of_anybody_is_found_anywhere(telegram: BotApi, folder: Path) -> None:
    with RunningBot(telegram, folder, log_level="DEBUG") as bot:
        chats = itertools.chain(IDS)
        people = [telegram.person(next(chats), MARK, username=MARK) for _ in range(6)]
        said = people[0].say(WORDS)
        telegram.wait_for(lambda: telegram.sent(people[0].chat_id))
        people[0].edit(said["message"]["message_id"], f"{WORDS} again")
        people[1].send("photo", caption=WORDS)
        people[2].tap(f"/answer {MARK}", 4)
        people[3].say(f"what is {MARK} blocking")
        people[4].message(
            {"text": WORDS, "forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": MARK}}
        )
        people[5].message({"document": {**CONTENTS["document"], "file_name": f"{MARK}.pdf"}})
        telegram.put(
            {"message": {"message_id": 1, "date": 10**18, "chat": {"id": 9, "type": "private"}, "text": WORDS}}
        )
        telegram.put({MARK: {"text": WORDS}})
        telegram.put({"poll_answer": {"poll_id": MARK, "option_ids": [], "user": people[0].user}})
        telegram.group(-4_000_001, MARK).mention(WORDS)
        telegram.group(-4_000_001, MARK).say(WORDS)
        telegram.channel(-4_000_002, MARK).post(WORDS)
        telegram.wait_for(lambda: all(telegram.sent(person.chat_id) for person in people))
        telegram.wait_for_quiet(1.2)
        places = everything_written(folder) | {"log": "\n".join(bot.log), "metrics": bot.metrics()}
        bot.kill()  # in the middle of its life: whatever lies there lies there for good
        places |= {f"{name} after": text for name, text in everything_written(folder).items()}
        places["log after"] = "\n".join(bot.log)
    assert bot.events("dead letter")
    secrets = [MARK, "Rose Street", telegram.token, *(str(person.chat_id) for person in people)]
    found = {(word, name) for name, text in places.items() for word in secrets if word in text}
    assert not found


def everything_written(folder: Path) -> dict[str, str]:
    """All files, by name, as far as they can be read as text."""
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            found[name] = (Path(root) / name).read_bytes().decode("latin-1")
    return found


def test_a_log_line_is_json_at_every_level(bot: RunningBot) -> None:
    assert all(json.loads(line) for line in bot.log)
