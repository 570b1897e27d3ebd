"""Work that nobody waits for: kept from being forgotten half way, and heard of when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from bot.store.errors import StoreError
from bot.store.leases import LostError
from bot.telemetry import count_failure


class Background:
    """The tasks of one channel that go on by themselves."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watched: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[Any]:
        """Begin with some work; whoever ends the channel waits for it."""
        return self._begin(work, self._tasks)

    def watch(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[Any]:
        """Begin with some work that may outlive whoever waits for it, such as what a store that hangs has begun."""
        return self._begin(work, self._watched)

    async def finish(self, seconds: float) -> None:
        """Wait for what was spawned, so many seconds at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def _begin(self, work: Coroutine[Any, Any, object], among: set[asyncio.Task[Any]]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        among.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        is_watched = task in self._watched
        self._tasks.discard(task)
        self._watched.discard(task)
        error = None if task.cancelled() else task.exception()
        # Of a store that is away, and of a chat that is another process's, whoever waited has been told.
        if error and not (is_watched and isinstance(error, StoreError | LostError)):
            count_failure(error, self._name)
