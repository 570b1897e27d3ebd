"""What tests share: the real library, read once, and a talk of several messages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.content.loader import find_responses, load
from bot.conversation.library import Library
from bot.conversation.turn import take_turn
from bot.vocabulary import Message, Profile, Session, Turn

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Talk:
    """Messages one after another, each with the session that the one before left."""

    library: Library
    session: Session = field(default_factory=Session)

    def say(self, *texts: str, told: Profile | None = None) -> Turn:
        """The turn of the last of the texts."""
        for text in texts:
            turn = take_turn(Message(text, NOON, told or Profile()), self.session, self.library)
            self.session = turn.session or Session()
        return turn


@pytest.fixture(scope="session")
def library() -> Library:
    """All that the bot knows, from the real files."""
    return load(find_responses()).library


@pytest.fixture
def talk(library: Library) -> Talk:
    """A talk that begins."""
    return Talk(library)


@pytest.fixture
def in_country(library: Library) -> Callable[[str | None], Talk]:
    """A talk with somebody whose country is known."""
    return lambda country: Talk(library, Session(Profile(None, country)))


@pytest.fixture(scope="session")
def broken_library(library: Library) -> Library:
    """The library with an encoder that fails on every text."""

    def broken(text: str) -> None:
        raise RuntimeError(text)

    return replace(library, encoder=broken)  # type: ignore[arg-type]


@pytest.fixture
def responses_copy(tmp_path: Path) -> Path:
    """A copy of responses/ to break; the model is linked, the questions are left out."""
    real, copy = find_responses(), tmp_path / "responses"
    shutil.copytree(real, copy, ignore=shutil.ignore_patterns("questions", "model"))
    (copy / "model").symlink_to(real / "model")
    return copy


# The processes that the tests start are many: none of them should compile anew what it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

TIMED = ("tests/telegram/", "tests/channels/web/test_process.py", "tests/channels/web/test_serving.py")
"""Tests of what happens within so many seconds, on a machine that may have other work at that moment."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a timed test that fails show twice more whether it was the bot or the machine."""
    for item in items:
        if item.nodeid.startswith(TIMED):
            item.add_marker(pytest.mark.flaky(reruns=2))
