"""`serve`: the web, and Telegram where a token is set, on one store, in one process. It comes up whatever is away."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime

from fastapi import FastAPI
from starlette.routing import BaseRoute
from uvicorn import Server

from bot.assistant import Assistant
from bot.channels.delivery import Engine
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.custody import SWEPT
from bot.channels.telegram.introduction import introduce
from bot.channels.telegram.receiving import PATH, Poller, insist, webhook_route
from bot.channels.telegram.sending import Sender
from bot.channels.telegram.updates import Me
from bot.channels.telegram.webhook import Webhook
from bot.channels.web.app import make_app
from bot.channels.web.serving import server_config
from bot.settings import Settings
from bot.store.database import Database, ping
from bot.store.errors import StoreError
from bot.store.leases import RENEWED
from bot.store.retention import AT_ONCE, forget_old
from bot.store.sealing import Sealing, secret_beside
from bot.store.sessions import Sessions
from bot.telemetry import CANARY_SECONDS, REVIEW_DAYS, STORE_AWAY, alarm, count_failure, note
from bot.vocabulary import Session

HOUR = 3600.0
MINUTE = 60.0
TICK = 1.0
"""Seconds between looks at the store and at what waits."""
STALE_MESSAGE = 60.0
"""Seconds that the oldest message may have waited, after which the bot is not ready."""
SUNG = 20.0
"""Seconds between two canaries."""
SILENT = 75.0
"""Seconds without one that came back, after which an operator is told."""
FINISH = 10.0
"""Seconds that sends in flight have at the end."""


class StoredTalks:
    """The sessions of programs' conversations, in the store."""

    def __init__(self, database: Database, sealing: Sealing) -> None:
        self._database = database
        self._sessions = Sessions(sealing)

    async def recall(self, talk: str) -> Session:
        """The session of a talk."""
        return await self._database.run(lambda db: self._sessions.recall(db, talk))

    async def remember(self, talk: str, session: Session | None) -> None:
        """Keep it; None forgets it."""
        await self._database.run(lambda db: self._sessions.remember(db, talk, session))


def sealing_of(settings: Settings) -> Sealing:
    """
    The keys: of the secret in the settings, else of the one beside the embedded database.

    Raises:
        SecretKeyError: it cannot be used.
    """
    given = settings.secret_key
    return Sealing(given.get_secret_value() if given else secret_beside(settings.data_folder))


@dataclass
class Served:
    """All that runs, and how it fares."""

    assistant: Assistant
    database: Database
    telegram: Telegram | None = None
    poller: Poller | None = None
    webhook: Webhook | None = None
    sender: Sender | None = None
    store_ready: bool = False
    next_due: date | None = None

    def condition(self) -> Mapping[str, bool]:
        """What must be so for the bot to answer, by name."""
        facts = {"library": bool(self.assistant.library.responses), "model": self.assistant.library.heads is not None}
        facts["store"] = self.store_ready and (self.telegram is None or self.telegram.store_is_there)
        if self.telegram:
            facts["telegram"] = all(way.is_well for way in (self.poller, self.webhook) if way)
            facts["backlog"] = self.telegram.oldest < STALE_MESSAGE
        return facts


def listening(host: str, port: int) -> list[socket.socket]:
    """
    Sockets that listen at every address of a host.

    Raises:
        OSError: no address of this machine's, or the port is taken or not ours to take.
    """
    made, absent = [], OSError(f"no address of {host!r}")
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
        try:
            made.append(socket.create_server(address, family=family))
        except OSError as error:
            # "localhost" has an address of a kind that not every machine has.
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                raise
            absent = error
    if not made:
        raise absent
    return made


def run(
    settings: Settings,
    assistant: Assistant,
    sealing: Sealing,
    sockets: Sequence[socket.socket],
    next_due: date | None,
) -> None:
    """Serve on sockets that listen until told to end; `next_due` is when the first review of a text is due."""
    database = Database(settings.database)
    served = Served(assistant, database, next_due=next_due)
    routes: list[BaseRoute] = []
    engine = Engine("engine")
    if settings.telegram_token:
        token, root = settings.telegram_token.get_secret_value(), settings.telegram_api_url
        served.sender = Sender(token, root)
        served.telegram = Telegram(assistant, sealing, database, served.sender, token, engine)
        if settings.telegram_mode == "polling":
            served.poller = Poller(served.telegram, served.sender.clock, token, root)
        else:
            secret = webhook_secret(settings, sealing)
            served.webhook = Webhook(served.sender.bot, f"{settings.public_url}{PATH}", secret)
            routes.append(webhook_route(served.telegram, secret))
    app = make_app(
        assistant,
        sealing,
        StoredTalks(database, sealing),
        served.condition,
        embed_origins=[origin for origin in settings.embed_origins.replace(",", " ").split() if origin],
        public_url=settings.public_url,
        routes=routes,
        lifespan=lambda app: lifespan(app, served),
    )
    host, port, *_ = sockets[0].getsockname()
    Server(server_config(app, host, port, timeout_graceful_shutdown=3)).run(list(sockets))
    engine.close()


def webhook_secret(settings: Settings, sealing: Sealing) -> str:
    """What Telegram says to prove that it is Telegram."""
    given = settings.webhook_secret
    return given.get_secret_value() if given else sealing.derived("webhook")


def lifespan(app: FastAPI, served: Served) -> AbstractAsyncContextManager[None]:
    """All that runs beside the web server, and how it ends."""

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(lasting(work, served))
            for work in (tend_store, renew, look_after, receive, introduced, sing, measure)
        ]
        sending = asyncio.create_task(lasting(send, served))
        yield
        await ended(*tasks)
        if served.telegram and served.sender:
            await served.telegram.finish(FINISH)
            await ended(sending)
            with suppress(Exception):
                await served.sender.close()
        # Not after the server's end: it lets the signal that ended it take its course, and the process with it. Only a
        # database that was closed is one file, in whose place a copy can be put.
        await asyncio.to_thread(served.database.close)
        note("ended")

    return life()


async def ended(*tasks: asyncio.Task[None]) -> None:
    """Tasks, cancelled and gone."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def lasting(work: Callable[[Served], Awaitable[None]], served: Served) -> None:
    """Work that nothing ends before it is done; what fails is begun anew, and none of it takes the rest along."""
    while True:
        try:
            return await work(served)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the bot must not fall silent
            count_failure(error, "serve")
        await asyncio.sleep(TICK)


async def tend_store(served: Served) -> None:
    """Bring the database up to date as soon as it is there, take up what was left, then forget what has had its time."""
    database, forgotten_at = served.database, float("-inf")
    told = False
    while True:
        try:
            if not served.store_ready:
                await asyncio.to_thread(database.upgrade)
                if served.telegram:
                    await served.telegram.recover()
                served.store_ready = True
                note("store ready")
            await (served.telegram.check() if served.telegram else database.run(ping))
            if time.monotonic() - forgotten_at > HOUR:
                # It may be this that the store cannot do, and it is not to be kept from all else by it.
                forgotten_at = time.monotonic() - HOUR + MINUTE
                while await database.run(forget_old) >= AT_ONCE:
                    pass
                forgotten_at = time.monotonic()
            told = False
            STORE_AWAY.set(0)
        except StoreError as error:
            STORE_AWAY.set(1)
            if not told:
                alarm("store away", error=str(error))
            told = True
            if served.telegram and not served.store_ready:  # later on custody sees for itself
                served.telegram.custody.note_away()
            # Telegram knows at each turn whether the store is there, and is not to take up twice what was left.
            served.store_ready = served.store_ready and served.telegram is not None
        await asyncio.sleep(TICK if served.telegram or not served.store_ready else 5 * TICK)


async def renew(served: Served) -> None:
    """Keep the chats that are ours, whatever else the store has to do."""
    while served.telegram:
        await asyncio.sleep(RENEWED)
        if served.store_ready:
            with suppress(StoreError):
                await served.telegram.custody.renew()


async def look_after(served: Served) -> None:
    """Look after chats, beside other processes on the same database."""
    while served.telegram:
        await asyncio.sleep(SWEPT)
        if served.store_ready:
            with suppress(StoreError):
                await served.telegram.custody.look()


async def sing(served: Served) -> None:
    """Let a question of our own go the whole way, again and again, and say so where it does not come back."""
    silent = False
    while served.telegram:
        await asyncio.sleep(SUNG)
        with suppress(StoreError):
            await served.telegram.sing()
        CANARY_SECONDS.set(served.telegram.canary.age)
        if not silent and served.telegram.canary.age > SILENT:
            alarm("canary silent", seconds=round(served.telegram.canary.age))
        silent = served.telegram.canary.age > SILENT


async def send(served: Served) -> None:
    """Send what is to be sent on Telegram."""
    if served.telegram:
        await served.telegram.outbox.run()


async def receive(served: Served) -> None:
    """Poll Telegram for updates, or see that it posts them to us."""
    sender = served.sender
    if sender and served.poller:
        async with asyncio.TaskGroup() as group:
            group.create_task(insist(lambda: sender.bot.delete_webhook(drop_pending_updates=False), "webhook removed"))
            group.create_task(served.poller.run())
    elif served.webhook:
        await served.webhook.keep()


async def introduced(served: Served) -> None:
    """Learn the bot's own name, which groups call it by; then show name, description and commands."""
    if served.telegram is None or served.sender is None:
        return
    telegram, bot = served.telegram, served.sender.bot

    async def ask_who() -> None:
        me = await bot.get_me()
        telegram.me = Me(me.id, me.username)

    await insist(ask_who, "name learned")
    library = served.assistant.library
    said = {code: words.telegram for code, words in library.words.items() if words.telegram}
    await introduce(bot, said, library.languages[0])


async def measure(served: Served) -> None:
    """Keep the gauges, and see that the clock does not jump."""
    ahead = datetime.now(UTC).timestamp() - time.monotonic()
    while True:
        await asyncio.sleep(TICK)
        if served.telegram:
            served.telegram.measure()
        if served.next_due:
            REVIEW_DAYS.set((served.next_due - datetime.now(UTC).date()).days)
        drift = datetime.now(UTC).timestamp() - time.monotonic() - ahead
        if abs(drift) > 5:
            alarm("clock jumped", seconds=round(drift))
            ahead += drift
