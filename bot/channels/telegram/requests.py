"""
The Bot API's HTTP, for python-telegram-bot, by aiohttp.

The library's own request class is made with httpx: a message then costs a fifth more processor time
(tests/benchmarks/telegram_cost.py).
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TypeAlias
from urllib.parse import urlencode

import aiohttp
import httpx
from telegram._utils.defaultvalue import DefaultValue
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

Seconds: TypeAlias = DefaultValue[float] | DefaultValue[None] | float | None
"""What the library hands over for a timeout: its mark for "as usual", or seconds, None for as long as it takes."""
CONNECT, READ, POOL = 4.0, 8.0, 1.0
"""Seconds for a connection, for an answer, and for a connection to be free, unless a call says otherwise."""
NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
"""Errors that come before a request has left; after any other, nobody knows."""


class ServerClock:
    """
    What time it is for Telegram, by the date of each of its answers.

    By it the age of a message is told: where our own clock goes wrong, everything would seem to be late.
    """

    def __init__(self) -> None:
        """Until an answer has come our own clock counts."""
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The time for Telegram, to a second."""
        return datetime.now(UTC) + self._ahead

    def heard(self, date: str | None) -> None:
        """Take note of an answer's Date (RFC 9110, section 6.6.1); of none, or one that is no date, none is taken."""
        try:
            told = parsedate_to_datetime(date) if date else None
        except ValueError:
            return
        if told is not None and told.tzinfo is not None:
            self._ahead = told - datetime.now(UTC)


class Connections(BaseRequest):
    """A pool of connections. One is opened where none is free, none is used again that the other side has closed."""

    def __init__(self, count: int, clock: ServerClock | None = None) -> None:
        """
        Prepare a pool of so many; nothing is connected yet.

        Args:
            clock: set by every answer.
        """
        self._count = count
        self._clock = clock or ServerClock()
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        """Seconds that an answer may take, unless a call says otherwise."""
        return READ

    async def initialize(self) -> None:
        """Nothing: a session belongs to the loop that runs it, and is made with the first call."""

    async def shutdown(self) -> None:
        """Close all connections. A later call opens new ones."""
        session, self._session = self._session, None
        if session:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._count, ssl=certificates())
            self._session = aiohttp.ClientSession(
                connector=connector, trust_env=True, headers={"User-Agent": self.USER_AGENT}
            )
        return self._session

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Seconds = BaseRequest.DEFAULT_NONE,
        write_timeout: Seconds = BaseRequest.DEFAULT_NONE,
        connect_timeout: Seconds = BaseRequest.DEFAULT_NONE,
        pool_timeout: Seconds = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """
        One call; the status and the body of the answer. Files are not sent: the bot has none.

        Raises:
            TimedOut: no answer in time.
            NetworkError: no answer. Its cause is one of `NOT_SENT` where the request did not leave.
        """
        connect = told(connect_timeout, CONNECT)
        pool = told(pool_timeout, POOL)
        patience = aiohttp.ClientTimeout(
            connect=connect + pool if connect is not None and pool is not None else None,
            sock_connect=connect,
            sock_read=told(read_timeout, READ),
        )
        body = urlencode(request_data.json_parameters) if request_data else None
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else None
        try:
            async with self._opened().request(
                method, url, data=body, headers=headers, timeout=patience, allow_redirects=False
            ) as answer:
                self._clock.heard(answer.headers.get("Date"))
                return answer.status, await answer.read()
        except TimeoutError as error:
            raise TimedOut from error
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(type(error).__name__) from error


@cache
def certificates() -> ssl.SSLContext:
    """Whom to trust: the certificates that httpx carries, or the environment's, as for python-telegram-bot's own requests."""
    return httpx.create_ssl_context()


def told(given: Seconds, usual: float) -> float | None:
    """The seconds that a call asks for, or the usual ones."""
    return usual if isinstance(given, DefaultValue) else given
