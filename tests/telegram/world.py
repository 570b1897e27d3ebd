"""What the server knows: chats, their messages, waiting updates, and a record of all that happened."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.telegram.faults import Fault, Plan
from tests.telegram.limits import Gate
from tests.telegram.pending import Pending
from tests.telegram.texts import Json, Refusal

QUERY_SECONDS = 150
"""How long a press of a button can be answered."""


@dataclass(frozen=True)
class Sent:
    """
    One message that the bot sent, or one edit of it, as it was executed.

    Attributes:
        order: its place among everything executed, over all chats.
        text: what a reader sees.
        raw: what the bot wrote.
        keyboard: rows of buttons as the Bot API has them; empty where there are none.
        at: time.monotonic() of its execution.
    """

    order: int
    method: str
    chat: int
    message_id: int
    text: str
    raw: str
    parse_mode: str | None
    entities: tuple[Json, ...]
    keyboard: tuple[tuple[Json, ...], ...]
    markup: Json | None
    reply_to: int | None
    params: Json
    at: float

    @property
    def labels(self) -> tuple[str, ...]:
        """What stands on its buttons."""
        return tuple(button["text"] for row in self.keyboard for button in row)

    def data(self, label: str) -> str:
        """What a button sends; found by the words on it, or a part of them."""
        return next(
            str(button["callback_data"])
            for row in self.keyboard
            for button in row
            if label in button["text"] and "callback_data" in button
        )


@dataclass
class Call:
    """
    One request of the bot.

    Attributes:
        ended: time.monotonic() when its answer was out; None while it is open.
        status: of the answer; None where there was none.
        executed: whether it had its effect.
        limited: it was refused since the chat, or the bot, sends too much.
    """

    method: str
    chat: int | None
    params: Json
    began: float
    ended: float | None = None
    status: int | None = None
    description: str = ""
    executed: bool = False
    limited: bool = False
    fault: Fault | None = None


@dataclass
class Post:
    """One update posted to the webhook; `status` is None where no whole answer came or it was lost."""

    update: Json
    url: str
    began: float
    ended: float | None = None
    status: int | None = None
    body: bytes = b""
    fault: Fault | None = None


@dataclass
class Chat:
    """A chat that the bot may write to, until `refusal` says why not."""

    about: Json
    last_message: int = 0
    refusal: Refusal | None = None
    messages: dict[int, Json] = field(default_factory=dict)


@dataclass
class Webhook:
    """What setWebhook was told."""

    url: str = ""
    secret: str = ""
    max_connections: int = 40
    last_error_date: int | None = None
    last_error_message: str = ""


@dataclass
class World:
    """Everything that is; whoever reads or changes it holds `lock`."""

    bot: Json
    lock: threading.Condition = field(default_factory=threading.Condition)
    chats: dict[int, Chat] = field(default_factory=dict)
    queries: dict[str, float] = field(default_factory=dict)
    pending: Pending = field(default_factory=Pending)
    webhook: Webhook = field(default_factory=Webhook)
    plan: Plan = field(default_factory=Plan)
    gate: Gate = field(default_factory=Gate)
    about_bot: dict[tuple[str, str], object] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    deleted: list[tuple[int, int]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    listeners: list[Callable[[], None]] = field(default_factory=list)
    orders: itertools.count[int] = field(default_factory=itertools.count)
    changes: int = 0

    def changed(self) -> None:
        """Wake whoever waits for something to happen."""
        self.changes += 1
        self.lock.notify_all()
        for listener in self.listeners:
            listener()

    def chat(self, chat_id: int) -> Chat:
        """A chat that may be written to."""
        if chat_id not in self.chats:
            raise Refusal(400, "Bad Request: chat not found")
        chat = self.chats[chat_id]
        if chat.refusal:
            raise chat.refusal
        return chat

    def keep(self, chat_id: int, message: Json) -> Json:
        """A new message of anybody in a chat; it gets the next number there, if it has none."""
        chat = self.chats[chat_id]
        number = message.get("message_id", chat.last_message + 1)
        whole = {"message_id": number, "date": int(time.time()), "chat": chat.about, **message}
        if isinstance(number, int):
            chat.last_message = max(chat.last_message, number)
            chat.messages[number] = whole
        return whole

    def record(self, sent: Sent) -> None:
        """Note what was executed."""
        self.sent.append(replace(sent, order=next(self.orders), at=time.monotonic()))

    def put(self, update: Json, *, insist: bool = False) -> Json:
        """Something happened that the bot is to hear of."""
        with self.lock:
            update = self.pending.put(update, insist=insist)
            self.changed()
            return update


def without_reply(message: Json) -> Json:
    """A message as it is shown in one that answers it: not with what it answers itself."""
    return {key: value for key, value in message.items() if key != "reply_to_message"}
