"""Updates that arrive are kept together, each in time or not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest

from bot.channels.telegram.arrivals import CROWD, Arrival, Arrivals, GivenUpError, Received
from bot.store.errors import StoreError
from bot.store.mailbox import BusyError, Incoming

LONG = 60.0


def update(name: str) -> Received:
    return {}, None, Incoming(name, {name: None}, b"")


class Store:
    """Keeps what it is given, so many pieces of work as it is let."""

    def __init__(self) -> None:
        self.works: list[list[str]] = []
        self.turns = asyncio.Semaphore(0)
        self.refused: dict[str, Exception] = {}

    def let(self, works: int = 10) -> None:
        for _ in range(works):
            self.turns.release()

    async def put(self, batch: Sequence[Arrival]) -> list[int]:
        names = [one.chat for arrival in batch for _, _, one in arrival.received]
        self.works.append(names)
        await self.turns.acquire()
        if any(arrival.given_up.is_set() for arrival in batch):
            raise GivenUpError
        for name in names:
            if name in self.refused:
                raise self.refused[name]
        return [len(arrival.received) for arrival in batch]


def in_a_loop(test: Callable[[Store, Arrivals], Awaitable[None]]) -> None:
    async def run() -> None:
        store = Store()
        await asyncio.wait_for(test(store, Arrivals(store.put)), 5)

    asyncio.run(run())


def soon() -> float:
    return time.monotonic() + LONG


def test_what_arrives_while_the_store_is_busy_is_kept_in_one_piece_of_work() -> None:
    async def test(store: Store, arrivals: Arrivals) -> None:
        first = arrivals.add([update("a")], soon())
        await asyncio.sleep(0)
        later = [arrivals.add([update(name)], soon()) for name in "bcd"]
        assert arrivals.waiting == 4
        store.let()
        assert [await one.kept for one in [first, *later]] == [1, 1, 1, 1]
        assert store.works == [["a"], ["b", "c", "d"]]
        assert arrivals.waiting == 0

    in_a_loop(test)


def test_what_is_given_up_meanwhile_is_left_out_and_the_rest_is_kept() -> None:
    async def test(store: Store, arrivals: Arrivals) -> None:
        first = arrivals.add([update("a")], soon())
        await asyncio.sleep(0)
        gone, stays, queued = (arrivals.add([update(name)], soon()) for name in "bcd")
        arrivals.give_up(queued)
        store.let(1)
        await first.kept
        await asyncio.sleep(0)
        arrivals.give_up(gone)
        store.let()
        assert await stays.kept == 1
        with pytest.raises(StoreError):
            await gone.kept
        assert store.works == [["a"], ["b", "c"], ["c"]]
        assert not queued.kept.done()
        assert arrivals.waiting == 0

    in_a_loop(test)


@pytest.mark.parametrize("error", [BusyError("b"), StoreError("b")])
def test_one_that_cannot_be_kept_does_not_cost_the_others(error: Exception) -> None:
    async def test(store: Store, arrivals: Arrivals) -> None:
        store.refused["b"] = error
        first = arrivals.add([update("a")], soon())
        await asyncio.sleep(0)
        bad, good = arrivals.add([update("b")], soon()), arrivals.add([update("c")], soon())
        store.let()
        assert await first.kept == await good.kept == 1
        with pytest.raises(type(error)):
            await bad.kept

    in_a_loop(test)


def test_what_cannot_be_kept_in_time_is_not_begun() -> None:
    async def test(store: Store, arrivals: Arrivals) -> None:
        store.let()
        late = arrivals.add([update("a")], time.monotonic() + 0.01)
        with pytest.raises(StoreError):
            await late.kept
        assert store.works in ([], [[]])

    in_a_loop(test)


def test_a_crowd_is_told_from_few() -> None:
    async def test(store: Store, arrivals: Arrivals) -> None:
        crowd = [arrivals.add([update(str(number))], soon()) for number in range(CROWD + 1)]
        assert not arrivals.calm.is_set()
        store.let()
        for one in crowd:
            await one.kept
        assert arrivals.calm.is_set()

    in_a_loop(test)
