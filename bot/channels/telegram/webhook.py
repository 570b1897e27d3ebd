"""Whether Telegram has our address and reaches it: asked every minute, told again where it was forgotten."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from telegram import Bot, WebhookInfo
from telegram.error import TelegramError

from bot.channels.telegram.receiving import WANTED, insist
from bot.telemetry import WEBHOOK_ASTRAY, WEBHOOK_ERROR_SECONDS, WEBHOOK_PENDING, alarm, count_failure

ASKED = 60.0
"""Seconds between two looks."""
PATIENCE = 15.0
NEVER = float("inf")


@dataclass
class Webhook:
    """Our address at Telegram."""

    bot: Bot
    address: str
    secret: str
    is_astray: bool = False
    """Whether another address stood there at the last look."""

    async def keep(self) -> None:
        """Tell it, and look after it without end."""
        await self.tell()
        while True:
            await asyncio.sleep(ASKED)
            try:
                await self.look()
            except (TelegramError, TimeoutError) as error:
                count_failure(error, "webhook")

    async def tell(self) -> None:
        """Tell Telegram where to post, until it has heard."""
        await insist(
            lambda: self.bot.set_webhook(
                self.address,
                secret_token=self.secret,
                allowed_updates=WANTED,
                max_connections=100,
                drop_pending_updates=False,
            ),
            "webhook set",
        )

    async def look(self) -> None:
        """
        Look once at what Telegram has; where that is nothing, tell it again.

        Another address is another deploy's: it is left, since two that take it from each other both lose messages.

        Raises:
            TelegramError, TimeoutError: Telegram did not say.
        """
        told = await asyncio.wait_for(self.bot.get_webhook_info(), PATIENCE)
        WEBHOOK_PENDING.set(told.pending_update_count)
        WEBHOOK_ERROR_SECONDS.set(since_error(told))
        if not told.url:
            alarm("webhook gone")
            await self.tell()
        is_astray = bool(told.url) and told.url != self.address
        WEBHOOK_ASTRAY.set(is_astray)
        if is_astray and not self.is_astray:
            alarm("webhook elsewhere")
        self.is_astray = is_astray


def since_error(told: WebhookInfo) -> float:
    """Seconds since Telegram last failed to post."""
    return time.time() - told.last_error_date.timestamp() if told.last_error_date else NEVER
