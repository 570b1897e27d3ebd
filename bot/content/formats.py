"""The shape of each kind of file in `responses/`. An unknown key is a fault, not a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from bot.conversation.directory import Confidence, LineKind
from bot.vocabulary import Audience, CommandKind, Urgency

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
TopicId = Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$", max_length=48)]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
SourceAddress = Annotated[str, StringConstraints(pattern=r"^(https?://\S+)?$")]
"""Where a source can be read; empty where it has no public address. It becomes a link that no review vouches for."""
Role: TypeAlias = Literal["author", "second-reader", "clinician"]
"""Who reads a file before it is served; the author first."""
Value = TypeVar("Value")


@dataclass(frozen=True)
class FileFault:
    """One thing to mend: "en/detox.md:4: sources: none given". Line 0 is the file as a whole."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}" if self.line else f"{self.path}: {self.what}"


class Closed(BaseModel):
    """A model that takes no key it does not know, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TopicFile(Closed):
    """One topic of topics.yaml."""

    audience: Literal["teen", "parent", "anyone"] = Field(alias="for")
    urgency: Urgency = Urgency.NONE
    about: Text


class ResponseHead(Closed):
    """The head of responses/<language>/<topic>.md."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    checked: date
    carries: tuple[str, ...]
    follow_ups: tuple[TopicId, ...]


class SourceFile(Closed):
    """One source of sources.yaml."""

    organisation: Text
    title: Text
    url: SourceAddress
    kind: Literal["label", "guideline", "agency", "review", "paper", "charity", "news", "other"]
    seen: Literal["full", "excerpt"]
    checked: date


class DirectorySource(Closed):
    """One source of directory-sources.yaml."""

    organisation: Text
    title: Text
    url: SourceAddress
    kind: Text


class NumberFile(Closed):
    """A number of directory.yaml."""

    number: Annotated[str, StringConstraints(pattern=r"^[0-9][0-9 ]*$")]
    service: Text = Field(alias="for")
    confidence: Confidence
    sources: Annotated[tuple[str, ...], Field(min_length=1)]


class SmsFile(Closed):
    """A number to write to, and the word to send where one is needed."""

    number: Text
    word: str | None = None


class LineFile(Closed):
    """A help line of directory.yaml."""

    kind: LineKind
    name: Text
    phone: str | None = None
    text: SmsFile | None = None
    url: str | None = None
    hours: str | None = None
    confidence: Confidence
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    note: str | None = None
    shown: bool = True
    police: bool = False


class CountryFile(Closed):
    """A territory of directory.yaml."""

    name: Text
    emergency: tuple[NumberFile, ...]
    lines: tuple[LineFile, ...] = ()
    note: str | None = None
    gaps: tuple[str, ...] | str = ()
    checked: date


class PlaceFile(Closed):
    """A territory of places.yaml: how people name it in one language."""

    name: Text
    words: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()


def with_unknown(countries: dict[str, CountryFile]) -> dict[str, CountryFile]:
    """
    The directory, where it has what stands for every country that is not in it.

    Raises:
        ValueError: it has not.
    """
    if "unknown" not in countries or not countries["unknown"].emergency:
        raise ValueError("no entry `unknown` with a number")
    return countries


POINTER = {"known": ("place", "numbers"), "doubtful": ("place", "numbers"), "none": ("place",), "unknown": ()}
"""The sentences of the pointer, each with what is filled in from the directory."""
LABELS = {
    **{kind.value: ("line",) for kind in LineKind},
    "elsewhere": ("line",),
    "child-elsewhere": ("line",),
    "police": (),
}
"""What stands before help lines, and what is told of them."""
NOTES = {
    **dict.fromkeys(("ask-country", "told", "no-country", "no-language", "no-audience", "again", "late", "many"), ()),
    **dict.fromkeys(("kept", "kept-nothing", "kept-teen", "kept-parent", "kept-danger", "kept-declined"), ()),
    "kept-language": ("language",),
    "kept-country": ("place",),
    "kept-topic": ("topic",),
    **dict.fromkeys(("leave", "keep", "drop"), ()),
}
"""All that replies say beside responses."""


def broken_blanks(text: str, blanks: Iterable[str]) -> Iterator[str]:
    """What is wrong with a sentence in which just these `{blanks}` are filled in."""
    for blank in blanks:
        if f"{{{blank}}}" not in text:
            yield f"{{{blank}}} is missing"
        text = text.replace(f"{{{blank}}}", "")
    if "{" in text or "}" in text:
        yield "a brace where nothing is filled in"


def unless(wrong: Sequence[str], value: Value) -> Value:
    """
    The value, where nothing is wrong with it.

    Raises:
        ValueError: something is, all of which it says.
    """
    if wrong:
        raise ValueError("; ".join(wrong))
    return value


def sentences(wanted: Mapping[str, tuple[str, ...]]) -> AfterValidator:
    """Takes a mapping that has just the sentences that are wanted, each with its blanks."""

    def sound(texts: Mapping[str, str]) -> Mapping[str, str]:
        wrong = [f"{name!r} is missing" for name in wanted if name not in texts]
        wrong += [f"{name!r} is not known" for name in texts if name not in wanted]
        wrong += [f"{n!r}: {what}" for n, text in texts.items() for what in broken_blanks(text, wanted.get(n, ()))]
        return unless(wrong, texts)

    return AfterValidator(sound)


def blank(name: str) -> AfterValidator:
    """Takes a text in which this is filled in and nothing else."""

    def sound(text: str) -> str:
        return unless(list(broken_blanks(text, (name,))), text)

    return AfterValidator(sound)


class LanguageFile(Closed):
    """responses/<language>/language.yaml."""

    name: Text
    script: Text
    common: tuple[str, ...]
    latin: tuple[str, ...] = ()
    letters: tuple[str, ...] = ()
    pointer: Annotated[Mapping[str, Text], sentences(POINTER)]
    services: Mapping[str, Text]
    lines: Annotated[Mapping[str, Text], sentences(LABELS)]
    notes: Annotated[Mapping[str, Text], sentences(NOTES)]
    leaning: tuple[str, ...]
    openings: tuple[str, ...]
    fillers: tuple[str, ...] = ()
    affirming: tuple[str, ...] = ()
    denying: tuple[str, ...] = ()
    places: tuple[str, ...]
    audience: Mapping[Audience, tuple[str, ...]]
    switch: tuple[str, ...]
    steps: Mapping[TopicId, tuple[str, ...]]
    shortcuts: Mapping[str, TopicId]


class WebFile(Closed):
    """responses/<language>/web.yaml: the words of the web pages that are not part of an answer."""

    title: Text
    skip: Text
    call: Annotated[Text, blank("number")]
    exit: Text
    exit_to: Annotated[str, StringConstraints(pattern=r"^https://[a-z.]+/$")]
    exit_about: Text
    exit_note: Text
    exit_plain: Text
    begin: Text
    begin_note: Text
    ask: Text
    send: Text
    waiting: Text
    you: Text
    answer: Text
    choices: Text
    what: Text
    settings: Text
    language: Text
    country: Text
    country_unknown: Text
    audience: Text
    audience_unknown: Text
    teen: Text
    parent: Text
    apply: Text
    emergency: Text
    emergency_note: Text
    offline: Text
    failed: Text
    sources: Text
    checked: Annotated[Text, blank("date")]
    review_source_checked: Text = Field(alias="review_source-checked")
    review_clinician: Text
    steps: Text
    countries: Text
    find: Text
    kept: Text
    answers: Text
    chat: Text
    again: Text
    missing: Text
    refused: Text
    busy: Text
    broken: Text
    card_code: Text


class TelegramFile(Closed):
    """responses/<language>/telegram.yaml: how the bot shows itself there. Lengths are the Bot API's."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    short_description: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    description: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    commands: Mapping[CommandKind, Annotated[str, StringConstraints(min_length=1, max_length=256)]]


class ForeignFile(Closed):
    """A language of languages.yaml that we do not have."""

    script: Text
    common: tuple[str, ...]
    letters: tuple[str, ...] = ()
    sentence: Text


class SignalFile(Closed):
    """A signal of signals.yaml; conversation/triage.py says how phrases are written."""

    about: Text
    phrases: Annotated[tuple[str, ...], Field(min_length=1)]
    near: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    calm: bool = False


class ReviewFile(Closed):
    """One review of ledger.yaml: which role read exactly which bytes, and when."""

    file: Text
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    role: Role
    date: date


class QuestionHead(Closed):
    """The head of a questions file that is no topic's: the labels of its rows."""

    urgency: tuple[Urgency, ...]
    dosing: bool
    topic: TopicId


TOPICS: TypeAdapter[dict[str, dict[TopicId, TopicFile]]] = TypeAdapter(dict[str, dict[TopicId, TopicFile]])
SOURCES: TypeAdapter[dict[str, SourceFile]] = TypeAdapter(dict[str, SourceFile])
DIRECTORY_SOURCES: TypeAdapter[dict[str, DirectorySource]] = TypeAdapter(dict[str, DirectorySource])
DIRECTORY: TypeAdapter[dict[str, CountryFile]] = TypeAdapter(
    Annotated[dict[str, CountryFile], AfterValidator(with_unknown)]
)
PLACES: TypeAdapter[dict[CountryCode, PlaceFile]] = TypeAdapter(dict[CountryCode, PlaceFile])
LANGUAGE: TypeAdapter[LanguageFile] = TypeAdapter(LanguageFile)
WEB: TypeAdapter[WebFile] = TypeAdapter(WebFile)
TELEGRAM: TypeAdapter[TelegramFile] = TypeAdapter(TelegramFile)
FOREIGN: TypeAdapter[dict[str, ForeignFile]] = TypeAdapter(dict[str, ForeignFile])
SIGNALS: TypeAdapter[dict[TopicId, tuple[SignalFile, ...]]] = TypeAdapter(dict[TopicId, tuple[SignalFile, ...]])
SHARED: TypeAdapter[dict[str, tuple[Text, ...]]] = TypeAdapter(dict[str, tuple[Text, ...]])
LEDGER: TypeAdapter[tuple[ReviewFile, ...]] = TypeAdapter(tuple[ReviewFile, ...])


class UnusableFileError(Exception):
    """A file that cannot be used. An editor mends it."""

    def __init__(self, faults: tuple[FileFault, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class Loader(yaml.CSafeLoader):
    """Safe YAML in which only `true` and `false` are booleans, as in YAML 1.2: "no" and "on" are words here."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """The value of a node; one that only looks like a date or number is a fault with a line, as all else that is no YAML."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise yaml.constructor.ConstructorError(problem=str(error), problem_mark=node.start_mark) from error


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def read_yaml(path: Path, shape: TypeAdapter[Value], shown: str) -> Value:
    """
    A YAML file in its shape.

    Raises:
        UnusableFileError: it is missing, is no YAML, or breaks its shape; with the line where that can be told.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UnusableFileError((FileFault(shown, 0, f"cannot be read: {type(error).__name__}"),)) from error
    return parsed(text, shape, shown, 1)


def parsed(text: str, shape: TypeAdapter[Value], shown: str, first_line: int) -> Value:
    """
    YAML text in its shape.

    Raises:
        UnusableFileError: as `read_yaml`.
    """
    try:
        data: Any = yaml.load(text, Loader=Loader)
        return shape.validate_python(data)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + first_line if mark else 0
        raise UnusableFileError(
            (FileFault(shown, line, f"no YAML: {getattr(error, 'problem', 'unreadable')}"),)
        ) from error
    except ValidationError as error:
        raise UnusableFileError(
            tuple(
                fault_of(e["loc"], e["msg"].removeprefix("Value error, "), text, shown, first_line)
                for e in error.errors()
            )
        ) from error


def fault_of(where: tuple[int | str, ...], what: str, text: str, shown: str, first_line: int) -> FileFault:
    """A fault with the line on which the deepest key that it names stands."""
    line, keys = 0, [str(part) for part in where if isinstance(part, str)]
    for number, content in enumerate(text.splitlines()):
        if keys and re.match(rf"""[\s\-{{]*['"]?{re.escape(keys[0])}['"]?\s*:""", content):
            line, keys = number + first_line, keys[1:]
    place = ".".join(str(part) for part in where)
    return FileFault(shown, line, f"{place}: {what}" if place else what)


def line_with(path: Path, words: str) -> int:
    """The first line of a file that begins with the words, or with them as an item of a list; 0 where none does."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        return 0
    return next((n for n, text in enumerate(lines, 1) if text.lstrip("- \"'").startswith(words)), 0)


VOICE = re.compile(r"^\[(anyone|teen|parent)\]\n", re.MULTILINE)


@dataclass(frozen=True)
class ResponseText:
    """A response file: its head and its body in each voice, with the lines on which each key and each body begins."""

    head: ResponseHead
    voices: Mapping[Audience | None, str]
    lines: Mapping[Audience | None, int]
    keys: Mapping[str, int]


def read_response(path: Path, shown: str) -> ResponseText:
    """
    responses/<language>/<topic>.md: a YAML head between two lines `---`, then the text, in voices or not.

    Raises:
        UnusableFileError: it cannot be read, has no head, or no text.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UnusableFileError((FileFault(shown, 0, f"cannot be read: {type(error).__name__}"),)) from error
    cut = re.fullmatch(r"---\n(.*?\n)---\n(.*)", text, re.DOTALL)
    if cut is None:
        raise UnusableFileError((FileFault(shown, 1, "no head between two lines ---"),))
    head = parsed(cut[1], TypeAdapter(ResponseHead), shown, 2)
    start = text[: cut.start(2)].count("\n") + 1
    pieces = VOICE.split(cut[2])
    voices: dict[Audience | None, str] = {}
    lines: dict[Audience | None, int] = {}
    if pieces[0].strip():
        voices[None], lines[None] = pieces[0].strip(), start
    for found, name, body in zip(VOICE.finditer(cut[2]), pieces[1::2], pieces[2::2], strict=True):
        voice = None if name == "anyone" else Audience(name)
        line = start + cut[2][: found.start()].count("\n")
        if voice in voices:
            raise UnusableFileError((FileFault(shown, line, f"two texts for {name}"),))
        voices[voice], lines[voice] = body.strip(), line + 1
    if not voices or not all(voices.values()):
        raise UnusableFileError((FileFault(shown, start, "no text"),))
    keys = {line.partition(":")[0]: number for number, line in enumerate(cut[1].splitlines(), 2) if ":" in line}
    return ResponseText(head, voices, lines, keys)
