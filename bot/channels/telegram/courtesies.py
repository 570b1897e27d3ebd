"""What Telegram is asked besides sending: "typing", a button at rest, messages deleted. No answer waits for it, or fails with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from bot.channels.telegram.background import Background
from bot.channels.telegram.sending import Sender
from bot.channels.telegram.updates import Heard
from bot.telemetry import count_failure

PATIENCE = 5.0
"""Seconds that each may take."""
TYPING = 8
"""Chats at most that are shown "typing" at one moment."""
HIDDEN_AT_ONCE = 100
"""Messages that one deleteMessages takes (Bot API)."""


class Courtesies:
    """Asks for them, and shrugs where Telegram does not grant them."""

    def __init__(self, sender: Sender, background: Background) -> None:
        self._sender = sender
        self._background = background
        self._typing_in = 0

    def acknowledge(self, heard: Heard | None) -> None:
        """Let the button that was pressed come to rest, where one was; a repeated press too."""
        if heard and heard.tap:
            self._background.spawn(self._acknowledge(heard.tap))

    def show_typing(self, chat: int) -> None:
        """Show that an answer is being written, unless many chats are shown so already: the answers need the lines."""
        self._background.spawn(self._show_typing(chat))

    def delete(self, sent: Iterable[bytes]) -> None:
        """
        Delete messages, as far as Telegram lets us.

        Args:
            sent: as `chat/message`.
        """
        self._background.spawn(self._delete_all(sent))

    async def _delete_all(self, sent: Iterable[bytes]) -> None:
        places: dict[int, list[int]] = {}
        for one in sent:
            chat, _, message = one.decode().partition("/")
            places.setdefault(int(chat), []).append(int(message))
        for place, ids in places.items():
            for start in range(0, len(ids), HIDDEN_AT_ONCE):
                await self._delete(place, ids[start : start + HIDDEN_AT_ONCE])

    async def _delete(self, chat: int, ids: list[int]) -> None:
        try:
            await asyncio.wait_for(self._sender.bot.delete_messages(chat, ids), PATIENCE)
        except Exception as error:  # noqa: BLE001 - what cannot be deleted stays, and the reply says that it may
            count_failure(error, "hide")

    async def _acknowledge(self, tap: str) -> None:
        try:
            await asyncio.wait_for(self._sender.bot.answer_callback_query(tap), PATIENCE)
        except Exception:  # noqa: BLE001 - the button stops blinking by itself
            return

    async def _show_typing(self, chat: int) -> None:
        if self._typing_in >= TYPING:
            return
        self._typing_in += 1
        try:
            await asyncio.wait_for(self._sender.typing(chat), PATIENCE)
        except Exception:  # noqa: BLE001 - the answer is on its way
            return
        finally:
            self._typing_in -= 1
