"""A response's Markdown -> plain text, Telegram HTML, web HTML. Responses use paragraphs, lists and bold type only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from bot.vocabulary import Passage, PassageKind

BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
LISTS = ((re.compile(r"^- "), "ul"), (re.compile(r"^\d\. "), "ol"))
NUMBER = re.compile(r"(?<![\w.])\+?\d(?:[\d ()-]*\d)?(?![\w.])")
"""A number that a phone can dial, as the directory writes it."""
SPOKEN = frozenset({PassageKind.POINTER, PassageKind.LINES})
"""Passages whose digits are numbers to call."""


def plain(text: str) -> str:
    """The text without marks; lists keep their numbers and dashes."""
    return BOLD.sub(r"\1", text)


def plain_reply(passages: Iterable[Passage]) -> str:
    """A whole reply as plain text, a blank line between passages."""
    return "\n\n".join(plain(passage.text) for passage in passages)


def telegram_html(text: str) -> str:
    """The text in Telegram's HTML: bold type, and lists as lines with their marks."""
    lines = re.sub(r"^- ", "• ", escape(text, quote=False), flags=re.MULTILINE)
    return BOLD.sub(r"<b>\1</b>", lines)


def web_html(passage: Passage) -> str:
    """A passage as HTML: `p`, `ul`, `ol`, `strong`, and numbers to call as links that a phone dials."""
    return "\n".join(_block(block.splitlines(), passage.kind in SPOKEN) for block in re.split(r"\n{2,}", passage.text))


def _block(lines: list[str], dialled: bool) -> str:
    """A paragraph; or a list, with the lines before it as a paragraph of their own."""
    for mark, tag in LISTS:
        start = next((at for at, line in enumerate(lines) if mark.match(line)), None)
        if start is not None and all(mark.match(line) for line in lines[start:]):
            items = "".join(f"<li>{_inline(mark.sub('', line), dialled)}</li>" for line in lines[start:])
            before = _block(lines[:start], dialled) + "\n" if start else ""
            return f"{before}<{tag}>{items}</{tag}>"
    return "<p>" + "<br>".join(_inline(line, dialled) for line in lines) + "</p>"


def _inline(text: str, dialled: bool) -> str:
    marked = BOLD.sub(r"<strong>\1</strong>", escape(text))
    return NUMBER.sub(_link, marked) if dialled else marked


def _link(found: re.Match[str]) -> str:
    number = re.sub(r"[^\d+]", "", found[0])
    return f'<a href="tel:{number}">{found[0]}</a>'
