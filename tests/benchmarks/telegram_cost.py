"""
What a message costs on Telegram: the whole bot against a bare echo bot of python-telegram-bot, on one test server.

`uv run python tests/benchmarks/telegram_cost.py [--messages 600] [--rate 20]` prints processor time a message, with the
time of the engine (understanding and composing, which an echo has not) taken out, and the time until the answer.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.telegram.bot_api import BotApi
from tests.telegram.expected import PLAIN
from tests.telegram.people import Person
from tests.telegram.running import RunningBot, processor_seconds

ECHO = """
import sys
from telegram.ext import Application, MessageHandler, filters
async def echo(update, context): await update.message.reply_text(update.message.text)
root, token = sys.argv[1:]
app = Application.builder().token(token).base_url(root + "/bot").concurrent_updates(True).build()
app.add_handler(MessageHandler(filters.TEXT, echo))
app.run_polling(stop_signals=None)
"""
IDS = itertools.count(9_000_001)


def speak(api: BotApi, count: int, rate: float) -> list[float]:
    """One message each of so many people at a steady pace; seconds until each was answered."""
    said: list[tuple[Person, float]] = []
    begun = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        person = api.person(next(IDS))
        said.append((person, time.monotonic()))
        person.say(PLAIN)
    api.wait_for(lambda: all(api.sent(person.chat_id) for person, _ in said[-50:]), 30)
    api.wait_for(lambda: all(api.sent(person.chat_id) for person, _ in said), 30)
    return [api.sent(person.chat_id)[0].at - at for person, at in said]


def measured(api: BotApi, pid: int, count: int, rate: float) -> tuple[float, list[float]]:
    """Processor seconds a message, and the waits; after some messages that do not count."""
    speak(api, 40, rate)
    before = processor_seconds(pid)
    waits = speak(api, count, rate)
    return (processor_seconds(pid) - before) / count, waits


def main() -> None:
    """Measure both, one after the other, twice in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=600)
    parser.add_argument("--rate", type=float, default=20.0)
    arguments = parser.parse_args()
    ratios, later = [], []
    for _ in range(2):
        with BotApi() as api:
            echo = subprocess.Popen([sys.executable, "-c", ECHO, api.root, api.token], stderr=subprocess.DEVNULL)
            bare, bare_waits = measured(api, echo.pid, arguments.messages, arguments.rate)
            echo.kill()
            echo.wait()
        with BotApi() as api, tempfile.TemporaryDirectory() as folder, RunningBot(api, Path(folder)) as bot:
            speak(api, 5, arguments.rate)
            turns, engine = bot.metric("overdose_bot_turn_seconds_count"), bot.metric("overdose_bot_turn_seconds_sum")
            whole, waits = measured(api, bot.pid, arguments.messages, arguments.rate)
            turns = bot.metric("overdose_bot_turn_seconds_count") - turns
            engine = (bot.metric("overdose_bot_turn_seconds_sum") - engine) / turns
        ratios.append((whole - engine) / bare)
        later.append(statistics.median(waits) - statistics.median(bare_waits))
        print(
            f"echo bot: {bare * 1e3:.2f} ms of processor a message, median wait {statistics.median(bare_waits) * 1e3:.0f} ms"
        )
        print(
            f"whole bot: {whole * 1e3:.2f} ms, of which engine {engine * 1e3:.2f}; without it {ratios[-1]:.2f} times "
            f"the echo bot's; median wait {statistics.median(waits) * 1e3:.0f} ms"
        )
    print(f"ratio {statistics.mean(ratios):.2f}, {statistics.mean(later) * 1e3:+.0f} ms at the median")


if __name__ == "__main__":
    main()
