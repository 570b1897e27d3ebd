"""
Take out of a question what could tell who is meant, before it is shown back and, if they agree, kept.

Names, numbers, addresses and places become one sign, "…". It errs towards taking out too much: the person sees the rest
before anything is kept. Presidio was weighed; it finds names by spaCy models, half a gigabyte for our three languages,
trained on news: what a teen types in small letters is not what they know. Lists and patterns are weaker on rare names, and
each line of them can be read and mended. Phone numbers are found by `phonenumbers`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from phonenumbers import Leniency, PhoneNumberMatcher

from bot.content.names import Names, fold
from bot.content.patterns import KEPT_STEMS, KEPT_WORDS, PATTERNS, SURNAME_ENDING
from bot.conversation.directory import Places
from bot.conversation.guard import dosing_in
from bot.conversation.language import MAX_LENGTH, Plain, cleaned
from bot.vocabulary import Scrubber

HIDDEN = "…"
"""Stands for what was taken out. Cleaning turns a typed one into three dots, so each is ours."""
REGIONS = ("US", "GB", "KZ", "RU", "UA", "ES", "MX", "CO", "AR", "PE", "CL")
"""Where a phone number without its country may be from."""
TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
SENTENCE_END = re.compile(r"[.!?\n]")
CLAUSE_END = re.compile(r"""[:;"(]""")
ABBREVIATED = frozenset({"dr", "dra", "mr", "mrs", "ms", "st", "sr", "sra", "prof", "г", "ул", "им", "пр", "пер", "д", "кв", "с"})  # fmt: skip
"""Words after which a full stop ends no sentence."""
RUN = re.compile(rf"{HIDDEN}(?:[\s,.:;/#№()+–—-]*{HIDDEN})+")
UNFIT = re.compile(r"\S*(?:[@\d]|http|://|www\.)\S*", re.IGNORECASE)
MARKUP = str.maketrans(dict.fromkeys("*_`<>[]{}|\\~^#", " "))
LONGEST_PLACE = 4
SHOUTING = 0.6
"""From this share of capitalised words on, a capital says nothing."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Lexicon:
    """What is known of words, in all languages together; `ordinary` ones, folded, are no names in small letters."""

    names: Names
    places: Mapping[Plain, tuple[Places, ...]]
    """The tables of places that have a phrase, of the languages that have one."""
    common: frozenset[str]
    ordinary: frozenset[str]

    def is_kept(self, word: str) -> bool:
        """Whether a folded word tells nothing of anybody even with a capital letter: a drug, "I", "and"."""
        return (
            word in KEPT_WORDS
            or word.startswith(KEPT_STEMS)
            or (word in self.common and word not in self.names.doubtful)
        )

    def is_ordinary(self, word: str) -> bool:
        """Whether a folded word stands in our own texts, in small letters."""
        return self.is_kept(word) or word in self.common or word in self.ordinary


@dataclass(frozen=True)
class Token:
    """A word, where it stands, folded; whether it has a capital letter, and begins a sentence or a part of one."""

    span: Span
    word: str
    capital: bool
    shouted: bool
    opens: bool
    follows_mark: bool


def scrubber(lexicon: Lexicon) -> Scrubber:
    """What scrubs a text with the words of a lexicon. The result is one line; it has no digit, no "@" and no link."""
    return partial(scrubbed, lexicon)


def scrubbed(lexicon: Lexicon, text: str) -> str:
    """The text with a sign in place of all that was found."""
    text = "\n".join(line for line in map(cleaned, text[:MAX_LENGTH].splitlines()) if line)
    tokens = list(tokens_of(text))
    for start, end in sorted((span for find in FINDERS for span in find(text, tokens, lexicon)), reverse=True):
        text = text[:start] + HIDDEN * (end - start) + text[end:]
    text = re.sub(rf"{HIDDEN}+", HIDDEN, text).translate(MARKUP)
    text = UNFIT.sub(HIDDEN, text)
    text = "".join(HIDDEN if char.isnumeric() else char for char in text)
    return RUN.sub(HIDDEN, " ".join(text.split()))


def tokens_of(text: str) -> Iterator[Token]:
    """The words of a text."""
    found = list(TOKEN.finditer(text))
    capitals = [t[0][0].isupper() for t in found]
    if len(found) > 3 and sum(capitals) > SHOUTING * len(found):
        capitals = [False] * len(found)
    for place, (token, capital) in enumerate(zip(found, capitals, strict=True)):
        before = found[place - 1] if place else None
        gap = text[before.end() : token.start()] if before else "\n"
        abbreviated = before is not None and fold(before[0]) in ABBREVIATED and "\n" not in gap
        yield Token(
            token.span(),
            fold(re.sub(r"'s$", "", token[0])),
            capital,
            capital and len(token[0]) > 1 and token[0].isupper(),
            bool(SENTENCE_END.search(gap)) and not abbreviated,
            bool(CLAUSE_END.search(gap)),
        )


def phone_numbers(text: str, tokens: Iterable[Token], lexicon: Lexicon) -> Iterator[Span]:
    """Phone numbers, with what stands between their digits."""
    if any(char.isdigit() for char in text):
        for region in REGIONS:
            for found in PhoneNumberMatcher(text, region, leniency=Leniency.POSSIBLE):
                yield found.start, found.end


def amounts(text: str, tokens: Iterable[Token], lexicon: Lexicon) -> Iterator[Span]:
    """Amounts and intervals in words, as the guard knows them."""
    for breach in dosing_in(text):
        if breach.rule == "amount or interval":
            yield breach.at, breach.at + len(breach.words)


def patterns(text: str, tokens: Iterable[Token], lexicon: Lexicon) -> Iterator[Span]:
    """All that a pattern of the table finds; of a group `rare` only what is no ordinary word."""
    for pattern in PATTERNS:
        for found in pattern.finditer(text):
            rare = "rare" in pattern.groupindex
            group = next((name for name in ("rare", "hide") if found.groupdict().get(name)), 0)
            if not (rare and lexicon.is_ordinary(fold(found[group]))):
                yield found.span(group)


def names(text: str, tokens: Iterable[Token], lexicon: Lexicon) -> Iterator[Span]:
    """Given names, in small letters too; fathers' names; and a surname after a name."""
    known, after = lexicon.names, False
    for token in tokens:
        surname = token.word in known.surnames or SURNAME_ENDING.search(token.word) is not None
        doubtful = token.word in known.doubtful and token.capital and not token.opens
        after = token.word in known.sure or doubtful or known.is_patronymic(token.word) or (after and surname)
        if after:
            yield token.span


def capitals(text: str, tokens: Iterable[Token], lexicon: Lexicon) -> Iterator[Span]:
    """Capitalised words inside a sentence, and an unknown one that begins it where another stands right after."""
    tokens = list(tokens)
    strange = [is_strange(token, lexicon) for token in tokens]
    for token, is_one in zip(tokens, strange, strict=True):
        if is_one:
            yield token.span
    for (first, second), follows in zip(pairwise(tokens), strange[1:], strict=True):
        unknown = first.capital and first.opens and not lexicon.is_ordinary(first.word)
        if unknown and follows and not second.shouted and second.span[0] - first.span[1] == 1:
            yield first.span


def is_strange(token: Token, lexicon: Lexicon) -> bool:
    """Whether a word has a capital letter where a plain word has none."""
    if not token.capital or token.opens or lexicon.is_kept(token.word):
        return False
    plain = token.shouted or token.follows_mark or len(token.word) == 1
    return not (plain and lexicon.is_ordinary(token.word))


def places(text: str, tokens: Iterable[Token], lexicon: Lexicon) -> Iterator[Span]:
    """Countries and towns: after a word of place any that we know, elsewhere those that are no ordinary words."""
    tokens = list(tokens)
    for start in range(len(tokens)):
        for length in range(min(LONGEST_PLACE, len(tokens) - start), 0, -1):
            part = tokens[start : start + length]
            if is_place(tuple(t.word for t in part), [t.word for t in tokens[max(0, start - 3) : start]], lexicon):
                yield part[0].span[0], part[-1].span[1]
                break


def is_place(phrase: tuple[str, ...], before: list[str], lexicon: Lexicon) -> bool:
    """Whether a phrase names a place, after the words before it."""
    if len(phrase) == 1 and (lexicon.is_ordinary(phrase[0]) or len(phrase[0]) < 3):
        return False
    for known in lexicon.places.get(phrase, ()):
        if phrase in known.sure and len("".join(phrase)) > 3:
            return True
        led = any(tuple(before[-len(words) :]) == words for words in known.prepositions)
        if led and (phrase in known.sure or phrase in known.ambiguous):
            return True
    return False


FINDERS: tuple[Callable[[str, Iterable[Token], Lexicon], Iterator[Span]], ...] = (
    phone_numbers,
    amounts,
    patterns,
    names,
    capitals,
    places,
)
"""What finds something to take out. Another kind is another row."""


def ordinary_words(texts: Iterable[str]) -> frozenset[str]:
    """The folded words that stand in texts of ours in small letters."""
    return frozenset(fold(t[0]) for text in texts for t in TOKEN.finditer(text) if t[0][0].islower())


def lexicon_of(
    lists: Iterable[Names], tables: Mapping[str, Places], common: Iterable[str], texts: Iterable[str]
) -> Lexicon:
    """The lexicon of all languages together: people mix them."""
    together = Names()
    for names_ in lists:
        together |= names_
    by_phrase: dict[Plain, tuple[Places, ...]] = {}
    for table in tables.values():
        for phrase in table.sure.keys() | table.ambiguous.keys():
            by_phrase[phrase] = (*by_phrase.get(phrase, ()), table)
    return Lexicon(together, by_phrase, frozenset(common), ordinary_words(texts))
