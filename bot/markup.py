"""A response's Markdown -> plain text, Telegram HTML, web HTML. Responses use paragraphs, lists and bold type only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from html import escape

from bot.vocabulary import Passage, PassageKind

BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
LISTS = ((re.compile(r"^- "), "ul"), (re.compile(r"^\d\. "), "ol"))
WAY = re.compile(
    r"(?P<address>https://[^\s<>&]+)|(?<![\w.])(?P<number>[*+]?\d(?:[ -]?\d)*)(?![\w.])(?P<word> «[^»]+»)?"
)
"""A way to reach help as the directory writes it: an address, or a number to dial or, with a word, to write to."""
AWAY = ' rel="noreferrer"'
"""What a link to an address carries."""


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


def web_html(passage: Passage, away: str = AWAY) -> str:
    """
    A passage as HTML: `p`, `ul`, `ol`, `strong`, and ways to reach help as links that a phone dials or opens.

    Args:
        away: attributes of links to an address.
    """
    linked = partial(LINKED[passage.kind], away) if passage.kind in LINKED else _marked
    return "\n".join(_block(block.splitlines(), linked) for block in re.split(r"\n{2,}", passage.text))


def _block(lines: list[str], linked: Callable[[str], str]) -> str:
    """A paragraph; or a list, with the lines before it as a paragraph of their own."""
    for mark, tag in LISTS:
        start = next((at for at, line in enumerate(lines) if mark.match(line)), None)
        if start is not None and all(mark.match(line) for line in lines[start:]):
            items = "".join(f"<li>{linked(mark.sub('', line))}</li>" for line in lines[start:])
            before = _block(lines[:start], linked) + "\n" if start else ""
            return f"{before}<{tag}>{items}</{tag}>"
    return "<p>" + "<br>".join(linked(line) for line in lines) + "</p>"


def _marked(text: str) -> str:
    return BOLD.sub(r"<strong>\1</strong>", escape(text, quote=False))


def _pointer(away: str, text: str) -> str:
    return WAY.sub(partial(_link, away), _marked(text))


def _help_line(away: str, text: str) -> str:
    """What stands in brackets after the way is a name and hours, whose digits nobody can dial."""
    way, bracket, details = text.partition(" (")
    return _pointer(away, way) + _marked(bracket + details)


def _link(away: str, found: re.Match[str]) -> str:
    if found["address"]:
        return f'<a href="{found["address"]}"{away}>{found["address"]}</a>'
    number, word = re.sub(r"[ -]", "", found["number"]), found["word"] or ""
    return f'<a href="{"sms" if word else "tel"}:{number}">{found["number"]}</a>{word}'


LINKED: Mapping[PassageKind, Callable[[str, str], str]] = {
    PassageKind.POINTER: _pointer,
    PassageKind.LINES: _help_line,
}
"""Passages in which ways to reach help are links; elsewhere a digit is none."""
