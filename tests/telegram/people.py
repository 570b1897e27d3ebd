"""Those who write to the bot: people, groups and channels."""

from __future__ import annotations

import itertools
import time
from typing import Any

from tests.telegram.faults import UPGRADED
from tests.telegram.texts import Json, Refusal, marked_entities
from tests.telegram.world import Chat, Sent, World, without_reply

FILE = {"file_id": "AgACAgIAAxkBAAM", "file_unique_id": "AQADAg", "file_size": 1234}
CONTENTS: dict[str, Any] = {
    "sticker": {**FILE, "width": 512, "height": 512, "type": "regular", "is_animated": False, "is_video": False, "emoji": "😢"},
    "photo": [{**FILE, "width": 90, "height": 67}, {**FILE, "width": 800, "height": 600}],
    "voice": {**FILE, "duration": 4, "mime_type": "audio/ogg"},
    "video": {**FILE, "width": 640, "height": 480, "duration": 5},
    "video_note": {**FILE, "length": 240, "duration": 5},
    "animation": {**FILE, "width": 320, "height": 240, "duration": 2},
    "audio": {**FILE, "duration": 120},
    "document": {**FILE, "file_name": "notes.pdf", "mime_type": "application/pdf"},
    "location": {"latitude": 51.13, "longitude": 71.43},
    "venue": {"location": {"latitude": 51.13, "longitude": 71.43}, "title": "Clinic", "address": "1 Main St"},
    "contact": {"phone_number": "+77010000000", "first_name": "Aru"},
    "dice": {"emoji": "🎲", "value": 3},
    "poll": {
        "id": "5", "question": "What now?", "options": [{"text": "a", "voter_count": 0}, {"text": "b", "voter_count": 0}],
        "total_voter_count": 0, "is_closed": False, "is_anonymous": True, "type": "regular",
        "allows_multiple_answers": False,
    },
}  # fmt: skip
"""What can be sent besides text."""

QUERIES = itertools.count(4_000_000_000)


class Talker:
    """A chat in which somebody writes. Each of the methods returns the update that the bot gets."""

    def __init__(self, world: World, about: Json, user: Json | None) -> None:
        self.world = world
        self.chat_id: int = about["id"]
        self.user = user
        with world.lock:
            world.chats.setdefault(self.chat_id, Chat(about))

    @property
    def chat(self) -> Chat:
        """What the server keeps of it."""
        return self.world.chats[self.chat_id]

    def message(self, content: Json, *, kind: str = "message", update_id: int | None = None, **fields: Any) -> Json:
        """Any message; `fields` go into it as they are, such as date= and message_id=."""
        given = {key: value for key, value in fields.items() if value is not None}
        sender = {"from": self.user} if self.user and "from" not in given else {}
        with self.world.lock:
            whole = self.world.keep(self.chat_id, {**sender, **given, **content})
            return self.tell({kind: whole}, update_id)

    def tell(self, update: Json, update_id: int | None = None) -> Json:
        """Queue an update about this chat."""
        return self.world.put(update if update_id is None else {"update_id": update_id, **update})

    def say(
        self,
        text: str,
        *,
        date: int | None = None,
        reply_to: int | Sent | None = None,
        message_id: int | None = None,
        update_id: int | None = None,
        **fields: Any,
    ) -> Json:
        """Write a text; commands and names in it are marked as Telegram marks them."""
        marks = marked_entities(text)
        content: Json = {"text": text, **({"entities": marks} if marks else {})}
        answered = self.answered(reply_to)
        return self.message(
            content, date=date, message_id=message_id, update_id=update_id, reply_to_message=answered, **fields
        )

    def answered(self, reply_to: int | Sent | None) -> Json | None:
        """The message that is answered."""
        number = reply_to.message_id if isinstance(reply_to, Sent) else reply_to
        answered = self.chat.messages.get(number) if number is not None else None
        return without_reply(answered) if answered else None

    def send(
        self, kind: str, *, caption: str | None = None, date: int | None = None, update_id: int | None = None
    ) -> Json:
        """Send one of `CONTENTS`."""
        return self.message({kind: CONTENTS[kind]}, caption=caption, date=date, update_id=update_id)

    def edit(self, message_id: int, text: str, *, date: int | None = None, update_id: int | None = None) -> Json:
        """Write another text in the place of an own one."""
        with self.world.lock:
            old = self.chat.messages.get(message_id, {})
            fields = {key: value for key, value in old.items() if key not in ("entities", "text", "edit_date", "chat")}
            marks = marked_entities(text)
            content: Json = {"text": text, **({"entities": marks} if marks else {})}
            fields |= {"edit_date": date or int(time.time()), "message_id": message_id}
            return self.message(content, kind="edited_message", update_id=update_id, **fields)

    def tap(
        self,
        data: str,
        message: Sent | int | None,
        *,
        user: Json | None = None,
        age: float = 0.0,
        query_id: str | None = None,
        gone: bool = False,
        update_id: int | None = None,
    ) -> Json:
        """
        Press a button.

        Args:
            data: what the button sends.
            message: the one under which the button stands.
            age: how many seconds ago; after 150 the press can be answered no more.
            query_id: that of an earlier press, where the app sends it again.
            gone: the message is too old for Telegram to say anything of it.
        """
        number = message.message_id if isinstance(message, Sent) else message
        with self.world.lock:
            query = query_id or str(next(QUERIES))
            self.world.queries.setdefault(query, time.monotonic() - age)
            press: Json = {"id": query, "from": user or self.user, "chat_instance": "-37", "data": data}
            known = self.chat.messages.get(number) if number is not None else None
            if known and not gone:
                press["message"] = known
            elif number is not None:
                press["message"] = {"chat": self.chat.about, "message_id": number, "date": 0}
            return self.tell({"callback_query": press}, update_id)

    def membership(self, old: str, new: str, refusal: Refusal | None) -> Json:
        """The bot's standing changes."""
        with self.world.lock:
            self.chat.refusal = refusal
            change = {
                "chat": self.chat.about,
                "from": self.user,
                "date": int(time.time()),
                "old_chat_member": {"user": self.world.bot, "status": old, **until(old)},
                "new_chat_member": {"user": self.world.bot, "status": new, **until(new)},
            }
            return self.tell({"my_chat_member": change})


def until(status: str) -> Json:
    """What a banned member's record has besides."""
    return {"until_date": 0} if status == "kicked" else {}


class Person(Talker):
    """Somebody in a private chat."""

    def block(self) -> Json:
        """Stop the bot: every send is refused."""
        return self.membership("member", "kicked", Refusal(403, "Forbidden: bot was blocked by the user"))

    def unblock(self) -> Json:
        """Start it again."""
        return self.membership("kicked", "member", None)

    def deactivate(self) -> None:
        """Delete the account."""
        with self.world.lock:
            self.chat.refusal = Refusal(403, "Forbidden: user is deactivated")


class Group(Talker):
    """A group; `as_` gives the one who writes, `user` is who writes otherwise."""

    def as_(self, user_id: int, first_name: str = "Dana", **fields: Any) -> Group:
        """The same group, with another one writing."""
        return Group(self.world, self.chat.about, {"id": user_id, "is_bot": False, "first_name": first_name, **fields})

    def mention(self, text: str, **fields: Any) -> Json:
        """Address the bot by its name."""
        return self.say(f"@{self.world.bot['username']} {text}", **fields)

    def command(self, name: str, text: str = "", **fields: Any) -> Json:
        """Address the bot by a command."""
        return self.say(f"/{name}@{self.world.bot['username']} {text}".strip(), **fields)

    def kick(self) -> Json:
        """Throw the bot out."""
        kind = self.chat.about["type"]
        return self.membership("member", "kicked", Refusal(403, f"Forbidden: bot was kicked from the {kind} chat"))

    def add(self) -> Json:
        """Let the bot in."""
        return self.membership("left", "member", None)

    def migrate(self, new_id: int, *, told: bool = True) -> Group:
        """
        Become a supergroup with another id; whoever sends to the old one is told the new.

        Args:
            told: the two service messages come as well.
        """
        with self.world.lock:
            about = {**self.chat.about, "id": new_id, "type": "supergroup"}
            upgraded = Group(self.world, about, self.user)
            if told:
                self.message({"migrate_to_chat_id": new_id})
                upgraded.message({"migrate_from_chat_id": self.chat_id})
            self.chat.refusal = Refusal(400, f"Bad Request: {UPGRADED}", {"migrate_to_chat_id": new_id})
            return upgraded


class Channel(Talker):
    """A channel of which the bot is a member."""

    def post(self, text: str, **fields: Any) -> Json:
        """Publish a text."""
        return self.message({"text": text, "sender_chat": self.chat.about}, kind="channel_post", **fields)
