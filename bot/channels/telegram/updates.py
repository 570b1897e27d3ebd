"""Raw JSON of an update -> what was heard: of whom, where, and the words for the assistant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from hashlib import sha256
from typing import Any

from telegram import Chat, ChatMember, Message, MessageEntity, Update
from telegram.constants import ChatType

LONGEST = 4096
"""Characters of a message that are read: Telegram lets nobody write more, so the rest is no person's."""
TAP_FRESH = 20.0
"""
Seconds within which the same button, pressed again under the same message, is the same press: an impatient finger, or an
app that sends the press anew. Later than that somebody wants the answer once more.
"""
WORDLESS = "/answer unreadable"
UNKNOWN_TAP = "/help"
CONTENTS = (
    "animation",
    "audio",
    "contact",
    "dice",
    "document",
    "game",
    "location",
    "paid_media",
    "photo",
    "poll",
    "sticker",
    "story",
    "venue",
    "video",
    "video_note",
    "voice",
)
"""What a message may carry in place of words."""


class Kind(Enum):
    """What an update asks for."""

    MESSAGE = auto()
    EDIT = auto()
    TAP = auto()
    CLOSED = auto()
    MOVED = auto()
    NOTHING = auto()


@dataclass(frozen=True)
class Me:
    """The bot itself, as far as known."""

    id: int
    username: str | None = None


@dataclass(frozen=True)
class Heard:
    """One update, read. `person` tells people of a group apart; `thread` is a forum's topic."""

    kind: Kind
    chat: int
    person: int
    text: str = ""
    at: datetime | None = None
    message: int | None = None
    thread: int | None = None
    language: str | None = None
    tap: str | None = None
    moved_to: int | None = None

    @property
    def is_group(self) -> bool:
        """Telegram numbers groups below zero."""
        return self.chat < 0


class PoisonError(Exception):
    """An update that cannot be read: `kind` says which sort it was, `fault` what failed, neither what was in it."""

    def __init__(self, kind: str, fault: str) -> None:
        self.kind, self.fault = kind, fault
        super().__init__(f"{kind}: {fault}")


def read(raw: Mapping[str, Any], me: Me) -> Heard:
    """
    What an update says.

    Raises:
        PoisonError: it cannot be read.
    """
    kind = kind_of(raw)
    try:
        update = Update.de_json(dict(raw), None)
        heard = _heard(update, me)
    except Exception as error:
        raise PoisonError(kind, type(error).__name__) from error
    if heard is None:
        raise PoisonError(kind, "Unknown")
    if not is_sound(heard):
        raise PoisonError(kind, "TypeError")
    return heard


def is_sound(heard: Heard) -> bool:
    """Whether all is of its type: the library takes whatever stands there."""
    numbers = (heard.chat, heard.person, heard.message, heard.thread, heard.moved_to)
    words = (heard.text, heard.language, heard.tap)
    return all(
        n is None or (isinstance(n, int) and not isinstance(n, bool) and abs(n) < 2**53) for n in numbers
    ) and all(w is None or isinstance(w, str) for w in words)


def clean(text: str) -> str:
    """At most as much as anybody can write, without halves of characters, which nothing can store or send."""
    return text[:LONGEST].encode("utf-8", "replace").decode()


def kind_of(raw: Mapping[str, Any]) -> str:
    """The name of what an update carries, of the names that there are; else "unknown"."""
    return next((name for name in Update.ALL_TYPES if name in raw), "unknown")


def chat_of(raw: Mapping[str, Any]) -> int | None:
    """The private chat that an update came from, if that much can be told; for an answer to what cannot be read."""
    for name in ("message", "edited_message", "callback_query"):
        found = raw.get(name)
        chat = found.get("chat", found.get("from")) if isinstance(found, dict) else None
        number = chat.get("id") if isinstance(chat, dict) else None
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**52:
            return number
    return None


def words_of(raw: Mapping[str, Any]) -> str:
    """The words of a message of which the rest cannot be read: they may be a cry for help."""
    found = raw.get("message")
    words = (found.get("text") or found.get("caption")) if isinstance(found, dict) else None
    return clean(words) if isinstance(words, str) and words else WORDLESS


def guessed(raw: Mapping[str, Any]) -> Heard | None:
    """What to answer of an update that cannot be read; None where it cannot be told who wrote."""
    chat = chat_of(raw)
    return Heard(Kind.MESSAGE, chat, chat, words_of(raw)) if chat is not None else None


def _heard(update: Update, me: Me) -> Heard | None:
    if update.message:
        return _of_message(update.message, me, Kind.MESSAGE)
    if update.edited_message:
        return _of_message(update.edited_message, me, Kind.EDIT)
    if query := update.callback_query:
        person = query.from_user
        shown = query.message
        # Of a message that is too old or gone only its place is told; inline ones have none, and we send none.
        chat = shown.chat.id if shown else person.id
        thread = shown.message_thread_id if isinstance(shown, Message) and shown.is_topic_message else None
        text = clean(query.data) if query.data and query.data.startswith("/") else UNKNOWN_TAP
        return Heard(
            Kind.TAP,
            chat,
            person.id,
            text,
            message=shown.message_id if shown else None,
            thread=thread,
            language=person.language_code,
            tap=clean(query.id),
        )
    if member := update.my_chat_member:
        closed = member.new_chat_member.status in {ChatMember.BANNED, ChatMember.LEFT}
        return Heard(Kind.CLOSED if closed else Kind.NOTHING, member.chat.id, member.from_user.id)
    if update.channel_post or update.edited_channel_post:
        return Heard(Kind.NOTHING, 0, 0)
    return None


def _of_message(message: Message, me: Me, kind: Kind) -> Heard | None:
    chat, person = message.chat, message.from_user
    if chat.type == ChatType.CHANNEL or (person and person.is_bot):
        return Heard(Kind.NOTHING, chat.id, 0)
    if message.migrate_to_chat_id:
        return Heard(Kind.MOVED, chat.id, 0, moved_to=message.migrate_to_chat_id)
    author = person.id if person else chat.id
    words = message.text if message.text is not None else message.caption
    carries = words is not None or any(getattr(message, name, None) for name in CONTENTS)
    # Somebody joined, a title changed, a message was pinned: nobody said anything. What is neither that nor
    # known to us, somebody said in a way that is newer than this program.
    if not carries and any(getattr(message, name, None) for name in SERVICE):
        return Heard(Kind.NOTHING, chat.id, author)
    if chat.type != ChatType.PRIVATE and not is_addressed(message, chat, me):
        return Heard(Kind.NOTHING, chat.id, author)
    text = clean(without_mention(words or "", me))
    return Heard(
        kind,
        chat.id,
        author,
        text if words else WORDLESS,
        at=message.date if message.date.tzinfo else message.date.replace(tzinfo=UTC),
        message=message.message_id,
        thread=message.message_thread_id if message.is_topic_message else None,
        language=person.language_code if person else None,
    )


BY_ITSELF = (
    "boost",
    "channel_chat",
    "chat_",
    "delete_chat",
    "forum_topic",
    "general_forum",
    "giveaway",
    "group_chat",
    "left_chat",
    "message_auto_delete",
    "migrate_from",
    "new_chat",
    "pinned_",
    "proximity_alert",
    "supergroup_chat",
    "video_chat",
    "write_access",
)
SERVICE = tuple(name for name in Message.__slots__ if name.startswith(BY_ITSELF))
"""What Telegram says in a chat by itself."""


def is_addressed(message: Message, chat: Chat, me: Me) -> bool:
    """Whether somebody in a group speaks to the bot: in an answer to it, by its name, or by a command."""
    answered = message.reply_to_message.from_user if message.reply_to_message else None
    if answered and answered.id == me.id:
        return True
    named = {**message.parse_entities(), **message.parse_caption_entities()}
    for entity, text in named.items():
        if entity.type == MessageEntity.MENTION and is_called(text[1:], me):
            return True
        if entity.type == MessageEntity.TEXT_MENTION and entity.user and entity.user.id == me.id:
            return True
        if entity.type == MessageEntity.BOT_COMMAND and entity.offset == 0:
            _, at, bot = text.partition("@")
            return not at or is_called(bot, me)
    return False


def is_called(name: str, me: Me) -> bool:
    """Whether a name is the bot's, as far as known: until it has learnt its own, any may be."""
    return me.username is None or name.lower() == me.username.lower()


def without_mention(text: str, me: Me) -> str:
    """The words without the bot's name."""
    if not me.username:
        return text
    name = f"@{me.username}".lower()
    return " ".join(word for word in text.split(" ") if word.lower().rstrip(",:.!?") != name) or text


def marks(raw: Mapping[str, Any], heard: Heard | None) -> dict[tuple[str, ...], float | None]:
    """What tells a repeat of an update, and for how many seconds (None: as long as marks are kept)."""
    if heard is None or heard.message is None:
        whole = sha256(json.dumps(raw, sort_keys=True, default=str).encode("utf-8", "replace")).hexdigest()
        return {("update", whole): None}
    place = (str(heard.chat), str(heard.message))
    if heard.kind is Kind.TAP:
        return {("query", str(heard.tap)): None, ("tap", *place, str(heard.person), heard.text): TAP_FRESH}
    said = ("said", *place, heard.text)
    # An edit that changed no word is no edit.
    return {said: None} if heard.kind is Kind.EDIT else {("message", *place): None, said: None}


def now() -> datetime:
    """The time, for what carries none."""
    return datetime.now(UTC)
