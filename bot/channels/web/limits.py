"""How much one address may ask, and replies given before to the same request. In memory, bounded, without an address."""

from __future__ import annotations

import hmac
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

from bot.store.sealing import SealError, Sealing

LATELY = 2.0
"""Seconds. A person reads an answer for longer before asking again."""


@dataclass(frozen=True)
class Limits:
    """What the web channel bears. A school has one address, so an address may ask a good deal."""

    burst: int = 60
    per_second: float = 4.0
    addresses: int = 10_000
    queue_seconds: float = 0.8
    """How long a message may have to wait for the engine; others are looked at by signals alone."""
    body: int = 64 * 1024
    body_seconds: float = 10.0
    answer_seconds: float = 1.5
    kept_replies: int = 1_000
    kept_seconds: float = 600.0


class Rate:
    """
    A bucket of tokens for each address.

    An address is known by a hash whose key changes every day. Whoever speaks from this very machine is not limited:
    that is the operator, or a proxy that does not tell for whom it asks.
    """

    def __init__(self, sealing: Sealing, limits: Limits) -> None:
        self._sealing = sealing
        self._limits = limits
        self._day: date | None = None
        self._key = b""
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def is_new(self, address: str | None, now: float, today: date) -> bool:
        """Whether an address has not asked in the last seconds; where we cannot tell one from another, none is new."""
        known = self._known(address, today)
        if known is None:
            return False
        _, at = self._buckets.get(known, (0.0, float("-inf")))
        return now - at > LATELY

    def wait(self, address: str | None, now: float, today: date) -> int:
        """Take a token; returns 0, or in how many whole seconds there is one again."""
        known = self._known(address, today)
        if known is None:
            return 0
        tokens, at = self._buckets.pop(known, (float(self._limits.burst), now))
        tokens = min(self._limits.burst, tokens + (now - at) * self._limits.per_second)
        allowed = tokens >= 1
        self._buckets[known] = (tokens - 1 if allowed else tokens, now)
        while len(self._buckets) > self._limits.addresses:
            self._buckets.popitem(last=False)
        return 0 if allowed else max(1, round((1 - tokens) / self._limits.per_second))

    def _known(self, address: str | None, today: date) -> bytes | None:
        """As what an address is known today; None for this machine."""
        network = network_of(address)
        if network is None:
            return None
        if today != self._day:
            self._day, self._key = today, self._sealing.derived(f"web-rate/{today}").encode()
            self._buckets.clear()
        return hmac.digest(self._key, network.encode(), "sha256")


def network_of(address: str | None) -> str | None:
    """Whom a limit counts: an IPv4 address, the /64 of an IPv6 address; None for this machine."""
    try:
        read = ip_address(address or "")
    except ValueError:
        return address or None
    if isinstance(read, IPv6Address) and read.ipv4_mapped:
        read = read.ipv4_mapped
    if read.is_loopback:
        return None
    return str(read) if read.version == 4 else str(int(read) >> 64)


@dataclass(frozen=True)
class Given:
    """A reply given before: which body it answered, the sealed reply, and until when it is kept."""

    body: str
    reply: bytes
    until: float


class Replies:
    """Replies by idempotency key, sealed; what they answered is known by a keyed hash alone."""

    PURPOSE = "web-reply"

    def __init__(self, sealing: Sealing, limits: Limits) -> None:
        self._sealing = sealing
        self._limits = limits
        self._kept: OrderedDict[str, Given] = OrderedDict()

    def find(self, key: str, body: bytes, now: float) -> bytes | None:
        """
        The reply given before; None where there is none.

        Raises:
            OtherBodyError: the key came with another body.
        """
        given = self._kept.get(self._name(key))
        if given is None or given.until < now:
            return None
        if given.body != self._digest(body):
            raise OtherBodyError
        try:
            return self._sealing.open(self.PURPOSE, given.reply)
        except SealError:
            return None

    def keep(self, key: str, body: bytes, reply: bytes, now: float) -> None:
        """Keep a reply for ten minutes; of too many, the oldest is dropped."""
        until = now + self._limits.kept_seconds
        self._kept[self._name(key)] = Given(self._digest(body), self._sealing.seal(self.PURPOSE, reply), until)
        while len(self._kept) > self._limits.kept_replies:
            self._kept.popitem(last=False)

    def _name(self, key: str) -> str:
        return self._sealing.pseudonym("idempotency", key)

    def _digest(self, body: bytes) -> str:
        return self._sealing.pseudonym("idempotency-body", sha256(body).hexdigest())


class OtherBodyError(Exception):
    """An idempotency key was used before, for another body."""
