"""How the server misbehaves: scripted faults, and faults by lot."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

ANY = "*"
"""Every method."""
WEBHOOK = "webhook"
"""The method name under which the posts to the bot's webhook are disturbed."""


class Kind(Enum):
    """What happens on the wire."""

    REFUSE = "refuse"
    RESET = "reset"
    LOST = "lost"
    TRUNCATED = "truncated"
    GARBAGE = "garbage"
    HANG = "hang"
    SLOW = "slow"


@dataclass(frozen=True)
class Fault:
    """
    One thing that goes wrong with one request; made by the functions below.

    Attributes:
        executed: whether the request had its effect all the same.
        page: the answer is a proxy's HTML page, not Telegram's JSON.
        everywhere: the limit holds for the whole bot, not for one chat alone.
    """

    kind: Kind
    executed: bool = False
    status: int = 200
    description: str = ""
    seconds: float = 0.0
    retry_after: int | None = None
    migrate_to: int | None = None
    page: bool = False
    everywhere: bool = False

    @classmethod
    def refusal(cls, status: int, description: str, *, executed: bool = False) -> Fault:
        """Any answer that is not ok."""
        return cls(Kind.REFUSE, executed, status, description)

    @classmethod
    def too_many(cls, retry_after: int = 5, *, everywhere: bool = False) -> Fault:
        """429. Until the time is over, every send of that chat (or of the bot) is answered so, and counted."""
        return cls(
            Kind.REFUSE,
            status=429,
            description=f"Too Many Requests: retry after {retry_after}",
            retry_after=retry_after,
            everywhere=everywhere,
        )

    @classmethod
    def server_error(cls, status: int = 502, *, executed: bool = False, page: bool = False) -> Fault:
        """500, 502, 503 or 504."""
        words = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
        return cls(Kind.REFUSE, executed, status, words[status], page=page)

    @classmethod
    def reset(cls) -> Fault:
        """The connection is reset before anything is done."""
        return cls(Kind.RESET)

    @classmethod
    def lost(cls) -> Fault:
        """Done, and the connection closed without an answer."""
        return cls(Kind.LOST, executed=True)

    @classmethod
    def truncated(cls, *, executed: bool = True) -> Fault:
        """The connection closes in the middle of the JSON."""
        return cls(Kind.TRUNCATED, executed)

    @classmethod
    def garbage(cls, *, executed: bool = True) -> Fault:
        """Status 200 and a body that is no JSON."""
        return cls(Kind.GARBAGE, executed)

    @classmethod
    def hang(cls, seconds: float, *, executed: bool = True) -> Fault:
        """Silence. Executed: done at once, answered after it. Not executed: then the connection closes."""
        return cls(Kind.HANG, executed, seconds=seconds)

    @classmethod
    def slow(cls, seconds: float) -> Fault:
        """Done in the middle of the seconds, answered at their end."""
        return cls(Kind.SLOW, executed=True, seconds=seconds)

    @classmethod
    def unauthorized(cls) -> Fault:
        """401, as after a token was revoked."""
        return cls.refusal(401, "Unauthorized")

    @classmethod
    def not_found(cls, *, page: bool = False) -> Fault:
        """404, as of a wrong token, or of a proxy."""
        return cls(Kind.REFUSE, status=404, description="Not Found", page=page)

    @classmethod
    def conflict(cls) -> Fault:
        """409, as of a second poller."""
        return cls.refusal(409, CONFLICT)

    @classmethod
    def forbidden(cls, description: str = "bot was blocked by the user") -> Fault:
        """403."""
        return cls.refusal(403, f"Forbidden: {description}")

    @classmethod
    def bad_request(cls, description: str) -> Fault:
        """400."""
        return cls.refusal(400, f"Bad Request: {description}")

    @classmethod
    def migrated(cls, chat: int) -> Fault:
        """400: the group has another id now."""
        return cls(Kind.REFUSE, status=400, description=f"Bad Request: {UPGRADED}", migrate_to=chat)


CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
UPGRADED = "group chat was upgraded to a supergroup chat"


@dataclass
class Planned:
    """A fault that waits for its requests."""

    fault: Fault
    method: str
    chat: int | None = None
    left: int | None = 1
    used: int = 0

    def stop(self) -> None:
        """It happens no more."""
        self.left = 0

    def fits(self, method: str, chat: int | None) -> bool:
        """Whether it is the turn of this request."""
        return self.left != 0 and self.method in (ANY, method) and self.chat in (None, chat)

    def take(self) -> Fault:
        """One request less to disturb."""
        self.used += 1
        if self.left is not None:
            self.left -= 1
        return self.fault


@dataclass
class Lot:
    """Faults drawn by lot: each request of a method meets each of them at its rate."""

    method: str
    rates: Mapping[Fault, float]
    dice: random.Random

    def draw(self) -> Fault | None:
        """At most one of the faults."""
        drawn = self.dice.random()
        for fault, rate in self.rates.items():
            drawn -= rate
            if drawn < 0:
                return fault
        return None


@dataclass
class Delay:
    """A time that every request of a method takes."""

    method: str
    low: float
    high: float
    dice: random.Random


@dataclass
class Plan:
    """All that is to go wrong; what is scripted goes before what is drawn, and both before mere delay."""

    scripted: list[Planned] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    delays: list[Delay] = field(default_factory=list)

    def next_fault(self, method: str, chat: int | None) -> Fault | None:
        """The fault of this request, if any; it is used up."""
        for planned in self.scripted:
            if planned.fits(method, chat):
                return planned.take()
        for lot in self.lots:
            if lot.method in (ANY, method) and (fault := lot.draw()):
                return fault
        for delay in self.delays:
            if delay.method in (ANY, method):
                return Fault.slow(delay.dice.uniform(delay.low, delay.high))
        return None

    def clear(self) -> None:
        """From now on all goes well."""
        for planned in self.scripted:
            planned.stop()
        self.scripted.clear()
        self.lots.clear()
        self.delays.clear()
