"""A cleared reply -> a message of Telegram, and what became of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any

import httpx
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
from telegram.request import HTTPXRequest

from bot.channels.delivery import Lane
from bot.markup import plain_reply, telegram_html
from bot.telemetry import alarm
from bot.vocabulary import Choice, ClearedReply

TIMEOUT = 10.0
"""Seconds that one call may take in all."""
POOL = {Lane.EMERGENCY: 32, Lane.ORDINARY: 128}
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""Errors that come before a request has left; after any other, nobody knows."""
NOWHERE = 2**52
"""Chats from here on are nobody's: Telegram's numbers have at most 52 significant bits (Bot API). Nothing is sent there."""
BUTTON = 38
"""Characters of a label beside which another button still fits on a phone."""


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


def make_bot(token: str, root: str, pool: int) -> Bot:
    """A caller of the Bot API with a pool of connections of its own."""
    request = HTTPXRequest(
        connection_pool_size=pool, connect_timeout=4.0, read_timeout=8.0, write_timeout=6.0, pool_timeout=1.0
    )
    return Bot(token, base_url=f"{root}/bot", request=request, get_updates_request=HTTPXRequest(connection_pool_size=2))


class Sender:
    """Sends, and tells what became of it. Emergencies have connections of their own."""

    def __init__(self, token: str, root: str) -> None:
        self._bots = {lane: make_bot(token, root, size) for lane, size in POOL.items()}

    @property
    def bot(self) -> Bot:
        """For calls that are no replies."""
        return self._bots[Lane.ORDINARY]

    async def send(self, reply: ClearedReply, target: Target, lane: Lane) -> Outcome:
        """
        Send a reply once; as plain text where its type is refused, without the thread where that is gone.

        Never raises.
        """
        if target.chat >= NOWHERE:
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
        try:
            message = await asyncio.wait_for(
                self._bots[lane].send_message(
                    where.chat,
                    **shape,
                    reply_markup=markup,
                    reply_parameters=answered,
                    message_thread_id=where.thread,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                ),
                TIMEOUT,
            )
        except Exception as error:  # noqa: BLE001 - an outcome that we do not know is one too
            return outcome_of(error)
        return Outcome(Result.SENT, message.message_id)

    async def typing(self, chat: int) -> None:
        """Show that an answer is being made; it matters to nobody whether that arrives."""
        if chat >= NOWHERE:
            return
        await self.bot.send_chat_action(chat, ChatAction.TYPING)

    async def close(self) -> None:
        """Close all connections."""
        for bot in self._bots.values():
            for request in bot._request:  # Bot.shutdown() does this only after initialize(), which asks Telegram
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
