"""On the running bot: a question is left by two taps, scrubbed, and stands nowhere else and nowhere unscrubbed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.telegram.bot_api import BotApi, Sent
from tests.telegram.conftest import Newcomers
from tests.telegram.people import Person
from tests.telegram.running import RunningBot

NAMED = "do purple mushrooms grow under stairs, ask my teacher sasha, call +7 701 123 45 67"
SHOWN = "do purple mushrooms grow under stairs, ask my teacher …, call …"


def last_answer(api: BotApi, person: Person, times: int) -> Sent:
    """The answer that makes so many."""
    api.wait_for(lambda: len(api.sent(person.chat_id)) >= times)
    return api.sent(person.chat_id)[-1]


def buttons(sent: Sent) -> list[str]:
    """What its buttons send."""
    return [button["callback_data"] for row in sent.keyboard for button in row]


def listed(bot: RunningBot) -> list[str]:
    """What `questions list` says."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OVERDOSE_BOT_")}
    command = [sys.executable, "-m", "bot", "questions", "list"]
    folder = Path(__file__).parents[2]
    done = subprocess.run(
        command, cwd=folder, env={**clean, "XDG_DATA_HOME": str(bot.folder)}, check=True, capture_output=True
    )
    return [line.split("\t")[-1] for line in done.stdout.decode().splitlines()]


def test_a_question_is_left_by_two_taps(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    person.say("/feedback")
    first = last_answer(bot.api, person, 1)
    assert "/leave" in buttons(first)
    person.tap("/leave", first)
    last_answer(bot.api, person, 2)
    person.say(NAMED)
    shown = last_answer(bot.api, person, 3)
    assert SHOWN in shown.text
    assert buttons(shown)[:2] == ["/keep", "/drop"]
    assert SHOWN not in listed(bot)
    person.tap("/keep", shown)
    last_answer(bot.api, person, 4)
    assert listed(bot).count(SHOWN) == 1
    held = b"".join(path.read_bytes() for path in bot.folder.rglob("*") if path.is_file())
    assert b"sasha" not in held
    assert SHOWN.encode() in held


def test_what_is_dropped_is_kept_nowhere(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    for times, text in enumerate(("/leave", "the purple mushrooms zqxdropped grow under stairs", "/drop", "/keep"), 1):
        person.say(text)
        last_answer(bot.api, person, times)
    assert not [text for text in listed(bot) if "zqxdropped" in text]
    held = b"".join(path.read_bytes() for path in bot.folder.rglob("*") if path.is_file())
    assert b"zqxdropped" not in held


def test_a_question_that_was_shown_before_a_crash_can_be_kept_after_it(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    for times, text in enumerate(("/leave", "the purple mushrooms of crashes grow under stairs"), 1):
        person.say(text)
        last_answer(bot.api, person, times)
    bot.restart()
    person.say("/keep")
    last_answer(bot.api, person, 3)
    assert "the purple mushrooms of crashes grow under stairs" in listed(bot)


def test_in_a_group_nothing_is_offered(bot: RunningBot) -> None:
    group = bot.api.group(-1009123)
    group.command("feedback")
    bot.api.wait_for(lambda: bot.api.sent(group.chat_id))
    assert "/leave" not in buttons(bot.api.sent(group.chat_id)[-1])
