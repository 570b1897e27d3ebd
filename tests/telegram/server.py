"""The server's side of the wire: requests in, answers out, and what goes wrong between."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.telegram import wire
from tests.telegram.delivery import Delivery
from tests.telegram.faults import CONFLICT, Fault, Kind
from tests.telegram.limits import BOT
from tests.telegram.methods import BY_NAME, SENDS, chat_of, wanted_kinds
from tests.telegram.texts import Json, Refusal
from tests.telegram.world import Call, World

LONGEST_POLL = 50.0
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
NOISE = bytes(range(128, 256)) * 3 + b"<html>\x00{]"
PAGE = "<html>\r\n<head><title>{0} {1}</title></head>\r\n<body>\r\n<center><h1>{0} {1}</h1></center>\r\n</body>\r\n</html>\r\n"


@dataclass
class Line:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def gone(self) -> bool:
        """Whether the bot has hung up."""
        return wire.gone(self.reader, self.writer)


@dataclass
class Poller:
    """One getUpdates that waits."""

    line: Line
    ended: bool = False


@dataclass(frozen=True)
class Answer:
    """What the bot is told, before faults get hold of it."""

    status: int
    payload: Json
    page: bool = False

    @property
    def body(self) -> bytes:
        """As it goes over the wire."""
        if self.page:
            return PAGE.format(self.status, self.payload["description"]).encode()
        return wire.json_bytes(self.payload)

    @property
    def kind(self) -> str:
        """Its content type."""
        return "text/html" if self.page else "application/json"


def refused(refusal: Refusal, *, page: bool = False) -> Answer:
    """An answer that is not ok."""
    payload: Json = {"ok": False, "error_code": refusal.status, "description": refusal.description}
    if refusal.parameters:
        payload["parameters"] = refusal.parameters
    return Answer(refusal.status, payload, page)


def too_many(seconds: int) -> Answer:
    """429."""
    words = f"Too Many Requests: retry after {seconds}"
    return refused(Refusal(429, words, {"retry_after": seconds}))


def told_by(fault: Fault) -> Answer:
    """The answer that a fault gives instead of the true one."""
    parameters: Json = {}
    if fault.retry_after is not None:
        parameters["retry_after"] = fault.retry_after
    if fault.migrate_to is not None:
        parameters["migrate_to_chat_id"] = fault.migrate_to
    return refused(Refusal(fault.status, fault.description, parameters), page=fault.page)


@dataclass
class Server:
    """Lives in one event loop; made and used there alone."""

    world: World
    delivery: Delivery
    token: str
    keep_alive: float
    port: int = 0
    lines: set[asyncio.StreamWriter] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    poller: Poller | None = None
    listening: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, on the same port as before."""
        self.listening = await asyncio.start_server(self.serve, "127.0.0.1", self.port, limit=2**20, backlog=1024)
        self.port = self.listening.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more and break every connection."""
        if self.listening:
            self.listening.close()
            self.listening = None
        for writer in list(self.lines):
            wire.reset(writer)
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def wake(self) -> None:
        """Something has happened: pollers and the webhook look again."""
        self.news.set()
        self.news = asyncio.Event()
        self.delivery.look()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        task = asyncio.current_task()
        assert task
        self.tasks.add(task)
        self.lines.add(writer)
        line = Line(reader, writer)
        try:
            while (request := await wire.read_request(reader, self.keep_alive)) and not writer.is_closing():
                await self.answer(request, line)
                if request.headers.get("connection", "").lower() == "close":
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.lines.discard(writer)
            self.tasks.discard(task)
            writer.close()

    async def answer(self, request: wire.Request, line: Line) -> None:
        """One request, and what goes wrong with it."""
        name, problem = self.asked(urlsplit(request.target).path)
        try:
            params = request.params
        except ValueError:
            params, problem = {}, refused(Refusal(400, "Bad Request: can't parse the request"))
        chat = chat_of(params)
        call = Call(name, chat, params, time.monotonic())
        with self.world.lock:
            self.world.calls.append(call)
            held = not problem and name in SENDS and self.held(call)
            call.fault = None if held else self.world.plan.next_fault(name, chat)
            self.world.changed()
        answer = problem
        try:
            if held:
                answer = held
                await self.write(call, line, answer)
            elif call.fault:
                await self.disturb(call, line, problem)
            else:
                answer = problem or await self.execute(call, line)
                await self.write(call, line, answer)
        finally:
            with self.world.lock:
                call.ended = time.monotonic()
                self.world.changed()

    def asked(self, path: str) -> tuple[str, Answer | None]:
        """The method that a path names, and the answer where it names none."""
        parts = path.split("/")
        if len(parts) != 3 or not parts[1].startswith("bot"):
            return path, refused(Refusal(404, "Not Found"))
        name = "getUpdates" if parts[2].lower() == "getupdates" else BY_NAME.get(parts[2].lower(), (parts[2], None))[0]
        if parts[1] != f"bot{self.token}":
            return name, refused(Refusal(401, "Unauthorized"))
        if name != "getUpdates" and name.lower() not in BY_NAME:
            return name, refused(Refusal(404, "Not Found: method not found"))
        return name, None

    def held(self, call: Call) -> Answer | None:
        """Whether the limits let a send pass."""
        if call.chat is None:
            return None
        seconds = self.world.gate.wait(call.chat, call.began)
        call.limited = seconds > 0
        return too_many(seconds) if seconds else None

    async def execute(self, call: Call, line: Line) -> Answer:
        """Do what is asked."""
        if call.method == "getUpdates":
            return await self.poll(call, line)
        with self.world.lock:
            try:
                answer = Answer(200, {"ok": True, "result": BY_NAME[call.method.lower()][1](self.world, call.params)})
                call.executed = True
            except Refusal as refusal:
                answer = refused(refusal)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                answer = refused(Refusal(400, f"Bad Request: {type(error).__name__} {error}"))
            self.world.changed()
            return answer

    async def write(self, call: Call, line: Line, answer: Answer) -> None:
        """Answer, as far as the bot is still there."""
        with self.world.lock:
            call.status = answer.status
            call.description = str(answer.payload.get("description", ""))
        line.writer.write(wire.answer(answer.status, answer.body, answer.kind))
        await line.writer.drain()

    async def disturb(self, call: Call, line: Line, problem: Answer | None) -> None:
        """Let a request meet its fault."""
        fault = call.fault
        assert fault
        if fault.kind is Kind.RESET:
            wire.reset(line.writer)
            return
        if fault.kind is Kind.SLOW:
            await asyncio.sleep(fault.seconds / 2)
        true = problem or Answer(200, {"ok": True, "result": True})
        if fault.executed and not problem:
            true = await self.execute(call, line)
        match fault.kind:
            case Kind.REFUSE:
                self.hold(call, fault)
                await self.write(call, line, told_by(fault))
            case Kind.SLOW:
                await asyncio.sleep(fault.seconds / 2)
                await self.write(call, line, true)
            case Kind.HANG:
                await asyncio.sleep(fault.seconds)
                if fault.executed:
                    await self.write(call, line, true)
                else:
                    line.writer.close()
            case Kind.TRUNCATED:
                whole = wire.answer(true.status, true.body)
                line.writer.write(whole[: len(whole) - len(true.body) // 2 - 1])
                await line.writer.drain()
                line.writer.close()
            case Kind.GARBAGE:
                call.status = 200
                line.writer.write(wire.answer(200, NOISE))
                await line.writer.drain()
            case _:
                line.writer.close()

    def hold(self, call: Call, fault: Fault) -> None:
        """After a 429, the chat or the bot is to wait."""
        if fault.status != 429 or call.method not in SENDS:
            return
        with self.world.lock:
            call.limited = True
            if call.chat is not None:
                self.world.gate.hold(BOT if fault.everywhere else call.chat, time.monotonic(), fault.retry_after or 0)

    async def poll(self, call: Call, line: Line) -> Answer:
        """getUpdates: wait until there is something, the time is over, or another one asks."""
        with self.world.lock:
            if self.world.webhook.url:
                return refused(Refusal(409, WEBHOOK_ACTIVE))
            offset, limit, seconds = (number(call.params.get(name)) for name in ("offset", "limit", "timeout"))
            self.world.pending.allow(wanted_kinds(call.params))
            self.world.pending.forget(offset)
            self.world.changed()
        if self.poller:
            self.poller.ended = True
        poller = self.poller = Poller(line)
        end = time.monotonic() + min(seconds, LONGEST_POLL)
        self.wake()
        try:
            while True:
                news = self.news
                if poller.ended:
                    return refused(Refusal(409, CONFLICT))
                with self.world.lock:
                    batch = [] if line.gone() else self.world.pending.batch(limit if 0 < limit <= 100 else 100)
                if batch or time.monotonic() >= end or line.gone():
                    call.executed = True
                    return Answer(200, {"ok": True, "result": batch})
                try:
                    await asyncio.wait_for(news.wait(), end - time.monotonic())
                except TimeoutError:
                    continue
        finally:
            if self.poller is poller:
                self.poller = None


def number(value: object) -> int:
    """A number of a request; 0 where there is none."""
    try:
        return int(str(value))
    except ValueError:
        return 0
