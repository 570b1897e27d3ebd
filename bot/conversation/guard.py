"""
The last gate: no text leaves without a pointer, or with dosing guidance, or unvetted.

It stands alone: it shares no rule and no table with the steps before it, so that a mistake there is not repeated here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from bot.conversation.directory import Directory
from bot.vocabulary import ClearedReply, PassageKind, Reply, Urgency

TELEGRAM_LIMIT = 4096
"""UTF-16 units a Telegram message may have (Bot API, sendMessage)."""
SEND_LIMIT = 64
"""Bytes of callback data a Telegram button may have (Bot API, InlineKeyboardButton)."""
REVIEWED = 4096
"""Reviewed texts that are not searched anew for dosing: it took half of the time of an answer."""


class Fault(StrEnum):
    """Why a reply may not leave."""

    NO_POINTER = "the pointer is missing, not first in danger, or not the country's"
    NUMBER = "a number that the directory does not have"
    DOSING = "an amount, strength, interval, route, source or way round a block"
    UNVETTED = "a text whose hash no review vouches for"
    ECHO = "a text that no review vouches for repeats words of the message"
    TOO_LONG = "longer than Telegram allows"
    EMPTY = "nothing to say"
    CHOICE = "a choice that is not vetted or does not fit into a button"
    QUOTE = "a person's own words where none may stand, or with what could tell who they are"


EN_COUNT = r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|hundred|half|quarter|double|couple|several|few|dozen|another|every|each)"
RU_COUNT = r"(?:од(?:ин|на|ну|но|ной|ного)|дв[ае]|двух|тр[иеё]х?|четыр\w+|пят\w{1,2}|шест\w{1,2}|сем[ьи]|восемь|девять|десять|\w+надцать|двадцать|тридцать|сорок|пятьдесят|сто|втор\w+|треть\w+|пол|половин\w+|четверт\w+|пар[ауы]|пар[оеу]й?|нескольк\w+|кажд\w+|ещё|еще|через)"
ES_COUNT = r"(?:una?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|dieci\w+|veint\w+|treinta|cuarenta|cincuenta|cien|segund[oa]|tercer[oa]?|medi[oa]|mitad|cuarto|doble|par|vari[oa]s|otr[oa]|cada|poc[oa]s|un[oa]s)"
EN_UNIT = r"(?:mg|mcg|milligrams?|micrograms?|grams?|ml|millilit\w+|units?|tablets?|pills?|capsules?|doses?|sprays?|puffs?|drops?|vials?|ampoules?|shots?|bags?|lines|hits?|hours?|minutes?|days?|weeks?|months?|nights?)"
RU_UNIT = r"(?:мг|мкг|грамм\w*|миллиграмм\w*|мл|миллилитр\w*|кубик\w*|единиц\w*|таблет\w+|капсул\w+|доз[аыуе]?|дозах|впрыск\w*|пшик\w*|кап(?:л\w+|ель)|ампул\w+|укол\w*|дорож\w+|чек\w*|час[аов]*|минут\w*|дн[яей]+|день|сут\w+|недел\w+|месяц\w*)"
ES_UNIT = r"(?:mg|mcg|miligramos?|gramos?|ml|mililitros?|unidad(?:es)?|tabletas?|pastillas?|comprimidos?|c[aá]psulas?|dosis|rociad\w+|aplicaci\w+|gotas?|ampollas?|rayas?|horas?|minutos?|d[ií]as?|semanas?|mes(?:es)?|noches?)"

DOSING: Mapping[str, tuple[str, ...]] = {
    "amount or interval": (
        rf"\b{EN_COUNT} (?:\w+ )?(?:of (?:the |an? |your )?)?{EN_UNIT}\b",
        rf"\b{RU_COUNT} (?:\w+ )?{RU_UNIT}\b",
        r"\bпол(?:таблет|ампул|доз|грамм)\w*",
        rf"\b{ES_COUNT} (?:\w+ )?{ES_UNIT}\b",
        r"\b(?:once|twice|thrice|times) (?:an?|per|every|each) (?:day|night|week|hour|month)\b",
        r"\b(?:once|twice|thrice|times) (?:daily|nightly|weekly|hourly|monthly)\b",
        r"\b(?:раза?|дважды|трижды) (?:ежедневно|в (?:день|сутки|неделю|час|месяц))\b",
        r"\b(?:vez|veces) (?:al|a la|por|cada) (?:d[ií]a|noche|semana|hora|mes)\b",
        r"\b(?:vez|veces) (?:diari|semanal|mensual)\w*\b",
        r"[½¼¾⅓⅔%‰]",
    ),
    "route or technique": (
        r"\b(?:inject it|snort it|smoke it|shoot it up|crush (?:it|them|the)|under (?:your|the) tongue|into a (?:vein|muscle)|intravenous\w*|plug it)\b",
        r"\b(?:внутривенно|внутримышечно|подкожно|под язык|вколи(?:те)?|занюха\w+|раскроши\w*|растолк\w+|разбав\w+ водой|пустить по вене)\b",
        r"\b(?:iny[eé]ct(?:a|e|ese|ate)l[oa]|esn[ií]fal[oa]|f[uú]mal[oa]|tritur\w+|machac\w+|debajo de la lengua|por la vena|intravenos\w+|intramuscular)\b",
    ),
    "source": (
        r"\b(?:buy (?:it|them) from|dealers? (?:sells?|has|have)|darknet|dark web|without a prescription (?:at|from|on))\b",
        r"\b(?:купить (?:можно )?у|у барыги|закладк\w+|даркнет\w*|без рецепта в)\b",
        r"\b(?:comprar(?:lo|la) a|el d[ií]ler vende|darknet|web oscura|sin receta en)\b",
    ),
    "way round a block": (
        r"\b(?:to beat the block|get (?:round|around) the block|cut (?:it|the implant) out yourself|break through by|wait until it wears off and)\b",
        r"\b(?:чтобы обойти блок\w*|чтобы пробить блок\w*|вырезать (?:его|имплант\w*) сам\w*|дождаться\W+ пока выйдет)\b",
        r"\b(?:para vencer el bloqueo|para saltarse el bloqueo|sacarse el implante solo|esperar a que se pase y)\b",
    ),
}
"""
What no text may do, in words, in each of our languages; a space there is whatever stands between two words. Digits are
forbidden outright, but for help numbers.
"""

GAP = r"[\s\-‐‑]+"
"""What may stand between two words of one rule: "two-hour" says what "two hours" does."""
FORBIDDEN = {name: re.compile("|".join(patterns).replace(" ", GAP), re.IGNORECASE) for name, patterns in DOSING.items()}
MARKER = re.compile(r"^[1-9]\.\s", re.MULTILINE)
SEND = re.compile(r"/[a-z]+( [A-Za-z-]+)?")
QUOTED_IN = "leave-shown"
"""The one reply that may hold a person's own words, scrubbed: it asks whether they may be kept."""
QUOTE_LENGTH = 500
LINK = re.compile(r"http|://|www\.|\w\.(?:com|org|net|info|ru|kz|me|io|es|mx)\b|\]\(|[<>\[\]*_`]", re.IGNORECASE)
"""A link, or a mark that a channel could make one of, or bold type."""


@dataclass(frozen=True)
class Breach:
    """What a text does that none may: which rule, and the words that do it."""

    rule: str
    words: str
    at: int


def dosing_in(text: str) -> tuple[Breach, ...]:
    """All that a text says of dosing; numbers of a list are none. Empty for a text that may leave."""
    bare = MARKER.sub(lambda found: " " * len(found[0]), text)
    digits = [("digit", found.span()) for found in re.finditer(r"[\d²³¹⁰-₉①-⓿]+", bare)]
    # Bold type hides no word from its reader. A place in what is searched is the same place in the text.
    plain = bare.replace("*", " ")
    said = [(name, found.span()) for name, pattern in FORBIDDEN.items() for found in pattern.finditer(plain)]
    return tuple(Breach(name, text[start:end], start) for name, (start, end) in digits + said)


@lru_cache(REVIEWED)
def dosing_in_reviewed(text: str) -> tuple[Breach, ...]:
    """The same, remembered: for texts that a review vouches for alone, so that no word of anybody is kept."""
    return dosing_in(text)


@dataclass(frozen=True)
class Vouched:
    """What the guard measures a reply against: the digests of vetted passages, and whom to call."""

    manifest: frozenset[str]
    directory: Directory

    def vouches_for(self, text: str) -> bool:
        """Whether a review vouches for exactly this text."""
        return sha256(text.encode()).hexdigest() in self.manifest


@dataclass(frozen=True)
class Clearance:
    """What may leave, and why the reply proper may not, where it may not."""

    reply: ClearedReply
    faults: tuple[Fault, ...]


def clear(reply: Reply, heard: str, fallback: Reply, vouched: Vouched) -> Clearance:
    """
    The reply, if it breaks no rule; else the last resort, and the faults.

    Args:
        heard: the text of the message, which no reply may repeat.
        fallback: the last resort, itself checked when the bot starts.
    """
    found = faults(reply, heard, vouched)
    return Clearance(ClearedReply(fallback if found else reply), found)


def faults(reply: Reply, heard: str, vouched: Vouched) -> tuple[Fault, ...]:
    """Every rule that the reply breaks."""
    return tuple(fault for fault, breaks in RULES.items() if breaks(reply, heard, vouched))


def lacks_pointer(reply: Reply, heard: str, vouched: Vouched) -> bool:
    """Not exactly one pointer, or not the numbers of the country in it, or not first in danger."""
    pointers = [p.text for p in reply.passages if p.kind is PassageKind.POINTER]
    if len(pointers) != 1:
        return True
    entry = vouched.directory.countries.get(reply.country or "", vouched.directory.unknown)
    numbers = [n.number for n in (entry.numbers or vouched.directory.unknown.numbers)]
    first = next(p.kind for p in reply.passages if p.kind is not PassageKind.MARK)
    late = reply.urgency is not Urgency.NONE and first is not PassageKind.POINTER
    return late or reply.contact.number != numbers[0] or not all(n in pointers[0] for n in numbers)


def has_strange_number(reply: Reply, heard: str, vouched: Vouched) -> bool:
    """A number in the pointer or the lines that does not stand in the directory for this country."""
    entry = vouched.directory.countries.get(reply.country or "", vouched.directory.unknown)
    known = {"112"} if entry.numbers and reply.country else {"112", "911", "103"}
    fields = [n.number for n in entry.numbers]
    fields += [
        part or ""
        for line in (*entry.lines, *vouched.directory.unknown.lines)
        for part in (line.how, line.name, line.hours)
    ]
    known |= {run for field in fields for run in re.findall(r"\d+", field)}
    said = [p.text for p in reply.passages if p.kind in {PassageKind.POINTER, PassageKind.LINES}]
    return any(run not in known for text in said for run in re.findall(r"\d+", text))


def has_dosing(reply: Reply, heard: str, vouched: Vouched) -> bool:
    """Dosing guidance in any text, or a digit in one that is not a help number."""
    texts = [p.text for p in reply.passages if p.kind not in {PassageKind.POINTER, PassageKind.LINES}]
    texts += [choice.label for choice in reply.choices]
    return any(dosing_in_reviewed(text) if vouched.vouches_for(text) else dosing_in(text) for text in texts)


def is_unvetted(reply: Reply, heard: str, vouched: Vouched) -> bool:
    """A passage that is not, to the byte, what was reviewed; a quote has a rule of its own."""
    return not all(vouched.vouches_for(p.text) for p in reply.passages if p.kind is not PassageKind.QUOTE)


def echoes(reply: Reply, heard: str, vouched: Vouched) -> bool:
    """Words of the message in a text that no review vouches for; a quote has a rule of its own."""
    typed = set(re.findall(r"\w{3,}", heard.lower()))
    strange = [p.text for p in reply.passages if p.kind is not PassageKind.QUOTE and not vouched.vouches_for(p.text)]
    strange += [c.label for c in reply.choices if not vouched.vouches_for(c.label)]
    return any(typed & set(re.findall(r"\w{3,}", text.lower())) for text in strange)


def is_too_long(reply: Reply, heard: str, vouched: Vouched) -> bool:
    """More UTF-16 units than a Telegram message may have, blank lines between passages counted."""
    text = "\n\n".join(p.text for p in reply.passages)
    return len(text.encode("utf-16-le")) // 2 > TELEGRAM_LIMIT


def is_empty(reply: Reply, heard: str, vouched: Vouched) -> bool:
    """Nothing beside the pointer."""
    return not any(p.text.strip() for p in reply.passages if p.kind in {PassageKind.BODY, PassageKind.NOTE})


def has_bad_choice(reply: Reply, heard: str, vouched: Vouched) -> bool:
    """A choice whose label is not vetted, or that a button cannot carry."""
    return not all(
        vouched.vouches_for(choice.label) and SEND.fullmatch(choice.send) and len(choice.send.encode()) <= SEND_LIMIT
        for choice in reply.choices
    )


def misquotes(reply: Reply, heard: str, vouched: Vouched) -> bool:
    """A quote in another reply than the one that asks for consent, a second one, or one that is not scrubbed."""
    quotes = [p.text for p in reply.passages if p.kind is PassageKind.QUOTE]
    if not quotes:
        return False
    out_of_place = reply.topic != QUOTED_IN or len(quotes) > 1 or reply.urgency is not Urgency.NONE
    return out_of_place or any(is_unfit_quote(text) for text in quotes)


def is_unfit_quote(text: str) -> bool:
    """Whether a quote has a number, an address, a link, dosing or more than one line, or is too long."""
    numbered = any(char.isnumeric() or char in "@\n" for char in text)
    return numbered or len(text) > QUOTE_LENGTH or LINK.search(text) is not None or bool(dosing_in(text))


RULES: Mapping[Fault, Callable[[Reply, str, Vouched], bool]] = {
    Fault.NO_POINTER: lacks_pointer,
    Fault.NUMBER: has_strange_number,
    Fault.DOSING: has_dosing,
    Fault.UNVETTED: is_unvetted,
    Fault.ECHO: echoes,
    Fault.TOO_LONG: is_too_long,
    Fault.EMPTY: is_empty,
    Fault.CHOICE: has_bad_choice,
    Fault.QUOTE: misquotes,
}
"""What no reply may do. Another rule is another row."""
