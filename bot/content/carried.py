"""What the texts say they carry, held against the registry of claims and the sources."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from bot.content.claims import CLAIMS_FILE
from bot.content.formats import FileFault
from bot.content.shelf import Shelf

WITHOUT_CLAIMS = frozenset({"steps", "service"})
"""Groups without facts of their own: they carry those of other topics, or speak of the bot."""
OWN_SOURCE = "project"
OF_THE_BOT = frozenset({"meta", "service"})
"""Groups that may rest on our own word alone."""


def registry(shelf: Shelf) -> Iterator[FileFault]:
    """The registry covers every topic, numbers its ids in a row, and names only topics and sources that there are."""
    groups = shelf.groups
    for topic in (name for name, group in groups.items() if group not in WITHOUT_CLAIMS):
        if topic not in shelf.claims.topics:
            yield FileFault(CLAIMS_FILE, 0, f"topics: no entry for {topic!r}")
    for topic, entry in shelf.claims.topics.items():
        line = shelf.line(CLAIMS_FILE, topic)
        if topic not in groups:
            yield FileFault(CLAIMS_FILE, line, f"topics: {topic!r} is not in topics.yaml")
        for letter, ids in (("f", entry.facts), ("m", entry.must)):
            if list(ids) != [f"{letter}{number}" for number in range(1, len(ids) + 1)]:
                yield FileFault(CLAIMS_FILE, line, f"{topic}: {letter}1, {letter}2 and so on, in a row")
        for id_, fact in entry.facts.items():
            for key in fact.sources:
                if key not in shelf.sources:
                    yield FileFault(CLAIMS_FILE, line, f"{topic}.{id_}: {key!r} is not in sources.yaml")
    for seed, claim in shelf.claims.seed.items():
        for topic in claim.topics:
            if topic not in groups:
                yield FileFault(CLAIMS_FILE, shelf.line(CLAIMS_FILE, seed), f"{seed}: {topic!r} is not in topics.yaml")


def carried(shelf: Shelf) -> Iterator[FileFault]:
    """What a text carries is in the registry, is the same in every language, and is all that its topic must say."""
    for (language, topic), response in shelf.responses.items():
        for claim in response.head.carries:
            if shelf.claims.sources(topic, claim) is None:
                yield shelf.at_key(language, topic, "carries", f"{claim!r} is not in {CLAIMS_FILE}")
        entry = shelf.claims.topics.get(topic)
        for id_, says in entry.must.items() if entry else ():
            if id_ not in response.head.carries:
                yield shelf.at_key(language, topic, "carries", f"{id_} is not claimed: {says}")
    for topic in sorted({topic for _, topic in shelf.responses}):
        have = [code for code in shelf.languages if (code, topic) in shelf.responses]
        for one, other in combinations(have, 2):
            odd = set(shelf.responses[one, topic].head.carries) ^ set(shelf.responses[other, topic].head.carries)
            if odd:
                yield shelf.at_key(other, topic, "carries", f"other facts than in {one!r}: {', '.join(sorted(odd))}")


def seed_claims(shelf: Shelf) -> Iterator[FileFault]:
    """In every language some text of its topics answers each claim of the seed article."""
    for language in shelf.languages:
        carries = {topic: r.head.carries for (code, topic), r in shelf.responses.items() if code == language}
        for seed, claim in shelf.claims.seed.items():
            if not list(shelf.claims.answering(seed, carries)):
                what = f"{seed}: no text in {language!r} answers it; its topics are {', '.join(claim.topics)}"
                yield FileFault(CLAIMS_FILE, shelf.line(CLAIMS_FILE, seed), what)


def cited(shelf: Shelf) -> Iterator[FileFault]:
    """Each fact that a text carries rests on a source that it cites; our own word suffices for the bot alone."""
    groups = shelf.groups
    for (language, topic), response in shelf.responses.items():
        sources = set(response.head.sources)
        for key in sorted(sources - set(shelf.sources)):
            yield shelf.at_key(language, topic, "sources", f"{key!r} is not in sources.yaml")
        for claim in response.head.carries:
            bearing = shelf.claims.sources(topic, claim)
            if bearing and not sources & set(bearing):
                yield shelf.at_key(language, topic, "sources", f"none for {claim}: cite one of {', '.join(bearing)}")
        if sources == {OWN_SOURCE} and groups.get(topic) not in OF_THE_BOT | {"steps"}:
            yield shelf.at_key(language, topic, "sources", f"{OWN_SOURCE!r} vouches for the bot alone: cite another")
