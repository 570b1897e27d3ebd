"""A Telegram of our own: a local server that speaks the Bot API and misbehaves on demand."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Self, TypeVar

from tests.telegram.delivery import Delivery
from tests.telegram.faults import ANY, WEBHOOK, Delay, Fault, Lot, Planned
from tests.telegram.limits import Limits
from tests.telegram.people import Channel, Group, Person
from tests.telegram.server import Server
from tests.telegram.texts import Json
from tests.telegram.wire import Response
from tests.telegram.world import Call, Post, Sent, World

__all__ = ["ANY", "PATIENCE", "WEBHOOK", "BotApi", "Call", "Fault", "Limits", "Post", "Sent"]

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
PATIENCE = 30.0
"""Seconds that a test waits for what has to happen: how fast the machine is, is for the benchmarks to tell."""
Result = TypeVar("Result")


class BotApi:
    """
    The server, in a thread of its own, with what a test needs to play the people and to see what the bot did.

    Args:
        username: of the bot.
        keep_alive: after how many idle seconds the server closes a connection.
        webhook_pace: by how much the pauses between posts of one update are stretched; 1.0 is as Telegram does it.
        webhook_timeout: how long the answer of a webhook is waited for.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        username: str = "overdose_help_bot",
        keep_alive: float = 75.0,
        webhook_pace: float = 1.0,
        webhook_timeout: float = 60.0,
    ) -> None:
        self.token = token
        self.world = World({"id": int(token.split(":")[0]), "is_bot": True, "first_name": "Help", "username": username})
        self.keep_alive = keep_alive
        self.webhook_pace = webhook_pace
        self.webhook_timeout = webhook_timeout

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="bot-api", daemon=True)
        self.thread.start()
        self.server = self.run(self.start())
        self.world.listeners.append(self.wake)
        return self

    def __exit__(self, *raised: object) -> None:
        self.world.listeners.clear()
        self.run(self.end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    async def start(self) -> Server:
        """The server, listening."""
        delivery = Delivery(self.world, self.webhook_pace, self.webhook_timeout)
        server = Server(self.world, delivery, self.token, self.keep_alive)
        await server.open()
        return server

    async def end(self) -> None:
        """All connections broken, nothing posted any more."""
        tasks = list(self.server.delivery.tasks.values())
        self.server.delivery.stop()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.server.close()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the server's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=self.webhook_timeout + 5)

    def wake(self) -> None:
        """Let the server's loop look at what is new."""
        self.loop.call_soon_threadsafe(self.server.wake)

    # The address

    @property
    def root(self) -> str:
        """What OVERDOSE_BOT_TELEGRAM_API_URL is to be."""
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def username(self) -> str:
        """The bot's name."""
        return str(self.world.bot["username"])

    def offline(self) -> None:
        """Break all connections and refuse new ones, until `online`."""
        self.run(self.server.close())

    def online(self) -> None:
        """Listen again on the same port."""
        self.run(self.server.open())

    # Who writes

    def person(
        self, chat_id: int, first_name: str = "Alex", *, language_code: str | None = "en", **fields: Any
    ) -> Person:
        """Somebody who has started the bot in a private chat; `fields` go into the user."""
        user: Json = {"id": chat_id, "is_bot": False, "first_name": first_name, **fields}
        if language_code:
            user["language_code"] = language_code
        return Person(self.world, {"id": chat_id, "type": "private", "first_name": first_name}, user)

    def group(self, chat_id: int, title: str = "Friends", *, kind: str = "supergroup", user_id: int = 501) -> Group:
        """A group (its id is negative) of which the bot is a member."""
        user: Json = {"id": user_id, "is_bot": False, "first_name": "Bo", "language_code": "en"}
        return Group(self.world, {"id": chat_id, "type": kind, "title": title}, user)

    def channel(self, chat_id: int, title: str = "News") -> Channel:
        """A channel (its id is negative)."""
        return Channel(self.world, {"id": chat_id, "type": "channel", "title": title}, None)

    def put(self, update: Json) -> Json:
        """Any update, however broken, with the next number unless it has one."""
        return self.world.put(update, insist=True)

    def again(self, update: Json) -> None:
        """Deliver an update once more, whatever the bot has acknowledged: in the next batch, or by one more post."""
        with self.world.lock:
            self.world.pending.strays.append(update)
            self.world.changed()

    def number_from(self, update_id: int) -> None:
        """The number of the next update; higher or lower than those before."""
        with self.world.lock:
            self.world.pending.next_id = self.world.pending.tail = update_id

    def forget_all(self) -> None:
        """Let go of everything that waits, as Telegram does after 24 hours."""
        with self.world.lock:
            self.world.pending.waiting.clear()
            self.world.pending.strays.clear()

    @property
    def waiting(self) -> tuple[Json, ...]:
        """Updates not yet acknowledged."""
        with self.world.lock:
            return tuple(self.world.pending.waiting)

    # What goes wrong

    def fault(self, method: str, fault: Fault, *, times: int | None = 1, chat: int | None = None) -> Planned:
        """
        Let requests fail, in the order in which faults are given.

        Args:
            method: "sendMessage" and so on; ANY; or WEBHOOK for the posts to the bot's webhook.
            times: how many requests; None until `stop()` of what is returned, or `heal`.
            chat: only requests for this chat.
        """
        with self.world.lock:
            planned = Planned(fault, method, chat, times)
            self.world.plan.scripted.append(planned)
            return planned

    def faults_by_lot(self, method: str, rates: Mapping[Fault, float], *, seed: int = 0) -> None:
        """Let each request of a method meet each fault at its rate (0.1 is every tenth)."""
        with self.world.lock:
            self.world.plan.lots.append(Lot(method, rates, random.Random(seed)))

    def slow(self, method: str, low: float, high: float, *, seed: int = 0) -> None:
        """Let each request of a method take between so many seconds."""
        with self.world.lock:
            self.world.plan.delays.append(Delay(method, low, high, random.Random(seed)))

    def heal(self) -> None:
        """Let all go well from now on; limits stay."""
        with self.world.lock:
            self.world.plan.clear()

    def limit(self, limits: Limits | None = Limits()) -> None:  # noqa: B008
        """Enforce limits on sends and edits; None lifts them, and every waiting time with them."""
        with self.world.lock:
            self.world.gate = replace(self.world.gate, limits=limits, until={}, buckets={})

    # The webhook

    def route_webhook(self, *urls: str) -> None:
        """Post to these in turn, as a balancer before several processes, in place of the address that the bot set."""
        self.server.delivery.targets = urls

    def post(self, update: Json, url: str | None = None, *, secret: str | None = None) -> Response | None:
        """Post one update once and wait for the answer; several threads may do so at once."""
        return self.run(self.server.delivery.post(update, url, secret=secret))

    @property
    def posts(self) -> tuple[Post, ...]:
        """Everything posted."""
        with self.world.lock:
            return tuple(self.world.posts)

    # What happened

    def sent(self, chat: int | None = None, *, method: str = "sendMessage") -> tuple[Sent, ...]:
        """What was executed, in that order; of one chat or of all."""
        with self.world.lock:
            return tuple(sent for sent in self.world.sent if sent.method == method and chat in (None, sent.chat))

    def edits(self, chat: int | None = None) -> tuple[Sent, ...]:
        """The edits of texts that were executed."""
        return self.sent(chat, method="editMessageText")

    def deleted(self, chat: int) -> tuple[int, ...]:
        """The numbers of messages that the bot deleted."""
        with self.world.lock:
            return tuple(number for where, number in self.world.deleted if where == chat)

    def screen(self, chat: int) -> tuple[Json, ...]:
        """The bot's messages as the reader has them before them now."""
        with self.world.lock:
            messages = self.world.chats[chat].messages.values()
            return tuple(message for message in messages if message.get("from") == self.world.bot)

    def calls(
        self, method: str | None = None, *, chat: int | None = None, status: int | None = None
    ) -> tuple[Call, ...]:
        """Requests as they came, all or some of them."""
        with self.world.lock:
            return tuple(
                call
                for call in self.world.calls
                if method in (None, call.method) and chat in (None, call.chat) and status in (None, call.status)
            )

    def sends_while_limited(self, chat: int | None = None) -> int:
        """How many sends came although the chat, or the bot, had been told to wait."""
        with self.world.lock:
            counts = self.world.gate.while_limited
            return sum(counts.values()) if chat is None else counts.get(chat, 0)

    @property
    def over_the_limits(self) -> int:
        """How many sends were more than `limit` allows."""
        with self.world.lock:
            return self.world.gate.refused

    def about_bot(self, what: str, language: str = "") -> object:
        """What was set: "name", "description", "short_description" or "commands" (with a scope, its JSON after it)."""
        with self.world.lock:
            return self.world.about_bot.get((what, language))

    def wait_for(self, happened: Callable[[], Result], timeout: float = PATIENCE) -> Result:
        """
        Wait until something is true.

        Returns:
            What `happened` returned.

        Raises:
            AssertionError: it was not within so many seconds.
        """
        end = time.monotonic() + timeout
        while True:
            seen = self.world.changes
            if result := happened():
                return result
            with self.world.lock:
                left = end - time.monotonic()
                if left <= 0:
                    recent = [(call.method, call.chat, call.status) for call in self.world.calls[-8:]]
                    raise AssertionError(f"not within {timeout} s; the last requests: {recent}")
                if self.world.changes == seen:
                    self.world.lock.wait(min(left, 0.1))
            time.sleep(0.002)  # so that a busy server is not asked at each of its steps

    def wait_for_quiet(self, seconds: float = 0.5, timeout: float = PATIENCE) -> None:
        """Wait until the bot has asked for nothing but updates, and nothing is open, for so many seconds."""

        def quiet() -> bool:
            since = time.monotonic() - seconds
            return all(call.ended and call.ended <= since for call in self.calls() if call.method != "getUpdates")

        began = time.monotonic()
        self.wait_for(lambda: time.monotonic() - began >= seconds and quiet(), timeout)
