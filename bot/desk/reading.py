"""What an editor or a clinician sees of each text on the reading page: plain values, for the templates to set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain

from markupsafe import Markup
from pydantic import TypeAdapter

from bot.content.claims import Claims
from bot.content.formats import (
    ResponseText,
    SourceFile,
    UnusableFileError,
    read_yaml,
)
from bot.conversation.library import Library
from bot.conversation.reply import compose
from bot.desk.manuscript import Desk, Difference, Review, difference, review
from bot.desk.review import reviewed_files
from bot.markup import web_html
from bot.vocabulary import (
    Audience,
    Danger,
    Passage,
    PassageKind,
    Profile,
    Reply,
    Session,
    Understanding,
    Urgency,
)

ANY: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])
LANGUAGE_WORDS = ("pointer", "services", "lines", "notes")
"""What readers see of language.yaml; the rest tells languages apart and understands short messages."""
VOICES: Mapping[Audience | None, str] = {
    None: "For anyone",
    Audience.TEEN: "For teens",
    Audience.PARENT: "For parents",
}
"""The voices in the order in which they stand side by side."""
HELP = frozenset({PassageKind.POINTER, PassageKind.LINES})


@dataclass(frozen=True)
class Voice:
    """One text of a response, and whether readers get it for whom it was not written or who did not say who they are."""

    name: str
    html: Markup
    length: int
    default: bool


@dataclass(frozen=True)
class Button:
    """What a reply offers next, and whether readers see it today."""

    label: str
    topic: str
    served: bool


@dataclass(frozen=True)
class Carried:
    """A fact, a must or a seed claim by its id; whether the text carries it, and on which sources it rests."""

    id: str
    kind: str
    says: str
    carried: bool
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cited:
    """A source as a text cites it; without a file where its key is unknown."""

    key: str
    file: SourceFile | None


@dataclass(frozen=True)
class Entry:
    """One topic in one language."""

    id: str
    title: str
    about: str
    audience: str
    urgency: str
    checked: date
    review: Review
    difference: Difference
    voices: tuple[Voice, ...]
    help: tuple[Markup, ...]
    help_first: bool
    buttons: tuple[Button, ...]
    dead: tuple[str, ...]
    facts: tuple[Carried, ...]
    sources: tuple[Cited, ...]

    @property
    def marks(self) -> tuple[str, ...]:
        """The states by which the page can be narrowed."""
        states = {
            "waiting": not self.review.served,
            "due": self.review.state != "",
            "changed": bool(self.difference.pieces),
            "left-out": any(not fact.carried for fact in self.facts),
        }
        return tuple(state for state, holds in states.items() if holds)


@dataclass(frozen=True)
class Group:
    """The topics of one group; `missing` have no text in this language."""

    name: str
    entries: tuple[Entry, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Answering:
    """A topic that has to answer a seed claim, or does: whether its text names the claim."""

    topic: str
    title: str
    carries: bool


@dataclass(frozen=True)
class Seed:
    """A claim of the article from which the project grew, and where it is answered."""

    id: str
    claim: str
    verdict: str
    answer: str
    topics: tuple[Answering, ...]


@dataclass(frozen=True)
class WordTable:
    """The words of one file that are not texts: labels, notes, sentences of the pointer."""

    review: Review
    difference: Difference
    rows: tuple[tuple[str, Markup], ...]


def groups(desk: Desk, language: str, country: str | None) -> tuple[Group, ...]:
    """All texts of a language by group of topics.yaml; what is written for no topic stands in a last group."""
    written = {topic for code, topic in desk.shelf.responses if code == language}
    found = tuple(
        Group(
            name,
            tuple(entry(desk, language, topic, country) for topic in members if topic in written),
            tuple(topic for topic in members if topic not in written),
        )
        for name, members in desk.shelf.topics.items()
    )
    stray = sorted(written - set(desk.written.topics))
    return (*found, Group("of no topic", (), tuple(f"{language}/{name}.md" for name in stray))) if stray else found


def entry(desk: Desk, language: str, topic: str, country: str | None) -> Entry:
    """One topic's text with all that belongs to it."""
    text = desk.shelf.responses[language, topic]
    reply = reply_to(desk.written, language, topic, country)
    kinds = [passage.kind for passage in reply.passages]
    described = next(members[topic] for members in desk.shelf.topics.values() if topic in members)
    file = f"{language}/{topic}.md"
    return Entry(
        id=topic,
        title=text.head.title,
        about=described.about,
        audience=described.audience,
        urgency="" if described.urgency is Urgency.NONE else described.urgency.value.replace("_", " "),
        checked=text.head.checked,
        review=review(desk, file, (language, topic) in desk.served),
        difference=difference(desk, file),
        voices=tuple(voices(text, desk.written.topics[topic].audience)),
        help=tuple(as_read(passage.text) for passage in reply.passages if passage.kind in HELP),
        help_first=kinds.index(PassageKind.POINTER) < kinds.index(PassageKind.BODY),
        buttons=tuple(
            Button(choice.label, name, (language, name) in desk.served)
            for choice in reply.choices
            for name in [choice.send.removeprefix("/answer ")]
        ),
        dead=tuple(name for name in text.head.follow_ups if (language, name) not in desk.shelf.responses),
        facts=tuple(carried(desk.shelf.claims, topic, text.head.carries)),
        sources=tuple(Cited(key, desk.shelf.sources.get(key)) for key in text.head.sources),
    )


def reply_to(library: Library, language: str, topic: str, country: str | None) -> Reply:
    """The reply that a reader in a country gets who asks about a topic, in the danger that the topic answers."""
    urgency = library.topics[topic].urgency
    dangers = () if urgency is Urgency.NONE else (Danger(urgency, topic),)
    understanding = Understanding(language, Profile(language, country), dangers, topic=topic)
    return compose(understanding, Session(country_asked=True), library)


def as_read(text: str) -> Markup:
    """A passage as HTML in which no number is a link: an editor's thumb must not call an ambulance."""
    return Markup(web_html(Passage(PassageKind.BODY, text)))


def voices(text: ResponseText, written_for: Audience | None) -> Iterator[Voice]:
    """The voices of a response, side by side."""
    default = next((v for v in (None, written_for, Audience.TEEN, Audience.PARENT) if v in text.voices), None)
    for voice, name in VOICES.items():
        if voice in text.voices:
            body = text.voices[voice]
            yield Voice(name, as_read(body), len(body), voice is not None and len(text.voices) > 1 and voice == default)


def carried(claims: Claims, topic: str, ids: Sequence[str]) -> Iterator[Carried]:
    """What a text carries, its topic's own facts and musts first, those among them that it leaves out told as such."""
    own = own_claims(claims, topic)
    for id_, (kind, says, sources) in own.items():
        yield Carried(id_, kind, says, id_ in ids, sources)
    for id_ in ids:
        if id_ in own:
            continue
        other, _, short = id_.rpartition(".")
        if not other and short in claims.seed:
            seed = claims.seed[short]
            yield Carried(id_, f"seed claim, {seed.verdict}", f"{seed.claim} Answer: {seed.answer}", True)
        else:
            kind, says, sources = own_claims(claims, other).get(short, ("unknown", "Not in claims.yaml.", ()))
            yield Carried(id_, f"{kind} of {other}" if other else kind, says, True, sources)


def own_claims(claims: Claims, topic: str) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """A topic's facts and musts by id: kind, statement, keys of sources."""
    known = claims.topics.get(topic)
    if known is None:
        return {}
    facts = {id_: ("fact", fact.says, fact.sources) for id_, fact in known.facts.items()}
    return facts | {id_: ("must say", says, ()) for id_, says in known.must.items()}


def seeds(desk: Desk, language: str) -> tuple[Seed, ...]:
    """Every seed claim with the topics that have to answer it, and any others whose texts name it."""
    claims = desk.shelf.claims
    texts = {topic: text for (code, topic), text in desk.shelf.responses.items() if code == language}
    naming = {topic: frozenset(text.head.carries) for topic, text in texts.items()}
    return tuple(
        Seed(
            id_,
            seed.claim,
            seed.verdict,
            seed.answer,
            tuple(
                Answering(topic, texts[topic].head.title if topic in texts else "", id_ in naming.get(topic, ()))
                for topic in dict.fromkeys(chain(seed.topics, (t for t, ids in naming.items() if id_ in ids)))
            ),
        )
        for id_, seed in claims.seed.items()
    )


def word_tables(desk: Desk, language: str) -> tuple[WordTable, ...]:
    """The words of a language that are not texts, file by file; names of places are left to the directory."""
    folder = desk.shelf.root / language
    names = [name for name in reviewed_files(desk.shelf.root)[folder] if name.endswith(".yaml")]
    return tuple(word_table(desk, f"{language}/{name}", rows_of(desk, language, name)) for name in names)


def rows_of(desk: Desk, language: str, name: str) -> Iterable[tuple[str, str]]:
    """What readers see of a file, by key; nothing of one that cannot be read, which its review tells."""
    if name == "language.yaml":
        file = desk.shelf.languages[language].model_dump(mode="json")
        return flattened({key: file[key] for key in LANGUAGE_WORDS})
    if name == "places.yaml":
        return ()
    try:
        return flattened(read_yaml(desk.shelf.root / language / name, ANY, name))
    except UnusableFileError:
        return ()


def flattened(data: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every value of nested tables and lists, with its keys."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from flattened(value, f"{key}: {name}" if key else str(name))
    elif isinstance(data, (list, tuple)):
        for value in data:
            yield from flattened(value, key)
    else:
        yield key, str(data)


def word_table(desk: Desk, file: str, rows: Iterable[tuple[str, str]]) -> WordTable:
    """A file's words with its review."""
    return WordTable(review(desk, file, None), difference(desk, file), tuple((k, as_read(w)) for k, w in rows))
