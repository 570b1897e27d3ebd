"""
How the bot's costs grow with what it knows: `uv run python -m tests.benchmarks.growth [ROW ...] [--rounds 30]`.

For each row a library many times larger is written and read by a process of its own, which then answers the same
messages with it and with the present library, message by message in turn. Printed are the medians' ratios, which are to
stay below two, the seconds until the library is loaded, and the memory that it takes. Training questions are not read
when the bot runs: only the heads fitted on them are, and those grow with the topics.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter, perf_counter_ns

from bot.content import encoder as encoders
from bot.content.loader import find_responses, load
from bot.conversation.library import Library
from bot.conversation.turn import take_turn
from bot.conversation.understanding import understand
from bot.vocabulary import Message, Session
from tests.benchmarks.answer_time import MESSAGES, NOON
from tests.benchmarks.grown import Growth, grow

ROWS = {
    "as-it-is": Growth(),
    "topics-10": Growth(topics=10),
    "topics-100": Growth(topics=100),
    "phrases-10": Growth(phrases=10),
    "phrases-100": Growth(phrases=100),
    "languages-10": Growth(languages=10),
    "languages-100": Growth(languages=100),
    "all-5": Growth(5, 5, 5),
    "all-10": Growth(10, 10, 10),
}
ALL_WORDS = tuple(text for name in ("a few words", "a sentence") for text in MESSAGES[name])
LEANS = ("and is it safe", "а это безопасно", "y es seguro")
AFTER = Session(topic="naloxone-what-is")

Act = Callable[[Library, str], object]


def turn(library: Library, text: str) -> object:
    """A message answered."""
    return take_turn(Message(text, NOON), Session(), library)


def turn_after(library: Library, text: str) -> object:
    """A message answered that leans on the topic before it."""
    return take_turn(Message(text, NOON), AFTER, library)


def glance(library: Library, text: str) -> object:
    """Whether a message sounds grave: how every message is looked at before its turn."""
    return understand(Message(text, NOON), Session(), library)


KINDS: dict[str, tuple[tuple[str, ...], Act]] = {
    **{name: (texts, turn) for name, texts in MESSAGES.items()},
    "leaning": (LEANS, turn_after),
    "at a glance": (ALL_WORDS, glance),
}


def resident() -> float:
    """Megabytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def medians(texts: tuple[str, ...], act: Act, libraries: tuple[Library, ...], rounds: int) -> list[float]:
    """Milliseconds at the median with each library, the libraries taken in turn."""
    taken: list[list[float]] = [[] for _ in libraries]
    for number in range(rounds + 1):
        for text in texts:
            for times, library in zip(taken, libraries, strict=True):
                begun = perf_counter_ns()
                act(library, text)
                if number:
                    times.append((perf_counter_ns() - begun) / 1e6)
    return [median(times) for times in taken]


def measure(folder: Path, rounds: int) -> dict[str, object]:
    """What the library in a folder costs, beside the present one."""
    before, begun = resident(), perf_counter()
    encoders.REMEMBERED = 0  # every message counts as one that was not read before
    loaded = load(folder)
    turn(loaded.library, "hi")
    seconds, memory = perf_counter() - begun, resident() - before
    present = load(find_responses()).library
    times = {}
    for name, (texts, act) in KINDS.items():
        libraries = (present, loaded.library)
        if act is glance:
            libraries = (replace(present, encoder=None, heads=None), replace(loaded.library, encoder=None, heads=None))
        times[name] = medians(texts, act, libraries, rounds if name != "a page" else max(2, rounds // 5))
    faults = [str(fault) for fault in loaded.faults]
    return {"seconds": seconds, "memory": memory, "times": times, "faults": faults[:3]}


def main() -> None:
    """Write, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.rounds)))
        return
    print(f"{'':28}" + "".join(f"{name:>15}" for name in KINDS) + f"{'load':>9}{'memory':>10}")
    for name in options.rows:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "responses"
            grow(find_responses(), folder, ROWS[name])
            command = [sys.executable, "-m", __spec__.name, "--measure", str(folder), "--rounds", str(options.rounds)]
            got = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        assert not got["faults"], got["faults"]
        cells = "".join(f"{now:8.2f} ({now / base:.2f})" for base, now in got["times"].values())
        print(f"{ROWS[name]!s:28}{cells}{got['seconds']:7.1f} s{got['memory']:7.0f} MB", flush=True)
    print("milliseconds at the median (ratio to the present library, taken in turn with it), one core")


if __name__ == "__main__":
    main()
