"""The emergency card to print or to keep on a phone: the vetted texts on A4 and A6 as PDF, and as a picture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from pathlib import Path

import segno
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from bot.conversation.library import Library
from bot.conversation.turn import take_turn
from bot.markup import plain
from bot.vocabulary import ClearedReply, Message, PassageKind, Profile, Session

TOPIC = "someone-down"
FONTS = Path(__file__).parent / "fonts"
FILES = {False: FONTS / "DejaVuSans.ttf", True: FONTS / "DejaVuSans-Bold.ttf"}
STEP = re.compile(r"^(\d)\. (.*)$")
LEADING = 1.35
SMALL = 0.58
"""How large the lines beside the code are set."""
SMALLEST = 0.4
"""By how much a text may shrink so that a card fits its page."""


class CardError(Exception):
    """The card cannot be made: its text is not served in this language, or does not fit."""


@dataclass(frozen=True)
class Page:
    """A page in points, and how large its body is set before anything shrinks."""

    name: str
    width: float
    height: float
    size: float

    @property
    def margin(self) -> float:
        """White around everything."""
        return self.width * 0.06


A4, A6, PHONE = Page("A4", 595.28, 841.89, 19), Page("A6", 297.64, 419.53, 9.5), Page("phone", 360, 640, 14)
PIXELS = 3
"""Pixels of the picture to a point: 1080 by 1920."""


@dataclass(frozen=True)
class Block:
    """A paragraph of the card: its words, how large they are beside the body, and what they look like."""

    text: str
    scale: float = 1.0
    is_bold: bool = False
    is_boxed: bool = False
    number: str = ""


@dataclass(frozen=True)
class Line:
    """A line in its place: the left end of its baseline."""

    text: str
    x: float
    y: float
    size: float
    is_bold: bool
    is_white: bool = False


@dataclass(frozen=True)
class Box:
    """A black rectangle, or a black circle around a number."""

    x: float
    y: float
    width: float
    height: float
    is_round: bool = False


@dataclass(frozen=True)
class Layout:
    """Everything on a page, in its place. Both kinds of file are drawn from it."""

    page: Page
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    code: Box | None


def make_card(
    library: Library, language: str, country: str | None, folder: Path, public_url: str | None = None
) -> tuple[Path, ...]:
    """
    Write the card of a language and country: two PDF files and a picture.

    Args:
        country: ISO 3166-1 alpha-2 code; None for a card that names the number where the country is unknown.
        public_url: where the web channel is reached; with it the card has a code that leads there.

    Returns:
        The files written.

    Raises:
        CardError: the card is not served in this language.
    """
    reply = card_of(library, language, country)
    link = f"{public_url.rstrip('/')}/emergency?language={language}" if public_url else None
    link = f"{link}&country={country}" if link and country else link
    texts = blocks(library, language, reply, link)
    title = library.title(language, TOPIC)
    alone = "\n".join(f"{block.number}. {block.text}" if block.number else block.text for block in texts)
    stem = "-".join(part for part in ("emergency-card", language, country) if part)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for page in (A4, A6):
        made.append(folder / f"{stem}-{page.name}.pdf")
        write_pdf(laid_out(texts, page, link), made[-1], language, title, link, reply)
    made.append(folder / f"{stem}.png")
    write_picture(laid_out(texts, PHONE, link), made[-1], title, alone, link)
    return tuple(made)


def card_of(library: Library, language: str, country: str | None) -> ClearedReply:
    """
    The answer to somebody who does not wake up, cleared by the guard.

    Raises:
        CardError: it is not served in this language.
    """
    profile = Profile(language, country)
    message = Message(f"/answer {TOPIC}", datetime.min.replace(tzinfo=UTC))
    reply = take_turn(message, Session(profile, country_asked=True), library).reply
    if reply.topic != TOPIC or reply.language != language:
        raise CardError(f"{language}/{TOPIC}.md is not served, so there is no card")
    return reply


def blocks(library: Library, language: str, reply: ClearedReply, link: str | None) -> tuple[Block, ...]:
    """The words of the card from top to bottom, each of them vetted."""
    found = [Block(library.title(language, TOPIC), 1.5, True)]
    for passage in reply.passages:
        is_pointer = passage.kind is PassageKind.POINTER
        for line in plain(passage.text).splitlines():
            step = STEP.match(line)
            if step:
                found.append(Block(step[2], 1.0, True, number=step[1]))
            elif line.strip():
                found.append(Block(line, 1.2 if is_pointer else 0.68, is_pointer, is_pointer))
    words = library.words[language].web
    if words:
        checked = max(source.checked for source in reply.sources)
        found.append(Block(words[f"review_{reply.review}"] + f" ({words['checked'].format(date=checked)})", SMALL))
    if words and link:
        found.append(Block(f"{words['card_code']}: {link}", SMALL))
    return tuple(found)


@lru_cache
def font(size: float, is_bold: bool) -> ImageFont.FreeTypeFont:
    """A font of ours."""
    return ImageFont.truetype(FILES[is_bold], size)


def width_of(text: str, size: float, is_bold: bool) -> float:
    """How wide a text is, in points."""
    return font(100, is_bold).getlength(text, features=["-kern"]) * size / 100


def wrapped(text: str, size: float, is_bold: bool, width: float) -> Iterator[str]:
    """The lines of a text that is so wide; a word that is wider is broken."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if width_of(longer, size, is_bold) <= width:
            line = longer
            continue
        if line:
            yield line
        while width_of(word, size, is_bold) > width:
            cut = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or width_of(word[:n], size, is_bold) <= width)
            yield word[:cut]
            word = word[cut:]
        line = word
    if line:
        yield line


def laid_out(texts: Sequence[Block], page: Page, link: str | None) -> Layout:
    """
    Everything in its place, as large as fits.

    Raises:
        CardError: it does not fit, however small.
    """
    for percent in range(130, round(SMALLEST * 100), -2):
        layout, end = placed(texts, page, page.size * percent / 100, link)
        if end <= page.height - page.margin:
            return layout
    raise CardError(f"the card does not fit on {page.name}")


def placed(texts: Sequence[Block], page: Page, body: float, link: str | None) -> tuple[Layout, float]:
    """Everything in its place at one size, and where it ends."""
    boxes: list[Box] = []
    lines: list[Line] = []
    top, left, width = page.margin, page.margin, page.width - 2 * page.margin
    side = page.width * 0.2
    small = [index for index, block in enumerate(texts) if block.scale <= SMALL]
    begins = 0.0
    for index, block in enumerate(texts):
        size = body * block.scale
        beside = side + body if link and index in small else 0.0
        begins = begins or (top if index in small else 0.0)
        indent = body * 1.9 if block.number else body * 0.6 if block.is_boxed else 0.0
        inside = width - indent - beside - (indent if block.is_boxed else 0)
        rows = list(wrapped(block.text, size, block.is_bold, inside))
        pad = body * 0.45 if block.is_boxed else 0.0
        height = len(rows) * size * LEADING + 2 * pad
        if block.is_boxed:
            boxes.append(Box(left, top, width, height))
        if block.number:
            boxes.append(Box(left, top, size * LEADING, size * LEADING, True))
            x = left + (size * LEADING - width_of(block.number, size, True)) / 2
            lines.append(Line(block.number, x, top + size, size, True, True))
        for row, text in enumerate(rows):
            y = top + pad + size + row * size * LEADING
            lines.append(Line(text, left + indent, y, size, block.is_bold, block.is_boxed))
        top += height + body * (0.5 if block.scale > SMALL else 0.25)
    code = Box(page.width - page.margin - side, begins, side, side) if link else None
    return Layout(page, tuple(boxes), tuple(lines), code), max(top, begins + side if code else 0.0)


def modules(link: str, place: Box) -> Iterator[Box]:
    """The black squares of the code that leads to a link."""
    matrix = segno.make_qr(link, error="m").matrix
    size = place.width / len(matrix)
    for row, cells in enumerate(matrix):
        for column, is_dark in enumerate(cells):
            if is_dark:
                yield Box(place.x + column * size, place.y + row * size, size, size)


def write_pdf(layout: Layout, path: Path, language: str, title: str, link: str | None, reply: ClearedReply) -> None:
    """The card as a PDF whose text can be read aloud, searched and copied."""
    pdf = FPDF(unit="pt", format=(layout.page.width, layout.page.height))
    pdf.set_lang(language)
    pdf.set_title(title)
    pdf.set_creation_date(datetime.combine(max(s.checked for s in reply.sources), time(), UTC))
    pdf.set_auto_page_break(False)
    for is_bold, file in FILES.items():
        pdf.add_font("card", "B" if is_bold else "", file)
    pdf.add_page()
    for box in layout.boxes:
        (pdf.ellipse if box.is_round else pdf.rect)(box.x, box.y, box.width, box.height, style="F")
    for line in layout.lines:
        pdf.set_font("card", "B" if line.is_bold else "", line.size)
        pdf.set_text_color(255 if line.is_white else 0)
        pdf.text(line.x, line.y, line.text)
    if link and layout.code:
        for box in modules(link, layout.code):
            pdf.rect(box.x, box.y, box.width, box.height, style="F")
        pdf.link(layout.code.x, layout.code.y, layout.code.width, layout.code.height, link, alt_text=link)
    pdf.output(str(path))


def write_picture(layout: Layout, path: Path, title: str, text: str, link: str | None) -> None:
    """The card as a picture; all its words are in its description too."""
    size = (round(layout.page.width * PIXELS), round(layout.page.height * PIXELS))
    picture = Image.new("L", size, 255)
    draw = ImageDraw.Draw(picture)
    dark = [*layout.boxes, *(modules(link, layout.code) if link and layout.code else ())]
    for box in dark:
        corners = [box.x * PIXELS, box.y * PIXELS, (box.x + box.width) * PIXELS - 1, (box.y + box.height) * PIXELS - 1]
        (draw.ellipse if box.is_round else draw.rectangle)([round(corner) for corner in corners], fill=0)
    for line in layout.lines:
        place = (line.x * PIXELS, line.y * PIXELS)
        written = font(round(line.size * PIXELS, 2), line.is_bold)
        draw.text(place, line.text, 255 if line.is_white else 0, written, anchor="ls", features=["-kern"])
    about = PngInfo()
    about.add_itxt("Title", title)
    about.add_itxt("Description", text)
    picture.save(path, optimize=True, pnginfo=about)
