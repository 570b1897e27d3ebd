"""Whether Telegram has our address and reaches it: asked every minute, told again where it was forgotten."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from telegram import Bot, WebhookInfo
from telegram.error import InvalidToken, TelegramError

from bot.channels.telegram.receiving import LOCKED_OUT, WANTED, insist
from bot.telemetry import WEBHOOK_ASTRAY, WEBHOOK_ERROR_SECONDS, WEBHOOK_PENDING, alarm, count_failure

T = TypeVar("T")
ASKED = 60.0
"""Seconds between two looks."""
PATIENCE = 15.0
STALE = 2 * (ASKED + PATIENCE)
"""Seconds without a good answer after which it is not known whether posts come: two looks have failed."""
NEVER = float("inf")


@dataclass
class Webhook:
    """Our address at Telegram."""

    bot: Bot
    address: str
    secret: str
    is_astray: bool = False
    """Whether another address stood there at the last look."""
    locked_out: bool = False
    """Whether Telegram refused our token when it was last asked."""
    last_good: float = field(default_factory=time.monotonic)
    """When Telegram last answered well."""

    @property
    def is_well(self) -> bool:
        """Whether Telegram posts to us, as far as is known."""
        return not (self.is_astray or self.locked_out) and time.monotonic() - self.last_good < STALE

    async def keep(self) -> None:
        """Tell it, and look after it without end."""
        await self.tell()
        while True:
            await asyncio.sleep(LOCKED_OUT if self.locked_out else ASKED)
            try:
                await self.look()
            except InvalidToken:
                continue  # told of when it began
            except (TelegramError, TimeoutError) as error:
                count_failure(error, "webhook")

    async def tell(self) -> None:
        """Tell Telegram where to post, until it has heard."""
        await insist(
            lambda: self._heard(
                self.bot.set_webhook(
                    self.address,
                    secret_token=self.secret,
                    allowed_updates=WANTED,
                    max_connections=100,
                    drop_pending_updates=False,
                )
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
        told = await self._heard(asyncio.wait_for(self.bot.get_webhook_info(), PATIENCE))
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

    async def _heard(self, answer: Awaitable[T]) -> T:
        """An answer of Telegram's, from which is known whether it takes our token."""
        try:
            told = await answer
        except InvalidToken:
            if not self.locked_out:
                alarm("token refused")
            self.locked_out = True
            raise
        self.locked_out, self.last_good = False, time.monotonic()
        return told


def since_error(told: WebhookInfo) -> float:
    """Seconds since Telegram last failed to post."""
    return time.time() - told.last_error_date.timestamp() if told.last_error_date else NEVER
