"""Fill the library with what was vetted; tell every fault of every file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TypeVar

from bot.content.encoder import load_encoder, load_glance, load_heads, load_spelling
from bot.content.formats import (
    DIRECTORY,
    FOREIGN,
    LANGUAGE,
    PLACES,
    SIGNALS,
    SOURCES,
    TELEGRAM,
    TOPICS,
    WEB,
    CountryFile,
    FileFault,
    ForeignFile,
    LanguageFile,
    LineFile,
    PlaceFile,
    ResponseText,
    SourceFile,
    TopicFile,
    UnusableFileError,
    line_with,
    read_response,
    read_yaml,
)
from bot.content.ledger import Ledger, Readings, read_ledger
from bot.content.names import read_names
from bot.content.scrubbing import lexicon_of, scrubber
from bot.conversation.directory import Country, Directory, Line, Number, Places
from bot.conversation.guard import Vouched, faults
from bot.conversation.language import Phrases, Tongue, words
from bot.conversation.library import LAST_RESORT, Library, Response, Topic, Words, digest
from bot.conversation.reply import last_resort
from bot.conversation.triage import Signal, pattern
from bot.vocabulary import Audience, Profile, ReviewKind, Source, Urgency

Value = TypeVar("Value")

EMERGENCY_CARD = "someone-down"


class ContentError(Exception):
    """responses/ cannot be used; an editor mends it. Carries every fault found, not the first alone."""

    def __init__(self, faults: Sequence[FileFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True)
class Loaded:
    """The library of what is sound, all that is not, and what its operator should know although it is served."""

    library: Library
    faults: tuple[FileFault, ...]
    warnings: tuple[str, ...]
    next_due: date | None
    """The first day on which a review is due; None where nothing was reviewed."""


class Collector:
    """Collects faults and readings while files are read, so that the editor sees all of them at once."""

    def __init__(self) -> None:
        self.faults: list[FileFault] = []
        self.readings: dict[str, Readings] = {}
        self.withheld: list[str] = []

    def attempt(self, read: Callable[[], Value]) -> Value | None:
        """What `read` gives; None, and its faults kept, where the file is unusable."""
        try:
            return read()
        except UnusableFileError as error:
            self.faults += error.faults
            return None


def find_responses() -> Path:
    """The folder of responses: inside an installed package, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "responses"
    return inside if inside.is_dir() else package.parent / "responses"


def load(root: Path, required: ReviewKind = ReviewKind.SOURCE_CHECKED, today: date = date.min) -> Loaded:
    """
    The library of all vetted texts below `root`.

    Where a clinician's review is required, only texts that have one are served; the pointer and the last resort, which
    stand in for all others, are the program's own and are always there.

    Args:
        today: the day by which reviews are judged past due; from the beginning of time none is.

    Raises:
        ContentError: not even the last resort could be served in any language.
    """
    told = Collector()
    topics = told.attempt(lambda: read_topics(root))
    sources = told.attempt(lambda: read_yaml(root / "sources.yaml", SOURCES, "sources.yaml"))
    countries = told.attempt(lambda: read_yaml(root / "directory.yaml", DIRECTORY, "directory.yaml"))
    foreign = told.attempt(lambda: read_yaml(root / "languages.yaml", FOREIGN, "languages.yaml"))
    ledger, found = read_ledger(root, "")
    told.faults += found
    reviewed = {name: review_of(ledger, name, "", told) for name in ("directory.yaml", "languages.yaml")}
    if topics is None or sources is None or countries is None or reviewed["directory.yaml"] is None:
        raise ContentError(told.faults)
    library = Library(
        topics={name: topic_of(name, group, topic) for group, name, topic in walk(topics)},
        responses={},
        words={},
        foreign={},
        foreign_sentences={"unknown": "English · Русский · Español"},
        directory=directory_of(countries),
        directory_review=reviewed["directory.yaml"],
        signals={},
        manifest=frozenset(),
    )
    if foreign is not None and reviewed["languages.yaml"] is not None:
        library = replace(
            library,
            foreign={code: foreign_tongue(f) for code, f in foreign.items()},
            foreign_sentences={**library.foreign_sentences, **{code: f.sentence for code, f in foreign.items()}},
        )
    for folder in sorted(path.parent for path in root.glob("*/language.yaml")):
        library = with_language(library, folder, sources, required, told)
    library = fallback_first(with_model(vouched_for(library), root / "model", told), "en")
    library = with_scrubber(with_sound_languages(library, told), root, told)
    next_due = min((reading.due for reading in told.readings.values() if reading.due), default=None)
    return Loaded(library, tuple(told.faults), tuple(warnings_of(library, told, today)), next_due)


def read_topics(root: Path) -> dict[str, dict[str, TopicFile]]:
    """
    topics.yaml by group.

    Raises:
        UnusableFileError: it cannot be used.
    """
    return read_yaml(root / "topics.yaml", TOPICS, "topics.yaml")


def walk(topics: Mapping[str, Mapping[str, TopicFile]]) -> Iterator[tuple[str, str, TopicFile]]:
    """Group, id and topic, one after another."""
    return ((group, name, topic) for group, members in topics.items() for name, topic in members.items())


def topic_of(name: str, group: str, topic: TopicFile) -> Topic:
    """A topic as the conversation knows it."""
    return Topic(name, group, None if topic.audience == "anyone" else Audience(topic.audience), topic.urgency)


def review_of(ledger: Ledger, name: str, shown: str, told: Collector) -> ReviewKind | None:
    """The review of a file; None, with a fault, where not both readings vouch for its bytes."""
    readings = ledger.readings(name)
    lacking = readings.lacking(ReviewKind.SOURCE_CHECKED)
    if not readings.days:
        told.faults.append(FileFault(f"{shown}{name}", 0, "no review vouches for these bytes: not served"))
    elif lacking:
        what = f"one of two readings is there, the {lacking[0]}'s is lacking: not served"
        told.faults.append(FileFault(f"{shown}{name}", 0, what))
    else:
        told.readings[f"{shown}{name}"] = readings
    return readings.kind


def warnings_of(library: Library, told: Collector, today: date) -> Iterator[str]:
    """What the operator should know of what is served: readers see nothing of it."""
    late = sorted(name for name, r in told.readings.items() if r.due and r.due <= today)
    if late:
        yield f"{len(late)} past the review date, {late[0]} first: `library waiting` names all"
    if told.withheld:
        yield f"{len(told.withheld)} texts wait for a clinician and are not served: `library waiting` names all"
        bare = [code for code in library.languages if (code, EMERGENCY_CARD) not in library.responses]
        if bare:
            yield f"no clinician has signed the emergency card in {', '.join(bare)}: the last resort answers for it"


def with_language(
    library: Library, folder: Path, sources: Mapping[str, SourceFile], required: ReviewKind, told: Collector
) -> Library:
    """The library with one language more, where its words can be served."""
    code, shown = folder.name, f"{folder.name}/"
    ledger, found = read_ledger(folder, shown)
    told.faults += found
    file = told.attempt(lambda: read_yaml(folder / "language.yaml", LANGUAGE, f"{shown}language.yaml"))
    places = told.attempt(lambda: read_yaml(folder / "places.yaml", PLACES, f"{shown}places.yaml"))
    signals = told.attempt(lambda: read_signals(folder / "signals.yaml", f"{shown}signals.yaml")) or ()
    review = review_of(ledger, "language.yaml", shown, told)
    names = review_of(ledger, "places.yaml", shown, told)
    web = told.attempt(lambda: read_yaml(folder / "web.yaml", WEB, f"{shown}web.yaml"))
    web = web if review_of(ledger, "web.yaml", shown, told) else None
    telegram = told.attempt(lambda: read_yaml(folder / "telegram.yaml", TELEGRAM, f"{shown}telegram.yaml"))
    telegram = telegram if review_of(ledger, "telegram.yaml", shown, told) else None
    responses: dict[tuple[str, str], Response] = {}
    for path in sorted(folder.glob("*.md")):
        text = told.attempt(lambda path=path: read_response(path, f"{shown}{path.name}"))  # type: ignore[misc]
        vetted = review_of(ledger, path.name, shown, told)
        response = (
            text and vetted and response_of(path.stem, text, vetted, sources, library, f"{shown}{path.name}", told)
        )
        if response and (response.review.strength >= required.strength or response.topic == LAST_RESORT):
            responses[code, path.stem] = response
        elif response:
            told.withheld.append(f"{shown}{path.name}")
    speechless = wordless(folder.parent, code, file, library.directory) if file else ()
    told.faults += speechless
    if file is None or places is None or review is None or names is None or speechless:
        return library
    spoken = words_of(file, places, min((review, names), key=lambda r: r.strength))
    return replace(
        library,
        words={
            **library.words,
            code: replace(
                spoken,
                web=web.model_dump(by_alias=True) if web else {},
                telegram=telegram.model_dump() if telegram else {},
            ),
        },
        responses={**library.responses, **responses},
        signals={**library.signals, code: signals},
    )


def response_of(
    topic: str,
    text: ResponseText,
    review: ReviewKind,
    sources: Mapping[str, SourceFile],
    library: Library,
    shown: str,
    told: Collector,
) -> Response | None:
    """A response; None, with the faults, where its topic or a source is not known."""
    wrong = [FileFault(shown, 0, f"no topic {topic!r} in topics.yaml")] if topic not in library.topics else []
    wrong += [
        FileFault(shown, text.keys["sources"], f"sources: {key!r} is not in sources.yaml")
        for key in text.head.sources
        if key not in sources
    ]
    told.faults += wrong
    if wrong:
        return None
    cited = tuple(
        Source(s.organisation, s.title, s.url, s.checked) for s in (sources[key] for key in text.head.sources)
    )
    return Response(topic, text.head.title, text.voices, text.head.follow_ups, cited, review)


def read_signals(path: Path, shown: str) -> tuple[Signal, ...]:
    """
    signals.yaml, its phrases read.

    Raises:
        UnusableFileError: it cannot be used, or a phrase cannot be read.
    """
    signals = []
    for topic, entries in read_yaml(path, SIGNALS, shown).items():
        for entry in entries:
            try:
                phrases, near, unless = (
                    tuple(pattern(p) for p in texts) for texts in (entry.phrases, entry.near, entry.unless)
                )
            except ValueError as error:
                raise UnusableFileError((FileFault(shown, 0, f"{topic}: {error}"),)) from error
            signals.append(Signal(topic, phrases, near, unless, entry.calm))
    return tuple(signals)


def directory_of(countries: Mapping[str, CountryFile]) -> Directory:
    """The directory, `unknown` apart."""
    entries = {code: country_of(code, entry) for code, entry in countries.items()}
    unknown = entries.pop("unknown")
    return Directory(entries, unknown)


def country_of(code: str, entry: CountryFile) -> Country:
    """One territory as the conversation knows it."""
    numbers = tuple(Number(n.number, n.service, n.confidence) for n in entry.emergency)
    return Country(code, numbers, tuple(line_of(line) for line in entry.lines), entry.checked)


def line_of(line: LineFile) -> Line:
    """A help line with the one way to reach it that asks least: a call, a message, an address."""
    how = line.phone or (f"{line.text.number} «{line.text.word}»" if line.text and line.text.word else None)
    how = how or (line.text.number if line.text else None) or line.url or ""
    return Line(line.kind, line.name, how, line.hours, line.shown and bool(how), line.police)


def wordless(root: Path, language: str, file: LanguageFile, directory: Directory) -> tuple[FileFault, ...]:
    """A fault for each service of the directory that the language has no word for."""
    entries = (*directory.countries.values(), directory.unknown)
    lacking = {number.service for entry in entries for number in entry.numbers} - set(file.services)
    path = f"{language}/language.yaml"
    line = line_with(root / path, "services:")
    return tuple(FileFault(path, line, f"services: no word for {service!r}") for service in sorted(lacking))


def foreign_tongue(file: ForeignFile) -> Tongue:
    """How a language that we do not have is told."""
    return Tongue(file.script, frozenset(file.common), letters=frozenset(file.letters))


def words_of(file: LanguageFile, places: Mapping[str, PlaceFile], review: ReviewKind) -> Words:
    """A language's words as the conversation knows them, all phrases folded to plain words."""
    plain = {word for text in file.common for word in words(text)}
    return Words(
        tongue=Tongue(file.script, frozenset(plain), frozenset(file.latin), frozenset(file.letters)),
        pointer=file.pointer,
        services=file.services,
        line_labels=file.lines,
        notes=file.notes,
        leaning=frozenset(words(text) for text in file.leaning),
        openings=frozenset(words(text) for text in file.openings),
        fillers=frozenset(word for text in file.fillers for word in words(text)),
        affirming=Phrases(
            {words(text): yes for yes, texts in ((True, file.affirming), (False, file.denying)) for text in texts}
        ),
        shortcuts={words(text): topic for text, topic in file.shortcuts.items()},
        switch=frozenset(words(text) for text in file.switch),
        steps=Phrases({words(text): step for step, texts in file.steps.items() for text in texts}),
        audiences=Phrases({words(text): who for who, texts in file.audience.items() for text in texts}),
        places=Places(
            names={code: place.name for code, place in places.items()},
            sure={words(t): code for code, place in places.items() for t in (*place.words, *place.cities)},
            ambiguous={words(t): code for code, place in places.items() for t in place.ambiguous},
            prepositions=frozenset(words(text) for text in file.places),
        ),
        review=review,
        name=file.name,
    )


def vouched_for(library: Library) -> Library:
    """The library with the manifest of every passage that its reviewed files can make."""
    passages = [text for response in library.responses.values() for text in (*response.voices.values(), response.title)]
    passages += library.foreign_sentences.values()
    for language, spoken in library.words.items():
        passages += spoken.notes.values()
        passages += [library.kept_language(language, told) for told in library.words]
        passages += [library.kept_country(language, country) for country in library.directory.countries]
        passages += [library.kept_topic(language, topic) for code, topic in library.responses if code == language]
        for country in (None, *library.directory.countries):
            passages.append(library.pointer(language, country).text)
            lines = [library.lines(language, country, urgency) for urgency in Urgency]
            passages += [line.text for line in lines if line]
    return replace(library, manifest=frozenset(digest(text) for text in passages))


def with_model(library: Library, folder: Path, told: Collector) -> Library:
    """The library with its model; without one, and why, where it cannot be used: signals and tables go on."""
    encoder = told.attempt(lambda: load_encoder(folder))
    heads = told.attempt(lambda: load_heads(folder))
    spelling, glance = told.attempt(lambda: load_spelling(folder)), told.attempt(lambda: load_glance(folder))
    library = replace(library, spelling=spelling or library.spelling, glance=glance)
    return replace(library, encoder=encoder, heads=heads) if encoder and heads else library


def with_scrubber(library: Library, root: Path, told: Collector) -> Library:
    """The library with what scrubs questions; without it, and why, where the names of a language cannot be read."""
    lists = [
        told.attempt(lambda code=code: read_names(root / code / "names.txt", f"{code}/names.txt"))  # type: ignore[misc]
        for code in library.words
    ]
    found = [names for names in lists if names is not None]
    if len(found) < len(library.words):
        return library
    tables = {code: spoken.places for code, spoken in library.words.items()}
    common = {word for spoken in library.words.values() for word in spoken.tongue.common}
    texts = [text for response in library.responses.values() for text in response.voices.values()]
    return replace(library, scrub=scrubber(lexicon_of(found, tables, common, texts)))


def fallback_first(library: Library, language: str) -> Library:
    """The library with the language first that is used where a person's own cannot be told."""
    order = sorted(library.words, key=lambda code: (code != language, code))
    return replace(library, words={code: library.words[code] for code in order})


def with_sound_languages(library: Library, told: Collector) -> Library:
    """
    The library with the languages in which what goes out when all else fails passes the guard itself.

    Raises:
        ContentError: it passes in none.
    """
    vouched = Vouched(library.manifest, library.directory)
    sound = []
    for language in library.words:
        if (language, LAST_RESORT) not in library.responses:
            told.faults.append(FileFault(f"{language}/{LAST_RESORT}.md", 0, "not served, so this language is not"))
            continue
        broken = {
            fault
            for country in (None, *library.directory.countries)
            for fault in faults(last_resort(Profile(language, country), library), "", vouched)
        }
        if broken:
            told.faults += [
                FileFault(f"{language}/{LAST_RESORT}.md", 0, f"breaks the guard's rule: {b}") for b in broken
            ]
            continue
        sound.append(language)
    if not sound:
        raise ContentError(told.faults)
    return replace(library, words={code: library.words[code] for code in sound})
