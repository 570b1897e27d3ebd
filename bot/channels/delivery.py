"""
Lanes and pacing: whose message is answered, and whose answer is sent, next; emergencies first.

Plain values: no clock and no network. `now` is always monotonic seconds.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, deque
from collections.abc import Callable, Container
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from math import ceil
from queue import PriorityQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")
SWEPT = 4096
"""So many chats more, and those whose pace matters no more are forgotten."""


class Lane(IntEnum):
    """Who goes first."""

    EMERGENCY = 0
    ORDINARY = 1


@dataclass(frozen=True)
class Limits:
    """
    How fast a channel takes messages.

    Telegram's, from its FAQ for bots: about one a second in a chat, 20 a minute in a group, about 30 a second in all.
    They are not promised, so a refusal is obeyed to the letter, and the overall pace is raised only where a steady
    stream of messages asks for more, and lowered at the first sign of trouble.
    """

    gap: float = 1.05
    group_minute: int = 19
    pace: int = 26
    reserve: int = 3
    parts: int = 4
    highest: int = 60
    careful: int = 24
    calm: float = 600.0


@dataclass
class _Chat:
    waiting: dict[Lane, int] = field(default_factory=dict)
    group: bool = False
    busy: bool = False
    next_at: float = 0.0
    held: bool = False
    minute: deque[float] = field(default_factory=deque)


class Schedule:
    """
    Which chat is served next.

    One message of a chat is on its way at a time; what waits in it is told by lane and order. Between chats the
    emergency lane goes first, then the lower order.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.pace = limits.pace
        self.part = 1.0
        """The part of the pace that is ours, where several processes share it."""
        self._chats: dict[str, _Chat] = {}
        self._ready: dict[Lane, list[tuple[int, str]]] = {lane: [] for lane in Lane}
        self._later: list[tuple[float, str]] = []
        self._window: deque[float] = deque()
        self._left: deque[float] = deque()
        self._asked: Counter[int] = Counter()
        self._refusals: deque[tuple[float, str, float]] = deque(maxlen=16)
        self._paused: dict[Lane, float] = dict.fromkeys(Lane, 0.0)
        self._trouble = float("-inf")
        self._raised = float("-inf")
        self._swept_at = SWEPT

    def asked(self, at: float) -> None:
        """
        One message more is to be sent; a steady stream of them raises the pace.

        Args:
            at: when it was asked for, not when its answer was ready: a crowd that came at once is no stream, however
                slowly its answers are made.
        """
        self._asked[int(at)] += 1

    def offer(self, chat: str, lane: Lane, order: int, now: float) -> None:
        """A message waits for a chat, with its place among all."""
        entry = self._chats.setdefault(chat, _Chat())
        entry.waiting[lane] = min(order, entry.waiting.get(lane, order))
        if not entry.busy:
            self._file(chat, entry, now)

    def is_free(self, chat: str, lane: Lane, now: float) -> bool:
        """Whether a message to a chat for which nothing waits would go out at once."""
        entry = self._chats.get(chat)
        rested = entry is None or (not entry.busy and self._free_at(entry, now) <= now)
        return rested and now >= self._paused[lane] and self._has_room(lane, now)

    def take(self, now: float, lanes: Container[Lane] = tuple(Lane)) -> tuple[str, Lane] | None:
        """The chat whose next message may go out now, and from which of `lanes`; it is busy until `done`."""
        while self._later and self._later[0][0] <= now:
            _, chat = heapq.heappop(self._later)
            entry = self._chats.get(chat)
            if entry and not entry.busy and entry.waiting:
                self._file(chat, entry, now)
        self._adapt(now)
        for lane in Lane:
            if lane not in lanes or not self._has_room(lane, now) or now < self._paused[lane]:
                continue
            while self._ready[lane]:
                order, chat = heapq.heappop(self._ready[lane])
                entry = self._chats.get(chat)
                if entry is None or entry.busy or entry.waiting.get(lane) != order:
                    continue  # filed again since, or gone
                if self._free_at(entry, now) > now:
                    self._file(chat, entry, now)
                    continue
                entry.busy = True
                entry.waiting.clear()
                self._window.append(now)
                if entry.group:
                    entry.minute.append(now)
                return chat, lane
        return None

    def leave(self, lane: Lane, now: float) -> float:
        """
        Count one that leaves this very moment, unless it has to wait.

        What was taken is first marked in the store, and where that takes its time many would leave at once.

        Returns:
            Seconds to wait before asking again; 0 where it leaves.
        """
        while self._left and self._left[0] <= now - 1.0:
            self._left.popleft()
        if len(self._left) < self._share + (self._reserve if lane is Lane.EMERGENCY else 0):
            self._left.append(now)
            return 0.0
        return max(0.005, self._left[0] + 1.0 - now)

    def wait(self, now: float, lanes: Container[Lane] = tuple(Lane)) -> float | None:
        """Seconds until `take` may have something; None: not before something is offered or done."""
        times = [self._later[0][0]] if self._later else []
        for lane in Lane:
            if lane in lanes and self._ready[lane]:
                first = min(self._window[0] + 1.0, self._window[-1] + 1.0 / self.limits.parts) if self._window else now
                times.append(max(self._paused[lane], first, now + 0.005))
        return max(0.001, min(times) - now) if times else None

    def unused(self, chat: str) -> None:
        """Nothing was there to be sent to a chat that was taken."""
        self._chats.setdefault(chat, _Chat()).busy = False

    def done(self, chat: str, now: float) -> None:
        """A send to a chat ended; what still waits there is to be offered anew."""
        entry = self._chats.setdefault(chat, _Chat())
        entry.busy = False
        if not entry.held:
            entry.next_at = now + self.limits.gap
        entry.held = False

    def hold(self, chat: str, seconds: float, now: float) -> None:
        """Nothing goes to a chat for so many seconds: a send whose outcome is unknown is repeated after a while."""
        entry = self._chats.setdefault(chat, _Chat())
        entry.next_at, entry.held = max(entry.next_at, now + seconds), True

    def pause(self, seconds: float, now: float) -> None:
        """Nothing goes to anybody for so many seconds."""
        for lane in Lane:
            self._paused[lane] = max(self._paused[lane], now + seconds)

    def refused(self, chat: str, seconds: float, now: float) -> bool:
        """
        The channel refused a send and named the seconds to wait.

        One chat refused is that chat's matter. Two of them within a second: all ordinary sending waits. Where two are
        told to wait until the same moment, some way off, the channel as a whole is closed, and emergencies wait too.

        Returns:
            Whether the channel as a whole is closed.
        """
        self.hold(chat, seconds, now)
        until = now + seconds
        others = [(at, end) for at, other, end in self._refusals if other != chat and end > now]
        closed = seconds >= 4 and any(abs(end - until) <= 1.5 for _, end in others)
        if closed or any(now - at <= 1.0 for at, _ in others):
            self._paused[Lane.ORDINARY] = max(self._paused[Lane.ORDINARY], until)
            self.pace, self._trouble = self.limits.careful, now
        if closed:
            self._paused[Lane.EMERGENCY] = max(self._paused[Lane.EMERGENCY], until)
        self._refusals.append((now, chat, until))
        return closed

    def is_group(self, chat: str) -> None:
        """A chat is a group: it takes fewer messages a minute."""
        self._chats.setdefault(chat, _Chat()).group = True

    def forget(self, chat: str, now: float) -> None:
        """Nothing more waits for a chat; its pace is remembered as long as it matters."""
        entry = self._chats.get(chat)
        if entry:
            entry.waiting.clear()
        if len(self._chats) >= self._swept_at:
            self._chats = {key: entry for key, entry in self._chats.items() if not _is_over(entry, now)}
            self._swept_at = len(self._chats) + SWEPT

    def _file(self, chat: str, entry: _Chat, now: float) -> None:
        free_at = self._free_at(entry, now)
        if free_at > now:
            heapq.heappush(self._later, (free_at, chat))
            return
        for lane, order in entry.waiting.items():
            heapq.heappush(self._ready[lane], (order, chat))

    def _free_at(self, entry: _Chat, now: float) -> float:
        while entry.minute and entry.minute[0] <= now - 60:
            entry.minute.popleft()
        full = len(entry.minute) >= self.limits.group_minute
        return max(entry.next_at, entry.minute[0] + 60.0 if full else 0.0)

    def is_over(self, chat: str, now: float) -> bool:
        """Whether what went to a chat holds up nothing any more."""
        entry = self._chats.get(chat)
        if entry is None:
            return True
        self._free_at(entry, now)
        return _is_over(entry, now)

    @property
    def _share(self) -> int:
        return max(2, int(self.pace * self.part))

    @property
    def _reserve(self) -> int:
        return ceil(self.limits.reserve * self.part)

    def _has_room(self, lane: Lane, now: float) -> bool:
        """
        Whether one more may go out within the pace, emergencies from the reserve.

        Ordinary ones are spread over the second: all of one second's at its end and all of the next one's at its
        beginning would be more in a second than the channel takes.
        """
        while self._window and self._window[0] <= now - 1.0:
            self._window.popleft()
        if lane is Lane.EMERGENCY:
            return len(self._window) < self._share
        lately = sum(at > now - 1.0 / self.limits.parts for at in self._window)
        return len(self._window) < self._share - self._reserve and lately < -(-self._share // self.limits.parts)

    def _adapt(self, now: float) -> None:
        """Faster where a steady stream of three seconds asks for it and nothing was refused for long."""
        second = int(now)
        for old in [at for at in self._asked if at < second - 3]:
            del self._asked[old]
        steady = all(self._asked[second - back] >= 0.8 * self._share for back in (1, 2, 3))
        if steady and now - self._raised >= 1.0 and now - self._trouble >= self.limits.calm:
            self.pace, self._raised = min(self.limits.highest, int(self.pace * 1.25)), now


def _is_over(entry: _Chat, now: float) -> bool:
    return not entry.busy and not entry.waiting and entry.next_at < now and not entry.minute


class Engine:
    """
    One thread that does what takes the processor, emergencies first, so that the event loop is always free.

    Numpy and the model release the interpreter while they work, so this costs the loop little.
    """

    def __init__(self, name: str) -> None:
        self._work: PriorityQueue[tuple[int, int, Callable[[], Any] | None, Future[Any] | None]] = PriorityQueue()
        self._order = itertools.count()
        self._begun: float | None = None
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, lane: Lane, work: Callable[[], T]) -> Future[T]:
        """Do a piece of work after all of its lane that came before it."""
        future: Future[T] = Future()
        self._work.put((lane, next(self._order), work, future))
        return future

    @property
    def at_work(self) -> float:
        """Seconds that the piece of work at hand has taken so far; 0 where there is none."""
        begun = self._begun
        return 0.0 if begun is None else monotonic() - begun

    def close(self) -> None:
        """End after the work at hand."""
        self._work.put((-1, 0, None, None))

    def _run(self) -> None:
        while True:
            _, _, work, future = self._work.get()
            if work is None or future is None:
                return
            if not future.set_running_or_notify_cancel():
                continue
            self._begun = monotonic()
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the result
                future.set_exception(error)
            self._begun = None
