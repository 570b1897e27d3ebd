"""Who comes while a crowd is there."""

from __future__ import annotations

import asyncio

from bot.channels.web.pace import Pace


def test_requests_begin_in_order_a_few_in_each_round() -> None:
    async def go() -> None:
        pace, begun, rounds = Pace(each=2), list[int](), 0

        async def request(number: int) -> None:
            await pace.turn(False)
            begun.append(number)

        crowd = [asyncio.create_task(request(number)) for number in range(10)]
        crowd[3].cancel()
        while len(begun) < 9:
            before = len(begun)
            await asyncio.sleep(0)
            assert len(begun) - before <= 2
            rounds += 1
            assert rounds < 30
        assert begun == [0, 1, 2, 4, 5, 6, 7, 8, 9]

    asyncio.run(go())


def test_who_has_not_asked_lately_goes_first_and_nobody_waits_forever() -> None:
    async def go() -> None:
        pace, begun = Pace(each=1), list[str]()

        async def request(name: str, is_new: bool) -> None:
            await pace.turn(is_new)
            begun.append(name)

        crowd = [asyncio.create_task(request("again", False)) for _ in range(6)]
        people = [asyncio.create_task(request("new", True)) for _ in range(6)]
        await asyncio.gather(*crowd, *people)
        assert begun[:8] == ["new", "new", "new", "again", "new", "new", "new", "again"]
        assert sorted(begun) == ["again"] * 6 + ["new"] * 6

    asyncio.run(go())


def test_who_is_alone_does_not_wait() -> None:
    async def go() -> None:
        pace = Pace()
        for _ in range(3):
            await asyncio.wait_for(pace.turn(True), 0.1)

    asyncio.run(go())
