"""What Telegram does to the text and the buttons of a bot before anybody reads them, and what it refuses."""

from __future__ import annotations

import json
import re
from typing import Any

Json = dict[str, Any]

TEXT_LIMIT = 4096
BUTTON_LIMIT = 100
DATA_LIMIT = 64

TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler", "span": "spoiler",
    "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote", "tg-emoji": "custom_emoji",
}  # fmt: skip
"""Every tag of the HTML mode, with the entity that it makes."""

NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]{1,8})|#([0-9]{1,10})|(lt|gt|amp|quot));?")
NAME_END = re.compile(r"[\s>]|\Z")
ATTRIBUTE = re.compile(r"""\s*([^\s=>]*)\s*(?:=\s*("[^"]*"|'[^']*'|[a-zA-Z0-9.\-]+))?""")
CONTROLS = {code: " " for code in range(32) if code not in (10, 13)} | {13: None}
REMOVED: dict[int, str | None] = {**dict.fromkeys([*range(0x2028, 0x202F), 0x0333, 0x033F, 0x030A], None), **CONTROLS}
MARKS = re.compile("[\u200e\u200f]+(?=[\u200e\u200f])")
INVISIBLE = re.compile("[\\s\u1680\u180e\u2000-\u200f\u202f\u205f\u2800\u3000\ufffc\ufeff\u00a0\U000e0000-\U000e007f]*")


class Refusal(Exception):  # noqa: N818 - it is an answer, and no error of ours
    """An answer that is not ok, in Telegram's words."""

    def __init__(self, status: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(f"{status} {description}")
        self.status = status
        self.description = description
        self.parameters = parameters


def bad(description: str) -> Refusal:
    """A request that asks for what cannot be."""
    return Refusal(400, f"Bad Request: {description}")


def units(text: str) -> int:
    """The length of a text as Telegram counts it, in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cleaned(text: str) -> str:
    """A text without the characters that Telegram takes out of everything."""
    return MARKS.sub(lambda found: "\u200c" * len(found[0]), text.translate(REMOVED))


def shown(text: object, parse_mode: object) -> tuple[str, list[Json]]:
    """
    What a reader sees of a text that a bot sends.

    Returns:
        The plain text, and its entities (offsets in UTF-16 units of the text before its ends are trimmed).

    Raises:
        Refusal: the text is empty, broken or no UTF-8. Its length is not looked at.
    """
    if not isinstance(text, str) or not text:
        raise bad("message text is empty")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise bad("strings must be encoded in UTF-8") from None
    mode = str(parse_mode or "").lower()
    if mode not in ("", "html"):
        raise bad("unsupported parse_mode")
    plain, entities = parsed_html(text) if mode else (text, [])
    plain = cleaned(plain).strip(" \t\r\n\0\v")
    if INVISIBLE.fullmatch(plain):
        raise bad("message text is empty")
    return plain, entities


def parsed_html(text: str) -> tuple[str, list[Json]]:
    """Telegram's HTML: plain text and entities. A lone ">" and an unknown "&name;" stay as they are."""
    plain: list[str] = []
    length = 0
    opened: list[tuple[str, int, int, Json]] = []
    entities: list[Json] = []
    at = 0

    def fault(words: str, place: int) -> Refusal:
        return bad(f"can't parse entities: {words.format(len(text[:place].encode()))}")

    while at < len(text):
        if text[at] != "<":
            piece, at = next_piece(text, at)
            plain.append(piece)
            length += units(piece)
            continue
        begin, closing = at, text.startswith("</", at)
        end = NAME_END.search(text, at + 1 + closing)
        assert end
        name = text[at + 1 + closing : end.start()].lower()
        at = end.start()
        if closing:
            if not opened:
                raise fault("Unexpected end tag at byte offset {}", begin)
            at += len(text[at:]) - len(text[at:].lstrip())
            if not text.startswith(">", at):
                raise fault("Unclosed end tag at byte offset {}", begin)
            tag, offset, pieces, entity = opened.pop()
            if name not in ("", tag):
                raise fault(f'Unmatched end tag at byte offset {{}}, expected "</{tag}>", found "</{name}>"', begin)
            if tag == "a":
                entity.setdefault("url", "".join(plain[pieces:]))
            if length > offset:
                entities.append({**entity, "offset": offset, "length": length - offset})
        else:
            if at == len(text):
                raise fault("Unclosed start tag at byte offset {}", begin)
            if name not in TAGS:
                named = name.replace("{", "{{").replace("}", "}}")
                raise fault(f'Unsupported start tag "{named}" at byte offset {{}}', begin)
            entity = {"type": TAGS[name]}
            while not text.startswith(">", at):
                found = ATTRIBUTE.match(text, at)
                assert found
                at = found.end()
                if at >= len(text):
                    raise fault("Unclosed start tag at byte offset {}", begin)
                if not found[1] and not text.startswith(">", at):
                    raise fault(f'Empty attribute name in the tag "{name}" at byte offset {{}}', begin)
                value = (found[2] or "").strip("\"'")
                if name == "a" and found[1].lower() == "href":
                    entity["url"] = ENTITY.sub(entity_character, value)
                if name == "span":
                    entity["class"] = value
            if name == "span" and entity.pop("class", None) != "tg-spoiler":
                raise fault('Tag "span" must have class "tg-spoiler" at byte offset {}', begin)
            opened.append((name, length, len(plain), entity))
        at += 1
    if opened:
        raise bad(f"can't parse entities: Can't find end tag corresponding to start tag \"{opened[-1][0]}\"")
    return "".join(plain), sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))


def next_piece(text: str, at: int) -> tuple[str, int]:
    """The plain characters from here to the next tag or entity, and the place after them."""
    if text[at] == "&":
        found = ENTITY.match(text, at)
        return (entity_character(found), found.end()) if found else ("&", at + 1)
    ends = [place for place in (text.find("<", at), text.find("&", at)) if place >= 0]
    end = min(ends, default=len(text))
    return text[at:end], end


def entity_character(found: re.Match[str]) -> str:
    """What "&lt;" or "&#8217;" stands for; itself, where it stands for nothing."""
    if found[3]:
        return NAMED[found[3]]
    code = int(found[1], 16) if found[1] else int(found[2])
    return chr(code) if 0 < code < 0x10FFFF and not 0xD800 <= code < 0xE000 else found[0]


def json_of(value: object, what: str) -> Json | None:
    """An object that came as an object or as its JSON text; None where none came."""
    if value in (None, ""):
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise bad(f"can't parse {what} JSON object") from None
    if not isinstance(value, dict):
        raise bad(f"object expected as {what}")
    return value


def keyboard(value: object) -> Json | None:
    """The buttons under a message, as they came, once they are found right."""
    markup = json_of(value, "reply keyboard markup")
    rows = markup.get("inline_keyboard") if markup else None
    if rows is None:
        return markup
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad('field "inline_keyboard" of the InlineKeyboardMarkup should be an Array of Arrays')
    buttons = [button for row in rows for button in row]
    if len(buttons) > BUTTON_LIMIT:
        raise bad("reply markup is too long")
    for button in buttons:
        check_button(button)
    return markup if buttons else None


def check_button(button: object) -> None:
    """Refuse a button that Telegram refuses."""
    prefix = "can't parse inline keyboard button: "
    if not isinstance(button, dict):
        raise bad(f"{prefix}InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str):
        raise bad(f'{prefix}Field "text" must be of type String')
    if not button["text"].strip():
        raise bad("BUTTON_TEXT_INVALID")
    kinds = {"callback_data", "url", "web_app", "login_url", "switch_inline_query", "copy_text", "callback_game", "pay"}
    if not kinds & set(button):
        raise bad(f"{prefix}Text buttons are unallowed in the inline keyboard")
    if "callback_data" in button and not 1 <= len(str(button["callback_data"]).encode()) <= DATA_LIMIT:
        raise bad("BUTTON_DATA_INVALID")
    if "url" in button and not re.match(r"(https?|tg|ton)://|[\w-]+\.[\w.-]+", str(button["url"])):
        raise bad(f"inline keyboard button URL '{button['url']}' is invalid: Unsupported URL protocol")


def marked_entities(text: str) -> list[Json]:
    """The commands and names that Telegram marks in what a person writes."""
    marks: list[Json] = []
    for found in re.finditer(r"(?<![^\s])(/\w{1,32}(?:@\w{3,32})?)|(?<![\w/])(@\w{3,32})", text, re.ASCII):
        kind = "bot_command" if found[1] else "mention"
        marks.append({"type": kind, "offset": units(text[: found.start()]), "length": units(found[0])})
    return marks
