"""Updates posted to the bot's webhook, as Telegram posts them: one at a time of each chat, and again until taken."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Hashable, Sequence
from contextlib import suppress

from tests.telegram.faults import WEBHOOK, Fault, Kind
from tests.telegram.pending import lane_of
from tests.telegram.texts import Json
from tests.telegram.wire import Response, json_bytes, post
from tests.telegram.world import Post, World

LONGEST_PAUSE = 60.0
LONGEST_RETRY_AFTER = 3600.0
SECRET = "X-Telegram-Bot-Api-Secret-Token"


class Delivery:
    """Runs in the server's loop while a webhook is set."""

    def __init__(self, world: World, pace: float, timeout: float) -> None:
        self.world = world
        self.pace = pace
        self.timeout = timeout
        self.targets: Sequence[str] = ()
        self.turn = 0
        self.lanes: dict[Hashable, deque[Json]] = {}
        self.tasks: dict[Hashable, asyncio.Task[None]] = {}
        self.taken: set[int] = set()
        self.url = ""
        self.loaded = self.open = asyncio.Semaphore(1)

    def look(self) -> None:
        """See what is new: another webhook, or more updates."""
        with self.world.lock:
            webhook = self.world.webhook
            if webhook.url != self.url:
                self.stop()
                self.url = webhook.url
                self.loaded = asyncio.Semaphore(2 * webhook.max_connections)
                self.open = asyncio.Semaphore(webhook.max_connections)
            if not self.url:
                return
            pending = self.world.pending
            fresh = [update for update in pending.waiting if id(update) not in self.taken]
            self.taken |= {id(update) for update in fresh}
            fresh += [{**stray} for stray in pending.strays]
            pending.strays.clear()
        for update in fresh:
            lane = lane_of(update)
            self.lanes.setdefault(lane, deque()).append(update)
            if lane not in self.tasks:
                self.tasks[lane] = asyncio.ensure_future(self.run(lane))

    def stop(self) -> None:
        """Post nothing more."""
        for task in self.tasks.values():
            task.cancel()
        self.tasks.clear()
        self.lanes.clear()
        self.taken.clear()

    async def run(self, lane: Hashable) -> None:
        """Post the updates of one lane, each until it is taken."""
        queue = self.lanes[lane]
        async with self.loaded:
            while queue:
                await self.deliver(queue[0])
                queue.popleft()
        del self.tasks[lane], self.lanes[lane]

    async def deliver(self, update: Json) -> None:
        """Post one update until it is taken, or dropped."""
        counted = id(update) in self.taken
        failures = 0
        while not counted or self.waits(update):
            async with self.open:
                response = await self.post(update)
            if response and 200 <= response.status < 300:
                break
            pause = self.pace * min(LONGEST_PAUSE, 2.0**failures if failures else 0.0)
            with suppress(KeyError, ValueError):
                asked = float(response.headers["retry-after"]) if response else -1.0
                pause = min(asked, LONGEST_RETRY_AFTER) if asked >= 0 else pause
            failures += 1
            await asyncio.sleep(pause)
        with self.world.lock:
            pending = self.world.pending
            pending.waiting = [other for other in pending.waiting if other is not update]
            self.taken.discard(id(update))
            self.world.changed()

    def waits(self, update: Json) -> bool:
        """Whether an update was not dropped meanwhile."""
        with self.world.lock:
            return any(other is update for other in self.world.pending.waiting)

    async def post(self, update: Json, url: str | None = None, *, secret: str | None = None) -> Response | None:
        """Post one update once, to the next of the targets; None where its answer did not arrive."""
        with self.world.lock:
            targets = [url] if url else self.targets or [self.world.webhook.url]
            self.turn += 1
            target = targets[self.turn % len(targets)]
            token = self.world.webhook.secret if secret is None else secret
            headers = {SECRET: token} if token else {}
            fault = self.world.plan.next_fault(WEBHOOK, None)
            entry = Post(update, target, time.monotonic(), fault=fault)
            self.world.posts.append(entry)
        response = await self.exchange(target, headers, json_bytes(update), fault)
        with self.world.lock:
            entry.ended = time.monotonic()
            if response:
                entry.status, entry.body = response.status, response.body
            if not response or not 200 <= response.status < 300:
                self.world.webhook.last_error_date = int(time.time())
                self.world.webhook.last_error_message = (
                    f"Wrong response from the webhook: {response.status}" if response else "Connection timed out"
                )
            self.world.changed()
        return response

    async def exchange(self, url: str, headers: dict[str, str], body: bytes, fault: Fault | None) -> Response | None:
        """The post itself, disturbed: broken after it is written, or its answer lost."""
        if fault and fault.kind is Kind.SLOW:
            await asyncio.sleep(fault.seconds)
        hang_up = fault is not None and fault.kind is Kind.RESET
        try:
            response = await asyncio.wait_for(post(url, headers, body, hang_up=hang_up), self.timeout)
        except TimeoutError:
            return None
        return None if fault and fault.kind is not Kind.SLOW else response
