"""
How many messages a second the web channel answers on one core, and how fast: `python -m tests.channels.web.load`.

A real `serve` is pinned to one core; people write to it at a steady pace over kept connections, in three languages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from urllib.request import urlopen

from tests.telegram.running import processor_seconds

QUESTIONS = (
    "is blocking nonsense?",
    "what is naloxone",
    "my friend wont wake up",
    "сколько держится блок",
    "как говорить с сыном про наркотики",
    "¿qué es la naltrexona?",
    "mi amigo no despierta",
    "hello",
    "where do i get help in kazakhstan",
    "is it true that naloxone makes people use more",
)


@contextmanager
def serving(core: int, **environment: str) -> Iterator[tuple[int, int]]:
    """`serve` on one core, in an empty folder; gives its port and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        given = {**os.environ, "XDG_DATA_HOME": folder, **environment}
        command = [sys.executable, "-m", "bot", "serve", "--port", str(port)]
        process = subprocess.Popen(command, env=given, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
                    break
                except OSError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.1)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(20)


@dataclass
class Seen:
    """What came back."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def share(self, part: float) -> float:
        """The time within which such a part was answered, in milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]


async def answered(line: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> str:
    """One request on a kept connection; its status."""
    reader, writer = line
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length"))
    await reader.readexactly(length)
    return head.split(b" ", 2)[1].decode()


def post(text: str, address: str) -> bytes:
    """A message as a program sends it, for a person at an address."""
    body = json.dumps({"text": text}).encode()
    head = f"POST /api/messages HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Content-Type: application/json\r\n\r\n" + body


async def pressed(port: int, rate: float, seconds: float, people: int) -> Seen:
    """Messages at a pace, whoever is still being answered: those who wait are counted from when they wrote."""
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(people)]
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for line in lines:
        free.put_nowait(line)
    seen, texts = Seen(), cycle(QUESTIONS)

    async def one(text: str, number: int, at: float) -> None:
        line = await free.get()
        seen.statuses[await answered(line, post(text, f"10.{number % 200}.{number // 200 % 200}.1"))] += 1
        seen.seconds.append(time.perf_counter() - at)
        free.put_nowait(line)

    begun, asked = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        asked.append(asyncio.create_task(one(next(texts), number, due)))
    await asyncio.gather(*asked)
    for _, writer in lines:
        writer.close()
    return seen


GET_CARD = b"GET /emergency?country=KZ HTTP/1.1\r\nHost: x\r\n\r\n"
GRAVE = ("my friend wont wake up", "мой друг не дышит", "i want to kill myself")


async def flooded(port: int, crowd: int, seconds: float) -> tuple[Seen, Seen]:
    """A crowd that asks without a pause; meanwhile somebody in danger comes, and somebody who opens the card."""
    flood, grave = Seen(), Seen()
    until = time.perf_counter() + seconds

    async def asking(number: int) -> None:
        line = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            begun = time.perf_counter()
            flood.statuses[await answered(line, post(QUESTIONS[number % 2], f"10.0.{number % 200}.1"))] += 1
            flood.seconds.append(time.perf_counter() - begun)
        line[1].close()

    async def in_danger() -> None:
        for number, text in enumerate(cycle(GRAVE)):
            if time.perf_counter() >= until:
                return
            talk = json.dumps({"text": text, "conversation": "7"}).encode()
            head = f"POST /api/messages HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.1.1.{number % 200}\r\nContent-Length: {len(talk)}\r\n\r\n"
            for request in (head.encode() + talk, GET_CARD):
                begun = time.perf_counter()
                line = await asyncio.open_connection("127.0.0.1", port)
                grave.statuses[await answered(line, request)] += 1
                line[1].close()
                grave.seconds.append(time.perf_counter() - begun)
            await asyncio.sleep(0.1)

    await asyncio.gather(in_danger(), *(asking(number) for number in range(crowd)))
    return flood, grave


def main() -> None:
    """Press, and tell."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rates", type=float, nargs="+", default=[50, 100, 150, 200])
    options.add_argument("--seconds", type=float, default=15)
    options.add_argument("--people", type=int, default=64)
    options.add_argument("--flood", type=int, default=0, metavar="CROWD", help="so many who ask without a pause")
    options.add_argument("--database", default="", help="address of a database, perhaps of one that is away")
    options.add_argument("--core", type=int, default=0)
    chosen = options.parse_args()
    away = {"OVERDOSE_BOT_DATABASE_URL": chosen.database, "OVERDOSE_BOT_SECRET_KEY": "a secret key for tests only"}
    with serving(chosen.core, **(away if chosen.database else {})) as (port, process):
        asyncio.run(pressed(port, 20, 2, chosen.people))
        if chosen.flood:
            flood, grave = asyncio.run(flooded(port, chosen.flood, chosen.seconds))
            print(f"{len(flood.seconds) / chosen.seconds:.0f} a second flood in  {dict(flood.statuses)}")
            print(
                f"card and danger  p95 {grave.share(0.95):.0f} ms  slowest {grave.share(1):.0f} ms  {dict(grave.statuses)}"
            )
            return
        for rate in chosen.rates:
            before = processor_seconds(process)
            seen = asyncio.run(pressed(port, rate, chosen.seconds, chosen.people))
            each = 1000 * (processor_seconds(process) - before) / len(seen.seconds)
            shares = "  ".join(f"p{part * 100:g} {seen.share(part):.0f} ms" for part in (0.5, 0.95, 0.99))
            print(f"{rate:g} a second  {shares}  {each:.1f} ms of the core each  {dict(seen.statuses)}", flush=True)


if __name__ == "__main__":
    main()
