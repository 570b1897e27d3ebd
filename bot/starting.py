"""What every command that answers begins with: the assistant, or one clear line and the end."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from bot.assistant import Assistant
from bot.content.loader import Loaded, find_responses, load
from bot.settings import Settings
from bot.vocabulary import ReviewKind

BREACH = 1
"""Exit status where `library check` or `doctor` found something."""
WRONG = 2
"""Exit status for wrong usage or wrong settings."""


@dataclass(frozen=True)
class Started:
    """What every command that answers needs."""

    assistant: Assistant
    loaded: Loaded


def fail(message: str) -> NoReturn:
    """One clear line, or a list of faults, on standard error, and status 2."""
    print(f"overdose-bot: {message}", file=sys.stderr)
    raise SystemExit(WRONG)


def start(settings: Settings) -> Started:
    """
    The assistant with all that is sound, and on standard error what is not.

    Raises:
        ContentError: nothing can be served.
    """
    loading = sys.stderr.isatty()
    if loading:
        print("loading ...", end="\r", file=sys.stderr, flush=True)
    loaded = load(find_responses(), ReviewKind(settings.required_review), datetime.now(UTC).date())
    if loading:
        print(" " * 12, end="\r", file=sys.stderr)
    for fault in loaded.faults:
        print(f"overdose-bot: not served: {fault}", file=sys.stderr)
    for warning in loaded.warnings:
        print(f"overdose-bot: {warning}", file=sys.stderr)
    return Started(Assistant(loaded.library, {}), loaded)
