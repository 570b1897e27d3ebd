"""A response's Markdown -> plain text. Responses use paragraphs, lists and bold type, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.vocabulary import Passage

BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)


def plain(text: str) -> str:
    """The text without marks; lists keep their numbers and dashes."""
    return BOLD.sub(r"\1", text)


def plain_reply(passages: Iterable[Passage]) -> str:
    """A whole reply as plain text, a blank line between passages."""
    return "\n\n".join(plain(passage.text) for passage in passages)
