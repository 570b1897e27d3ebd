"""The poll loop and the webhook route: updates are kept before they are acknowledged."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeGuard

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter

from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.requests import Connections, ServerClock
from bot.channels.telegram.sending import call, outcome_of
from bot.store.errors import StoreError
from bot.telemetry import LAST_POLL, alarm, count_failure, note

POLL = 10
"""Seconds that Telegram holds an empty answer; short, so that a connection that hangs is noticed soon."""
SLACK = 4.0
"""Seconds more, after which a poll is given up and begun anew."""
RETRY = (0.3, 1.0, 2.0, 3.0)
"""Seconds before the next poll after so many failed ones."""
LOCKED_OUT = 3.0
"""Seconds before Telegram is asked again where the token is refused or another process polls."""
STALE = 60.0
"""Seconds without a good poll after which it is not known whether messages come."""
STORE_AWAY = 0.5
"""Seconds before the next poll where the store could not keep what the last one brought: dangers are heard in it."""
STANDS_BY = 0.5
"""Seconds before a process asks again whether it is to poll."""
STORE_STARTS = 2.0
"""Seconds in which the store is to tell who polls."""
TOO_SOON = 0.3
"""Seconds before the next poll after one that brought nothing new and yet did not wait."""
WANTED = ["message", "edited_message", "callback_query", "my_chat_member"]
"""Kinds of updates that are asked for."""
HEAVIEST = 1_048_576
"""Bytes of a webhook's body at most. Telegram's own are some kilobytes."""
BODY_PATIENCE = 10.0
"""Seconds that a webhook's body may take."""
SECRET_HEADER = "x-telegram-bot-api-secret-token"
PATH = "/telegram/webhook"


class Poller:
    """
    Asks Telegram for updates until cancelled.

    python-telegram-bot's own loop ends for good at a stray 401, throws away a batch in which one update cannot be
    read, and acknowledges what is only in memory; so only its connection is used.
    """

    def __init__(self, channel: Telegram, clock: ServerClock, token: str, root: str) -> None:
        self._channel = channel
        self._clock = clock
        self._url = f"{root}/bot{token}/getUpdates"
        self._request = Connections(2, clock)
        self._offset = 0
        self._failed = 0
        self.locked_out = False
        self.stands_by: bool | None = None
        self._begun = time.monotonic()
        self.last_good = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the last poll that Telegram answered well."""
        return time.monotonic() - self.last_good

    @property
    def is_well(self) -> bool:
        """Whether Telegram's messages come to us, as far as is known."""
        return not self.locked_out and self.age < STALE

    async def run(self) -> None:
        """Poll; no error ends it."""
        try:
            while True:
                LAST_POLL.set(self.age)
                try:
                    delay = await self._once()
                except Exception as error:  # noqa: BLE001 - a bot that polls no more is deaf for ever
                    count_failure(error, "poll")
                    delay = self._delay()
                await asyncio.sleep(delay)
        finally:
            await self._request.shutdown()

    async def _once(self) -> float:
        """One poll; the seconds to wait before the next."""
        if self._channel.busy:
            return 0.1
        if not await self._leads():
            return STANDS_BY
        began = time.monotonic()
        try:
            updates = await asyncio.wait_for(self._fetch(), POLL + SLACK)
        except (InvalidToken, Conflict) as error:
            if not self.locked_out:
                alarm("another process polls" if isinstance(error, Conflict) else "token refused")
            self.locked_out = True
            return LOCKED_OUT
        except RetryAfter as error:
            return max(0.5, outcome_of(error).seconds)
        except Exception as error:  # noqa: BLE001 - whatever it was, Telegram is asked again
            count_failure(error, "poll")
            await self._renew()
            return self._delay()
        self.locked_out, self.last_good = False, time.monotonic()
        fresh = 0
        if updates:
            try:
                fresh = await self._channel.accept(updates)
            except StoreError:
                self._failed += 1
                return STORE_AWAY
            self._offset = next_offset(updates, self._offset)
        self._failed = 0
        return 0.0 if fresh or time.monotonic() - began > TOO_SOON else TOO_SOON

    async def _leads(self) -> bool:
        """
        Whether it is for this process to poll; while the store is away, it goes on as it was.

        Where the store is away from the start every process polls: one of them is heard.
        """
        try:
            self.stands_by = not await self._channel.custody.leads()
        except StoreError:
            if self.stands_by is None and time.monotonic() - self._begun < STORE_STARTS:
                return False
        if self.stands_by:
            # That another process polls is then as it should be.
            self.locked_out, self.last_good = False, time.monotonic()
        return not self.stands_by

    async def _fetch(self) -> list[dict[str, Any]]:
        # After a failure an answer is wanted at once, to know that all is well again.
        timeout = 0 if self.locked_out or self._failed else POLL
        asked = {"offset": self._offset, "timeout": timeout, "limit": 100, "allowed_updates": WANTED}
        result = await call(self._request, self._url, asked, POLL + SLACK)
        if not isinstance(result, list):
            raise NetworkError("not a list of updates")
        return [update for update in result if isinstance(update, dict)]

    def _delay(self) -> float:
        self._failed += 1
        return RETRY[min(self._failed, len(RETRY)) - 1]

    async def _renew(self) -> None:
        """A fresh connection: one that a proxy let die in silence stays in the pool for ever."""
        old, self._request = self._request, Connections(2, self._clock)
        try:
            await asyncio.wait_for(old.shutdown(), 1)
        except Exception as error:  # noqa: BLE001 - it is thrown away in any case
            count_failure(error, "poll")


def next_offset(updates: Sequence[dict[str, Any]], present: int) -> int:
    """What acknowledges a batch: one more than its last number. Numbers start anew, lower, after a week of silence."""
    numbers = [number for update in updates if is_number(number := update.get("update_id"))]
    return numbers[-1] + 1 if numbers else present


def is_number(found: object) -> TypeGuard[int]:
    """Whether this can number an update: a negative offset would make Telegram forget what waits."""
    return isinstance(found, int) and not isinstance(found, bool) and 0 < found < 2**53


def webhook_route(channel: Telegram, secret: str) -> Route:
    """The route that Telegram posts updates to."""
    expected = secret.encode()

    async def receive(request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "").encode()
        if not hmac.compare_digest(given, expected):
            return Response(status_code=401)
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > HEAVIEST:
            return Response(status_code=413)
        try:
            body = await asyncio.wait_for(whole_body(request), BODY_PATIENCE)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=408)
        if body is None:
            return Response(status_code=413)
        try:
            update = json.loads(body)
        except (ValueError, RecursionError):
            return Response(status_code=400)
        if not isinstance(update, dict):
            return Response(status_code=400)
        try:
            await channel.accept([update])
        except StoreError:
            # Telegram comes again after this second, and not after its own growing pause.
            return Response(status_code=503, headers={"Retry-After": "1"})
        return Response(status_code=200)

    return Route(PATH, receive, methods=["POST"])


async def whole_body(request: Request) -> bytes | None:
    """The body; None as soon as it is too heavy."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > HEAVIEST:
            return None
        parts.append(part)
    return b"".join(parts)


async def insist(call: Callable[[], Awaitable[Any]], what: str) -> None:
    """Call Telegram until it has answered well; a refusal's seconds are waited for."""
    delay = 1.0
    while True:
        try:
            await asyncio.wait_for(call(), 15)
        except RetryAfter as error:
            await asyncio.sleep(outcome_of(error).seconds)
        except Exception as error:  # noqa: BLE001 - nothing here is worth an end of all else
            count_failure(error, what)
            if isinstance(error, InvalidToken):  # the polls find out when the token is good again
                delay = max(delay, 15.0)
            await asyncio.sleep(delay)
            delay = min(60.0, delay * 2)
        else:
            note(what)
            return
