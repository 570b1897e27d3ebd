"""A question of our own that goes the whole way, so that somebody hears of it when the way is broken."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from bot.channels.telegram.pseudonyms import CHANNEL
from bot.channels.telegram.sending import NOWHERE, is_nowhere

QUESTION = "what is naloxone"
"""What the canary asks."""


class Canary:
    """Asks from a chat that is nowhere, and knows when the answer came back."""

    def __init__(self) -> None:
        self._chat = NOWHERE + secrets.randbits(40)
        self._back = time.monotonic()

    def song(self) -> Mapping[str, Any]:
        """An update as Telegram would post it; each is new."""
        number = time.time_ns() // 1000
        chat = {"id": self._chat, "type": "private"}
        message = {"message_id": number, "date": int(time.time()), "chat": chat, "text": QUESTION}
        return {"update_id": number, "message": message}

    def arrived(self, chat: int) -> None:
        """An answer has arrived in a chat."""
        if chat == self._chat:
            self._back = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the canary last came back."""
        return time.monotonic() - self._back


def counted_as(chat: int) -> str:
    """The channel under which a message is counted: the canary's is nobody's."""
    return "canary" if is_nowhere(chat) else CHANNEL
