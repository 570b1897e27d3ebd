"""Updates that wait for the bot, and when Telegram lets go of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.telegram.texts import Json

NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
IN_FUTURE = 10
IN_PAST = 200_000
"""An offset farther away than these is taken for a mistake, and all is given from the first."""


def kind_of(update: Json) -> str:
    """What an update is about: "message", "callback_query" and so on."""
    return next((key for key in update if key != "update_id"), "")


def lane_of(update: Json) -> Hashable:
    """The queue in which an update is posted to a webhook, one at a time."""
    kind = kind_of(update)
    body = update.get(kind)
    try:
        if kind == "callback_query":
            return "user", body["from"]["id"]  # type: ignore[index]
        if kind.endswith("chat_member"):
            return "member", body["chat"]["id"]  # type: ignore[index]
        return "chat", body["chat"]["id"]  # type: ignore[index]
    except (KeyError, TypeError):
        return "other", id(update)


@dataclass
class Pending:
    """The updates not yet let go, in the order in which they came about."""

    next_id: int = 1000
    tail: int = 1000
    allowed: frozenset[str] | None = None
    waiting: list[Json] = field(default_factory=list)
    strays: list[Json] = field(default_factory=list)
    dropped: list[Json] = field(default_factory=list)

    def put(self, update: Json, *, insist: bool = False) -> Json:
        """
        Queue an update; one without an id gets the next. One whose id is no number is given once.

        Args:
            insist: queue it, even if the bot does not want to hear of its kind.
        """
        if "update_id" not in update:
            update = {"update_id": self.next_id, **update}
        if not isinstance(update["update_id"], int):
            self.strays.append(update)
            return update
        self.next_id = self.tail = max(self.tail, update["update_id"] + 1)
        if insist or self.wants(kind_of(update)):
            self.waiting.append(update)
        return update

    def wants(self, kind: str) -> bool:
        """Whether the bot asked for this kind."""
        return kind in self.allowed if self.allowed is not None else kind not in NOT_BY_DEFAULT

    def allow(self, kinds: Iterable[str] | None) -> None:
        """What the bot wants to hear of from now on; None leaves it as it was, nothing named is the default."""
        if kinds is not None:
            self.allowed = frozenset(kinds) or None

    def forget(self, offset: int) -> None:
        """Let go of what the bot has: of all before the offset, or before the last so many where it is negative."""
        if offset < 0:
            self.waiting = self.waiting[offset:]
        elif 0 < offset <= self.tail + IN_FUTURE and offset >= self.tail - IN_PAST:
            self.waiting = [update for update in self.waiting if update["update_id"] >= offset]

    def batch(self, limit: int) -> Sequence[Json]:
        """The next updates; a stray one is given once."""
        found = [*self.strays, *self.waiting][:limit]
        self.strays = self.strays[limit:]
        return found

    def drop(self) -> None:
        """What `drop_pending_updates` does."""
        self.dropped += self.waiting
        self.waiting.clear()
