"""
How fast the bot answers on one core: `uv run python tests/benchmarks/answer_time.py [ROUNDS]`.

Prints median and 95th percentile a message, by kind of message; the ratio to the encoder alone, without which no
message can be understood; the time to start; and the peak of memory.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median
from time import perf_counter_ns

BEGUN = perf_counter_ns()
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

from bot.content import encoder as encoders  # noqa: E402
from bot.content.loader import find_responses, load  # noqa: E402 - the time to import is part of the time to start
from bot.conversation.language import folded  # noqa: E402
from bot.conversation.turn import take_turn  # noqa: E402
from bot.vocabulary import Message, Session  # noqa: E402

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MESSAGES = {
    "a few words": (
        "my friend wont wake up",
        "он не дышит",
        "mi amigo no respira",
        "what is naloxone",
        "что такое блок",
    ),
    "a sentence": (
        "my brother came back from rehab last week and i am scared that he will use again what can i do",
        "мой сын вернулся из клиники неделю назад и я боюсь что он снова начнёт что мне делать",
        "mi hermano volvió de la clínica la semana pasada y tengo miedo de que vuelva a consumir qué hago",
    ),
    "a page": (
        "i do not know what to do about my son and his friends. " * 40,
        "я не знаю что мне делать с сыном. " * 50,
    ),
    "a tap": ("/answer step-breathing", "/start", "/country KZ"),
}


def microseconds(texts: Sequence[str], rounds: int, act: Callable[[str], object]) -> list[float]:
    """How long the act takes on each text of each round, in order of time; the first round only warms up."""
    taken = []
    for number in range(rounds + 1):
        for text in texts:
            begun = perf_counter_ns()
            act(text)
            if number:
                taken.append((perf_counter_ns() - begun) / 1000)
    return sorted(taken)


def told(name: str, taken: Sequence[float], than: Sequence[float] | None) -> str:
    """One line of the table."""
    late = taken[min(len(taken) - 1, int(len(taken) * 0.95))]
    ratio = f"{median(taken) / median(than):6.2f}" if than else "      "
    return f"{name:14} {median(taken) / 1000:8.2f} ms {late / 1000:8.2f} ms  {ratio}"


def main(rounds: int) -> None:
    """Measure and print."""
    encoders.REMEMBERED = 0  # every message counts as one that was not read before
    library = load(find_responses()).library
    take_turn(Message("hi", NOON), Session(), library)
    started = (perf_counter_ns() - BEGUN) / 1e9
    print(f"{'':14} {'median':>11} {'95 %':>11}  {'to encoder alone':>6}")
    for name, texts in MESSAGES.items():
        taken = microseconds(texts, rounds, lambda text: take_turn(Message(text, NOON), Session(), library))
        encoder = library.encoder
        alone = None
        if encoder and name != "a tap":
            alone = microseconds([folded(text) for text in texts], rounds, encoder)
        print(told(name, taken, alone))
    # Linux counts kilobytes, macOS bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
    print(f"\nstart to first answer {started:.2f} s, peak memory {peak:.0f} MiB, one core, {rounds} rounds")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
