"""What the bot is expected to say, told by its own texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

import yaml

from bot.content.loader import find_responses
from tests.telegram.bot_api import BotApi, Sent

GRAVE = "my friend isnt breathing"
GRAVES = (GRAVE, "he is not waking up", "my friend took something and is just lying there")
"""Dangers told in words of a signal, and in words that hold none."""
PLAIN = "what is naloxone"
TOPICS = (
    "naloxone-what-is",
    "naltrexone-what-is",
    "overdose-signs",
    "overdose-myths",
    "recovery-position",
    "mixing-drugs",
    "naloxone-store",
    "lost-tolerance",
)
"""Each asked for by a tap or a line has an answer of its own."""
FILLED = re.compile(r"\{\w+\}")


@cache
def note(name: str, language: str = "en") -> str:
    """One of the lines that the bot says of itself."""
    words = yaml.safe_load((find_responses() / language / "language.yaml").read_text("utf-8"))
    return str(words["notes"][name])


def is_marked(sent: Sent, mark: str = "again", language: str = "en") -> bool:
    """Whether a message begins with the line that says that it is sent again, or late, or one of many."""
    return sent.text.startswith(note(mark, language))


def answers(api: BotApi, chat: int) -> list[Sent]:
    """What a chat was sent that is not marked as sent again."""
    return [sent for sent in api.sent(chat) if not is_marked(sent)]


def body(sent: Sent) -> str:
    """The answer without the line that says that it is sent again."""
    return sent.text.removeprefix(note("again")).strip()


def unmarked_doubles(api: BotApi, chats: Iterable[int]) -> int:
    """How many answers came twice without a word about it."""
    found = 0
    for chat in chats:
        seen = Counter(body(sent) for sent in api.sent(chat))
        marked = Counter(body(sent) for sent in api.sent(chat) if is_marked(sent))
        found += sum(max(0, count - 1 - marked[text]) for text, count in seen.items())
    return found


def is_emergency(sent: Sent) -> bool:
    """Whether a message tells what to do for somebody who is down."""
    return "Call the emergency number now" in sent.text
