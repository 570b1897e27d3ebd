"""Who goes next: emergencies first, never faster than the limits, nothing forgotten."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.delivery import Engine, Lane, Limits, Schedule

CHATS = tuple("abcdefgh")
LIMITS = Limits(pace=6, reserve=2, highest=12, careful=4, group_minute=5)


class Played:
    """A schedule played through on a clock of our own, with all that it did."""

    def __init__(self, limits: Limits, groups: Sequence[str] = ()) -> None:
        self.schedule = Schedule(limits)
        self.limits = limits
        self.now = 1000.0
        self.waiting: dict[str, list[tuple[Lane, int]]] = defaultdict(list)
        self.sent: list[tuple[float, str, Lane, int]] = []
        self.ends: list[tuple[float, str]] = []
        self.closed: dict[str, float] = {}
        self.refusals: list[tuple[float, str, float]] = []
        self.orders = itertools.count()
        for group in groups:
            self.schedule.is_group(group)

    def offer(self, chat: str, lane: Lane) -> None:
        """One message more."""
        order = next(self.orders)
        self.waiting[chat].append((lane, order))
        self.schedule.asked(self.now)
        self.schedule.offer(chat, lane, order, self.now)

    def run(self, until: float, takes: float = 0.1, refuse: float | None = None) -> None:
        """Take what may be taken until then; each send takes so long, and may be refused for so many seconds."""
        while self.now < until:
            for end, chat in [one for one in self.ends if one[0] <= self.now]:
                self.ends.remove((end, chat))
                if refuse is not None:
                    self.schedule.refused(chat, refuse, self.now)
                    self.closed[chat] = self.now + refuse
                    refuse = None
                self.schedule.done(chat, self.now)
                for lane, order in self.waiting[chat]:
                    self.schedule.offer(chat, lane, order, self.now)
            while (taken := self.schedule.take(self.now)) is not None:
                chat, lane = taken
                mine = min(one for one in self.waiting[chat] if one[0] is lane)
                self.waiting[chat].remove(mine)
                assert self.now >= self.closed.get(chat, 0.0)
                self.sent.append((self.now, chat, lane, mine[1]))
                self.ends.append((self.now + takes, chat))
            wait = self.schedule.wait(self.now)
            next_end = min((end for end, _ in self.ends), default=until)
            step = min(wait if wait is not None else until - self.now, max(0.0, next_end - self.now), until - self.now)
            self.now += max(step, 0.001)

    @property
    def left(self) -> int:
        """How many still wait."""
        return sum(len(found) for found in self.waiting.values())


MESSAGES = st.lists(st.tuples(st.sampled_from(CHATS), st.sampled_from(Lane), st.floats(0, 3)), max_size=40)


@settings(max_examples=60, deadline=None)
@given(MESSAGES, st.floats(0.01, 0.5))
def test_whatever_is_asked_for_goes_out_in_order_and_never_too_fast(
    messages: list[tuple[str, Lane, float]], takes: float
) -> None:
    played = Played(replace(LIMITS, highest=LIMITS.pace))  # a pace that is raised has a test of its own
    for chat, lane, pause in messages:
        played.offer(chat, lane)
        played.run(played.now + pause / 10, takes)
    played.run(played.now + 120, takes)
    assert played.left == 0
    times = [at for at, *_ in played.sent]
    assert all(later - sooner > 0.999 for sooner, later in zip(times, times[LIMITS.pace :], strict=False))
    for chat in CHATS:
        mine = [(at, lane, order) for at, name, lane, order in played.sent if name == chat]
        assert all(b[0] - a[0] >= LIMITS.gap for a, b in itertools.pairwise(mine))
        for lane in Lane:
            orders = [order for _, found, order in mine if found is lane]
            assert orders == sorted(orders)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.floats(0.5, 9))
def test_a_chat_that_was_refused_gets_nothing_until_the_time_is_over(count: int, seconds: float) -> None:
    played = Played(LIMITS)
    for chat, _ in zip(itertools.cycle(CHATS[:4]), range(count), strict=False):
        played.offer(chat, Lane.ORDINARY)
    played.run(played.now + 60, refuse=seconds)
    assert played.left == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 40), st.integers(1, 4))
def test_dangers_that_come_late_go_before_all_that_waits(ordinary: int, grave: int) -> None:
    played = Played(LIMITS)
    for number in range(ordinary):
        played.offer(f"chat {number}", Lane.ORDINARY)
    played.run(played.now + 0.2)
    before = len(played.sent)
    for number in range(grave):
        played.offer(f"grave {number}", Lane.EMERGENCY)
    played.run(played.now + 60)
    rest = [lane for *_, lane, _ in played.sent[before:]]
    assert rest == sorted(rest)
    first = [at for at, _, lane, _ in played.sent if lane is Lane.EMERGENCY]
    assert first[min(grave, LIMITS.reserve) - 1] - 1000.2 < 0.1  # so many places are kept for them


@settings(max_examples=20, deadline=None)
@given(st.integers(6, 20))
def test_a_group_gets_no_more_a_minute_than_groups_may(count: int) -> None:
    played = Played(LIMITS, groups=["a"])
    for _ in range(count):
        played.offer("a", Lane.ORDINARY)
    played.run(played.now + 400)
    times = [at for at, *_ in played.sent]
    assert played.left == 0
    assert all(b - a >= 59.999 for a, b in zip(times, times[LIMITS.group_minute :], strict=False))


def test_two_chats_refused_until_the_same_moment_close_the_channel_to_all() -> None:
    schedule = Schedule(LIMITS)
    schedule.refused("a", 30, 100.0)
    schedule.offer("c", Lane.EMERGENCY, 1, 103.0)
    assert schedule.take(103.0) == ("c", Lane.EMERGENCY)
    schedule.done("c", 103.1)
    schedule.refused("b", 27, 103.0)
    schedule.offer("d", Lane.EMERGENCY, 2, 103.2)
    assert schedule.take(129.9) is None
    assert schedule.take(130.1) == ("d", Lane.EMERGENCY)


def test_chats_refused_one_by_one_stop_no_emergency() -> None:
    schedule = Schedule(LIMITS)
    schedule.refused("a", 30, 100.0)
    schedule.refused("b", 5, 100.2)
    schedule.offer("c", Lane.ORDINARY, 1, 100.3)
    schedule.offer("d", Lane.EMERGENCY, 2, 100.3)
    assert schedule.take(100.3) == ("d", Lane.EMERGENCY)
    assert schedule.take(100.3) is None


def test_one_lane_can_be_kept_waiting_without_the_other() -> None:
    schedule = Schedule(LIMITS)
    schedule.offer("a", Lane.ORDINARY, 1, 100.0)
    schedule.offer("b", Lane.EMERGENCY, 2, 100.0)
    assert schedule.take(100.0, (Lane.EMERGENCY,)) == ("b", Lane.EMERGENCY)
    assert schedule.take(100.0, (Lane.EMERGENCY,)) is None
    assert schedule.take(100.0) == ("a", Lane.ORDINARY)


def test_a_chat_is_free_when_nothing_keeps_a_message_from_going_out() -> None:
    schedule = Schedule(LIMITS)
    assert schedule.is_free("a", Lane.ORDINARY, 100.0)
    schedule.offer("a", Lane.ORDINARY, 1, 100.0)
    assert schedule.take(100.0) == ("a", Lane.ORDINARY)
    assert not schedule.is_free("a", Lane.EMERGENCY, 100.1)
    schedule.done("a", 100.2)
    assert not schedule.is_free("a", Lane.ORDINARY, 100.3)
    assert schedule.is_free("a", Lane.ORDINARY, 100.2 + LIMITS.gap)


@pytest.mark.parametrize(("apart", "raised"), [(1.0, True), (0.0, False)], ids=["a stream", "a crowd at once"])
def test_only_a_steady_stream_raises_the_pace(apart: float, raised: bool) -> None:
    schedule = Schedule(LIMITS)
    for number in range(20 * LIMITS.pace):
        ready = 1000.0 + number / LIMITS.pace
        schedule.asked(1000.0 + apart * (ready - 1000.0))
        schedule.take(ready)
    assert (schedule.pace > LIMITS.pace) is raised


def test_chats_that_are_done_with_are_forgotten() -> None:
    schedule = Schedule(Limits(pace=10**6, highest=10**6))
    for number in range(20_000):
        now = number * 0.01
        schedule.offer(f"chat {number}", Lane.ORDINARY, number, now)
        assert schedule.take(now)
        schedule.done(f"chat {number}", now)
        schedule.forget(f"chat {number}", now)
    assert len(schedule._chats) < 10_000


def test_the_engine_does_dangers_first_and_tells_how_long_it_is_at_one_thing() -> None:
    engine, begun, gate, done = Engine("test"), threading.Event(), threading.Event(), list[str]()

    def begin_and_wait() -> None:
        begun.set()
        gate.wait()

    engine.submit(Lane.ORDINARY, begin_and_wait)
    assert begun.wait(5)
    time.sleep(0.1)
    futures = [
        engine.submit(lane, partial(done.append, name))
        for lane, name in [(Lane.ORDINARY, "b"), (Lane.EMERGENCY, "a"), (Lane.ORDINARY, "c")]
    ]
    assert engine.at_work >= 0.1
    gate.set()
    for future in futures:
        future.result(5)
    assert done == ["a", "b", "c"]
    engine.close()
