"""A cleared reply -> a message of Telegram, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters
from telegram.constants import ChatAction, ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import BaseRequest, RequestData
from telegram.request._requestparameter import RequestParameter

from bot.channels.delivery import Lane
from bot.channels.telegram.requests import NOT_SENT, Connections, ServerClock
from bot.markup import plain_reply, telegram_html
from bot.telemetry import alarm
from bot.vocabulary import Choice, ClearedReply

TIMEOUT = 10.0
"""Seconds that one call may take in all."""
POOL = {Lane.EMERGENCY: 32, Lane.ORDINARY: 128}
"""Connections for each lane's replies."""
OTHER_CALLS = 16
"""Connections for all calls that send no reply."""
NOWHERE = 2**52
"""Chats from here on are nobody's: Telegram's numbers have at most 52 significant bits (Bot API). Nothing is sent there."""
BUTTON = 38
"""Characters of a label beside which another button still fits on a phone."""


def is_nowhere(chat: int) -> bool:
    """Whether a chat is nobody's: what happens there tells nothing of people, nor of Telegram."""
    return chat >= NOWHERE


class Result(Enum):
    """What became of a send."""

    SENT = auto()
    NOT_SENT = auto()
    REFUSED = auto()
    UNKNOWN = auto()
    CLOSED = auto()
    MOVED = auto()
    WRONG = auto()
    LOCKED_OUT = auto()


@dataclass(frozen=True)
class Outcome:
    """A result with what belongs to it: the message's id, the seconds to wait, the chat's new id."""

    result: Result
    message: int | None = None
    seconds: float = 0.0
    moved_to: int | None = None


@dataclass(frozen=True)
class Target:
    """Where a reply goes."""

    chat: int
    thread: int | None = None
    reply_to: int | None = None


async def call(request: BaseRequest, url: str, parameters: Mapping[str, Any], patience: float | None = None) -> object:
    """
    One call of the Bot API, and its result as JSON.

    python-telegram-bot's `Bot` makes objects of all that comes back; of a reply that was sent one number is wanted.

    Args:
        url: with the token and the method's name.
        parameters: what is None is left out.
        patience: seconds that the answer may take; None for the request's own.

    Raises:
        TelegramError: it failed.
    """
    given = [RequestParameter.from_input(name, value) for name, value in parameters.items() if value is not None]
    timeout = {} if patience is None else {"read_timeout": patience}
    result: object = await request.post(url, RequestData(given), **timeout)
    return result


def make_bot(token: str, root: str, count: int, clock: ServerClock | None = None) -> Bot:
    """A caller of the Bot API with so many connections of its own, whose answers set the clock."""
    return Bot(token, base_url=f"{root}/bot", request=Connections(count, clock), get_updates_request=Connections(1))


class Sender:
    """Sends, and tells what became of it. Emergencies have connections of their own."""

    def __init__(self, token: str, root: str) -> None:
        self._url = f"{root}/bot{token}/sendMessage"
        self.clock = ServerClock()
        """What time it is for Telegram."""
        self._lanes = {lane: Connections(count, self.clock) for lane, count in POOL.items()}
        self.bot = make_bot(token, root, OTHER_CALLS, self.clock)
        """For calls that are no replies."""

    async def send(self, reply: ClearedReply, target: Target, lane: Lane) -> Outcome:
        """
        Send a reply once; as plain text where its type is refused, without the thread where that is gone.

        Never raises.
        """
        if is_nowhere(target.chat):
            return Outcome(Result.SENT)
        plain = plain_reply(reply.passages)
        typed: dict[str, Any] = {
            "text": "\n\n".join(telegram_html(p.text) for p in reply.passages),
            "parse_mode": ParseMode.HTML,
        }
        shapes = [
            (typed, True, target),
            ({"text": plain}, True, target),
            ({"text": plain}, False, Target(target.chat)),
        ]
        outcome = Outcome(Result.WRONG)
        for shape, with_buttons, where in shapes:
            outcome = await self._once(shape, keyboard(reply.choices) if with_buttons else None, where, lane)
            if outcome.result is not Result.WRONG:
                return outcome
        alarm("send refused in every shape", topic=reply.topic)
        return outcome

    async def _once(
        self, shape: dict[str, Any], markup: InlineKeyboardMarkup | None, where: Target, lane: Lane
    ) -> Outcome:
        answered = ReplyParameters(where.reply_to, allow_sending_without_reply=True) if where.reply_to else None
        said = {
            "chat_id": where.chat,
            **shape,
            "reply_markup": markup,
            "reply_parameters": answered,
            "message_thread_id": where.thread,
            "link_preview_options": LinkPreviewOptions(is_disabled=True),
        }
        try:
            message = await asyncio.wait_for(call(self._lanes[lane], self._url, said), TIMEOUT)
        except Exception as error:  # noqa: BLE001 - an outcome that we do not know is one too
            return outcome_of(error)
        number = message.get("message_id") if isinstance(message, dict) else None
        return Outcome(Result.SENT, number if isinstance(number, int) else None)

    async def typing(self, chat: int) -> None:
        """Show that an answer is being made; it matters to nobody whether that arrives."""
        if is_nowhere(chat):
            return
        await self.bot.send_chat_action(chat, ChatAction.TYPING)

    async def close(self) -> None:
        """Close all connections."""
        # Bot.shutdown() does this only after initialize(), which asks Telegram.
        for request in (*self._lanes.values(), *self.bot._request):
            await request.shutdown()


def outcome_of(error: BaseException) -> Outcome:
    """
    What an error says of a send.

    A connection or a pool that failed: not sent. A read that failed, a 5xx, an answer that is not JSON: unknown.
    """
    match error:
        case RetryAfter():
            after = error.retry_after
            return Outcome(Result.REFUSED, seconds=after.total_seconds() if isinstance(after, timedelta) else after)
        case ChatMigrated():
            return Outcome(Result.MOVED, moved_to=error.new_chat_id)
        case Forbidden():
            return Outcome(Result.CLOSED)
        case InvalidToken() | Conflict():
            return Outcome(Result.LOCKED_OUT)
        case BadRequest():
            gone = (
                "chat not found",
                "user is deactivated",
                "peer_id_invalid",
                "not enough rights",
                "chat_write_forbidden",
            )
            closed = any(text in error.message.lower() for text in gone)
            return Outcome(Result.CLOSED if closed else Result.WRONG)
        case TimedOut() | NetworkError():
            return Outcome(Result.NOT_SENT if isinstance(error.__cause__, NOT_SENT) else Result.UNKNOWN)
        case TelegramError() if "unauthorized" in error.message.lower() or "not found" in error.message.lower():
            return Outcome(Result.LOCKED_OUT)
        case _:
            return Outcome(Result.UNKNOWN)


def keyboard(choices: tuple[Choice, ...]) -> InlineKeyboardMarkup | None:
    """Choices as buttons; two short ones share a row, so that the answer stays in sight."""
    rows: list[list[InlineKeyboardButton]] = []
    for choice in choices:
        button = InlineKeyboardButton(choice.label, callback_data=choice.send)
        last = rows[-1] if rows else []
        if len(last) == 1 and len(last[0].text) + len(choice.label) <= BUTTON:
            last.append(button)
        else:
            rows.append([button])
    return InlineKeyboardMarkup(rows) if rows else None
