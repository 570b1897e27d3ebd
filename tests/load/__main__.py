"""
Proofs under fire: `uv run python -m tests.load SCENARIO [--replicas 3] [--seconds N] [--out picture.svg]`.

Real processes, a real PostgreSQL, and a Telegram that counts. Each scenario ends by itself and prints what was sent,
answered, lost, doubled and out of order, and the seconds until an answer by lane; the picture shows every answer over time.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import secrets
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.channels.telegram.receiving import PATH
from tests.load.picture import picture
from tests.postgres import Disk, Server, end_connections, held_by, new_database, set_full, use_log, usual_server
from tests.telegram.bot_api import BotApi, Fault
from tests.telegram.clock import FAKETIME, Clock
from tests.telegram.door import Door
from tests.telegram.expected import GRAVES, PLAIN, TOPICS, is_marked
from tests.telegram.limits import Limits
from tests.telegram.network import Network
from tests.telegram.people import Person
from tests.telegram.running import RunningBot

IDS = itertools.count(3_000_001)
GRAVE_EVERY = 20
"""Every so many-th message tells of a danger."""
CHAINS = 10
"""Every so many-th person asks three things in a row, whose answers have an order."""
DISK = 160
"""Megabytes of a disk that is soon full. An empty server takes 40 and its log 16 at least, or three times so much."""
EVERY_FAULT = {
    Fault.server_error(502): 0.01,
    Fault.server_error(500, executed=True): 0.01,
    Fault.lost(): 0.01,
    Fault.reset(): 0.01,
    Fault.garbage(): 0.01,
    Fault.too_many(1): 0.01,
    Fault.hang(12.0): 0.01,
}
"""A wait of a second is one of seven where a day goes by in less than three hours."""


@dataclass
class Stage:
    """What runs, and what was done to it."""

    api: BotApi
    bots: list[RunningBot]
    doors: list[Door]
    url: str
    clocks: list[Clock]
    server: Server | None = None
    disk: Disk | None = None
    begun: float = field(default_factory=time.monotonic)
    said: list[tuple[Person, float, bool, int]] = field(default_factory=list)
    faults: list[tuple[float, str]] = field(default_factory=list)

    def mark(self, what: str) -> None:
        """Note a fault for the picture, and say it."""
        self.faults.append((time.monotonic() - self.begun, what))
        print(f"{self.faults[-1][0]:7.1f} s  {what}", flush=True)

    def say(self) -> None:
        """One message more, of somebody new."""
        number = len(self.said)
        self.ask(grave=number % GRAVE_EVERY == 0, chain=3 if number % CHAINS == 5 else 1)

    def ask(self, *, grave: bool, chain: int = 1) -> None:
        """One message of somebody new: of a danger or not, or so many questions in a row."""
        person = self.api.person(next(IDS))
        self.said.append((person, time.monotonic(), grave, chain))
        if chain > 1:
            for topic in TOPICS[:chain]:
                person.say(f"/answer {topic}")
        else:
            person.say(GRAVES[len(self.said) % len(GRAVES)] if grave else PLAIN)

    def flow(self, rate: float, seconds: float, *happens: tuple[float, Callable[[], None]]) -> None:
        """So many messages a second for so long; what happens after how many seconds."""
        start, waiting = time.monotonic(), sorted(happens, key=lambda one: one[0])
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            while waiting and time.monotonic() - start >= waiting[0][0]:
                waiting.pop(0)[1]()
            self.say()
        for _, happen in waiting:
            happen()

    def flow_watched(self, rate: float, seconds: float) -> None:
        """The same, with what each process and the database hold marked every half minute."""
        for at in range(0, int(seconds), 30):
            self.flow(rate, min(30, seconds - at))
            marks = [f"{bot.memory():.0f} MB, {bot.files()} files" for bot in self.bots]
            if self.url:
                held = held_by(self.url)
                marks.append(
                    f"database {held.database:.0f} MB, log {held.log:.0f} MB, {held.live} rows, {held.dead} dead"
                )
            self.mark(", ".join(marks))

    def settle(self, seconds: float) -> None:
        """Wait until nothing waits to be fetched and nothing has been sent for a while, or no longer."""
        end, count, quiet = time.monotonic() + seconds, -1, 0
        while time.monotonic() < end and quiet < 12:
            time.sleep(1.0)
            now = len(self.api.sent())
            count, quiet = now, quiet + 1 if now == count and not self.api.waiting else 0


@contextmanager
def stage(replicas: int, scenario: str) -> Iterator[Stage]:
    """
    So many processes on one PostgreSQL, each behind a door of its own, posted to in turn; for 0 one on SQLite that polls.

    In `clock` each has a clock that can be set, in `database` a network lies before the first door, and in `full` the
    server has a small disk of its own.
    """
    faked = scenario == clock.__name__
    if not replicas:
        with BotApi() as api, tempfile.TemporaryDirectory() as folder:
            clocks = [Clock(Path(folder) / "clock")]
            bot = RunningBot(api, Path(folder) / "data")
            bot.around = clocks[0].around if faked else {}
            with bot:
                api.limit(Limits())
                yield Stage(api, [bot], [], "", clocks)
        return
    with BotApi() as api, tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        disk = running.enter_context(Disk(DISK)) if scenario == full.__name__ else None
        server = Server(disk.path / "data", kept=True) if disk else usual_server()
        if disk:
            running.callback(server.end)
        url = running.enter_context(new_database(server))
        networks = [running.enter_context(Network())] if scenario == database.__name__ else []
        secret = secrets.token_urlsafe(32)
        doors = [running.enter_context(Door(url, network)) for network in [*networks, *[None] * replicas][:replicas]]
        clocks = [Clock(Path(folder) / f"clock-{n}") for n in range(replicas)]
        bots = []
        for n, door in enumerate(doors):
            bot = RunningBot(
                api, Path(folder) / str(n), telegram_mode="webhook", database_url=door.url, secret_key=secret
            )
            bot.around = clocks[n].around if faked else {}
            bots.append(running.enter_context(bot))
        api.route_webhook(*(bot.root + PATH for bot in bots))
        api.limit(Limits())
        yield Stage(api, bots, doors, url, clocks, server, disk)


def steady(on: Stage, seconds: float) -> None:
    """40 people a second, each of them new; whether the memory grows."""
    on.api.limit(None)
    on.flow_watched(40, seconds)
    on.settle(120)


def throughput(on: Stage, seconds: float) -> None:
    """As much as can be answered: 100 a second, without Telegram's limits."""
    on.api.limit(None)
    on.flow(100, seconds)
    on.settle(180)


def burst(on: Stage, seconds: float) -> None:
    """200 a second from 1,000 people, within Telegram's limits."""
    on.flow(200, 5)
    on.settle(seconds)


def backlog(on: Stage, seconds: float) -> None:
    """All that waits after hours away, with dangers in between."""
    on.api.route_webhook("http://127.0.0.1:9/")
    for _ in range(int(seconds * 15)):
        on.say()
    on.mark(f"{len(on.said)} wait")
    on.said = [(person, time.monotonic(), grave, chain) for person, _, grave, chain in on.said]
    on.api.route_webhook(*(bot.root + PATH for bot in on.bots))
    on.settle(seconds)


def dangers(on: Stage, seconds: float) -> None:
    """Dangers behind 500 ordinary messages, while Telegram lets another chat wait for 30 seconds."""
    limited = on.api.person(next(IDS))
    on.api.fault("sendMessage", Fault.too_many(30), chat=limited.chat_id)
    limited.say(PLAIN)
    on.api.wait_for(lambda: on.api.calls("sendMessage", chat=limited.chat_id))
    for _ in range(500):
        on.ask(grave=False)
    on.mark("500 wait")
    for _ in range(40):
        on.ask(grave=True)
        time.sleep(0.25)
    on.settle(seconds)


def kill(on: Stage, seconds: float) -> None:
    """One of the processes is killed every 15 seconds, and comes back five seconds later."""

    def death(bot: RunningBot) -> None:
        on.mark("killed")
        bot.kill()

    def birth(bot: RunningBot) -> None:
        on.mark("started")
        bot.begin()

    turns = itertools.cycle(on.bots)
    happens: list[tuple[float, Callable[[], None]]] = []
    for at in range(10, int(seconds) - 10, 15):
        bot = next(turns)
        happens += [(at, lambda bot=bot: death(bot)), (at + 5, lambda bot=bot: birth(bot))]  # type: ignore[misc]
    on.api.slow("sendMessage", 0.05, 0.3)
    on.flow(15, seconds, *happens)
    on.settle(180)


def database(on: Stage, seconds: float) -> None:
    """
    PostgreSQL is frozen for 30 seconds, its connections are ended, it is ended itself and started again, the network
    between it and one process is cut, and it takes nothing more, as servers of somebody else do whose disk is full.
    """
    server, network = on.server, on.doors[0].network
    assert server
    assert network

    def freeze() -> None:
        on.mark("database frozen")
        server.signal(signal.SIGSTOP)

    def thaw() -> None:
        server.signal(signal.SIGCONT)
        on.mark("thawed")

    def lose() -> None:
        on.mark("connections ended")
        end_connections(on.url)

    def restart() -> None:
        on.mark("restarted")
        server.end()
        server.begin()

    def cut() -> None:
        on.mark("network cut")
        network.cut()

    def mend() -> None:
        network.mend()
        on.mark("mended")

    def fill() -> None:
        on.mark("read-only")
        set_full(on.url, True)

    def free() -> None:
        set_full(on.url, False)
        on.mark("writable")

    happens = ((15, freeze), (45, thaw), (60, lose), (75, restart), (90, cut), (120, mend), (135, fill), (165, free))
    on.flow(10, max(seconds, 180), *happens)
    on.settle(60)


def full(on: Stage, seconds: float) -> None:
    """The disk of PostgreSQL is full, at which it ends itself; half a minute later there is room and it is started."""
    server, disk = on.server, on.disk
    assert server
    assert disk

    def fill() -> None:
        on.mark("disk full")
        disk.fill()
        use_log(on.url)

    def free() -> None:
        on.mark(f"freed, and the server {'runs' if server.head else 'had ended itself'}")
        disk.free()
        server.begin()

    on.flow(10, max(seconds, 90), (20, fill), (50, free))
    on.settle(60)


def clock(on: Stage, seconds: float) -> None:
    """The clock of one process goes an hour ahead, that of another an hour behind; later both are right again."""

    def jump(which: int, to: int) -> None:
        on.mark(f"a clock {to:+d} s")
        on.clocks[which].set(to)

    on.flow(
        2,  # libfaketime takes some of a hundred milliseconds of processor a message
        max(seconds, 60),
        (10, lambda: jump(0, 3600)),
        (20, lambda: jump(-1, -3600)),
        (40, lambda: jump(0, 0)),
        (45, lambda: jump(-1, 0)),
    )
    on.settle(60)


def soak(on: Stage, seconds: float) -> None:
    """
    A percent of every fault. A day of two messages a second, 172,800, takes 9,860 seconds.

    No more than may be sent after refusals, or the queue alone would be measured.
    """
    on.api.faults_by_lot("sendMessage", EVERY_FAULT)
    on.flow_watched(14.61, seconds)
    on.api.heal()
    on.settle(600)


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (steady, throughput, burst, backlog, dangers, kill, database, full, clock, soak)
}


def report(on: Stage) -> list[tuple[float, float, bool]]:
    """Print the table; when each first message was said, how long its answer took, whether it told of a danger."""
    sent: dict[int, list[tuple[float, str, bool]]] = {}
    for one in on.api.sent():
        # By its first line: what follows tells more or less of whom to call, by what is known of the talk.
        sent.setdefault(one.chat, []).append((one.at, one.text.partition("\n")[0], is_marked(one)))
    lost = doubled = marked = disordered = 0
    amiss: list[str] = []
    late: list[str] = []
    waits: list[tuple[float, float, bool]] = []
    order: tuple[str, ...] = ()
    for person, at, grave, chain in on.said:
        got = sent.get(person.chat_id, [])
        plain = [text for _, text, again in got if not again]
        different = list(dict.fromkeys(plain))
        marked += len(got) - len(plain)
        missing, more = max(0, chain - max(len(different), min(len(got), chain))), len(plain) - len(different)
        lost += missing
        doubled += more
        turned = False
        if chain > 1 and len(different) == chain and not len(got) > chain:
            order = order or tuple(different)
            turned = tuple(different) != order
            disordered += turned
        if missing or more or turned:
            what = "lost" if missing else "doubled" if more else "out of order"
            amiss.append(
                f"{at - on.begun:.1f} s {what}, {'a danger' if grave else f'{chain} said'}, answered "
                + " ".join(f"{then - on.begun:.1f}" for then, *_ in got)
            )
        if got:
            if grave and got[0][0] - at > 2.0:
                late.append(f"{at - on.begun:.1f}")
            waits.append((at - on.begun, got[0][0] - at, grave))
    answered = sum(map(len, sent.values()))
    span = max((one.at for one in on.api.sent()), default=0.0) - min((at for _, at, *_ in on.said), default=0.0)
    print(
        f"said {sum(chain for *_, chain in on.said)}, answered {answered} ({answered / span:.1f} a second), lost {lost}, "
    )
    print(f"doubled unmarked {doubled}, repeated with a mark {marked}, out of order {disordered}, ")
    for line in amiss[:10]:
        print(line)
    print(f"over the limits {on.api.over_the_limits}, sent while limited {on.api.sends_while_limited()}")
    print("dangers answered after more than 2 s were said at", ", ".join(late[:20]) or "no time")
    print("lane        count     p50     p95     p99     max  (s until the answer)")
    for name, which in (("emergency", True), ("ordinary", False)):
        ours = sorted(wait for _, wait, grave in waits if grave is which)
        if ours:
            shares = [ours[min(len(ours) - 1, int(share * len(ours)))] for share in (0.5, 0.95, 0.99)]
            print(f"{name:<10} {len(ours):>6} " + " ".join(f"{value:>7.2f}" for value in (*shares, ours[-1])))
    return waits


def main() -> None:
    """Run one scenario."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--replicas", type=int, default=3, help="processes on PostgreSQL; 0: one on SQLite that polls")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long messages flow, or are waited for")
    parser.add_argument("--out", type=Path, help="where the picture goes")
    arguments = parser.parse_args()
    if arguments.scenario == clock.__name__ and FAKETIME is None:
        parser.error("the system's package faketime is not installed")
    random.seed(1)
    if arguments.scenario in {database.__name__, full.__name__} and not (arguments.replicas and os.geteuid() == 0):
        parser.error("this scenario is for processes on PostgreSQL, and root's: it makes a network or a disk")
    with stage(arguments.replicas, arguments.scenario) as on:
        on.begun = time.monotonic()
        SCENARIOS[arguments.scenario](on, arguments.seconds)
        waits = report(on)
        print("processor seconds:", ", ".join(f"{bot.processor():.1f}" for bot in on.bots if bot.alive))
        if arguments.out:
            arguments.out.write_text(picture(waits, on.faults), encoding="utf-8")


if __name__ == "__main__":
    main()
