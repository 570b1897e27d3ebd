"""How much a bot may send: token buckets, and the times in which a chat is told to wait."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

NOTICE = 0.25
"""Seconds that a bot is given to hear that it is to wait, before its sends are counted as made in spite of it."""
BOT = 0
"""Stands for all chats together, where a chat's id is asked for."""


@dataclass
class Bucket:
    """So many at once, and then so many a second."""

    burst: float
    rate: float
    level: float
    at: float

    def refill(self, now: float) -> None:
        """What has come in since."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now


@dataclass(frozen=True)
class Limits:
    """What Telegram is known to allow; bursts are what bots see, since Telegram tells none."""

    private_rate: float = 1.0
    private_burst: float = 3.0
    group_rate: float = 20 / 60
    group_burst: float = 20.0
    bot_rate: float = 30.0
    bot_burst: float = 30.0


@dataclass
class Gate:
    """Whether a send may pass now."""

    limits: Limits | None = None
    refused: int = 0
    """Sends over the limits."""
    while_limited: dict[int, int] = field(default_factory=dict)
    """By chat: sends that came although the chat, or the bot, had been told to wait."""
    until: dict[int, float] = field(default_factory=dict)
    heard: dict[int, float] = field(default_factory=dict)
    buckets: dict[int, Bucket] = field(default_factory=dict)

    def hold(self, chat: int, now: float, seconds: float) -> None:
        """A chat (or `BOT`) is to wait."""
        if self.until.get(chat, 0.0) <= now:
            self.heard[chat] = now + NOTICE
        self.until[chat] = max(self.until.get(chat, 0.0), now + seconds)

    def wait(self, chat: int, now: float) -> int:
        """
        Let one send pass, or not.

        Returns:
            0, or after how many whole seconds to come again.
        """
        holds = [who for who in (chat, BOT) if self.until.get(who, 0.0) > now]
        if holds:
            if any(now > self.heard[who] for who in holds):
                self.while_limited[chat] = self.while_limited.get(chat, 0) + 1
            return math.ceil(max(self.until[who] for who in holds) - now)
        if self.limits is None:
            return 0
        pair = self.bucket(chat, now), self.bucket(BOT, now)
        missing = max((1 - bucket.level) / bucket.rate for bucket in pair)
        if missing > 1e-9:
            self.refused += 1
            seconds = max(1, math.ceil(missing))
            self.hold(chat, now, seconds)
            return seconds
        for bucket in pair:
            bucket.level -= 1
        return 0

    def bucket(self, chat: int, now: float) -> Bucket:
        """The bucket of a private chat, a group, or the bot, filled up to now."""
        assert self.limits
        if chat not in self.buckets:
            if chat == BOT:
                burst, rate = self.limits.bot_burst, self.limits.bot_rate
            elif chat > 0:
                burst, rate = self.limits.private_burst, self.limits.private_rate
            else:
                burst, rate = self.limits.group_burst, self.limits.group_rate
            self.buckets[chat] = Bucket(burst, rate, burst, now)
        self.buckets[chat].refill(now)
        return self.buckets[chat]
