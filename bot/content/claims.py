"""claims.yaml: what the texts have to carry, for editors; readers never see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, TypeAdapter

from bot.content.formats import Closed, Text, TopicId, read_yaml

CLAIMS_FILE = "claims.yaml"
FactId = Annotated[str, StringConstraints(pattern=r"^f[1-9][0-9]*$")]
MustId = Annotated[str, StringConstraints(pattern=r"^m[1-9][0-9]*$")]
SeedId = Annotated[str, StringConstraints(pattern=r"^S[0-9]{2}$")]
Verdict: TypeAlias = Literal["correct", "partly", "wrong", "outdated", "opinion"]


class FactFile(Closed):
    """One fact that a text may carry, and the sources that it rests on."""

    says: Text
    sources: Annotated[tuple[str, ...], Field(min_length=1)]


class TopicClaims(Closed):
    """A topic's facts, and what its text must say."""

    facts: Mapping[FactId, FactFile]
    must: Mapping[MustId, Text]


class SeedClaim(Closed):
    """One claim of the article from which the project grew, judged, and the topics that have to answer it."""

    claim: Text
    verdict: Verdict
    answer: Text
    topics: Annotated[tuple[TopicId, ...], Field(min_length=1)]


class Claims(Closed):
    """The whole registry."""

    topics: Mapping[TopicId, TopicClaims]
    seed: Mapping[SeedId, SeedClaim]

    def sources(self, topic: str, claim: str) -> tuple[str, ...] | None:
        """The sources of a claim by its id in a text's head, as f3, some-topic.f3, m1 or S05; None where there is none such."""
        other, _, id_ = claim.rpartition(".")
        entry = self.topics.get(other or topic)
        if not other and id_ in self.seed:
            return ()
        if entry is None or id_ not in {**entry.facts, **entry.must}:
            return None
        return entry.facts[id_].sources if id_ in entry.facts else ()

    def answering(self, seed: str, carried: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
        """The topics of a seed claim whose texts carry it; `carried` is what each topic's text carries in one language."""
        return (topic for topic in self.seed[seed].topics if seed in carried.get(topic, ()))


CLAIMS: TypeAdapter[Claims] = TypeAdapter(Claims)


def read_claims(root: Path) -> Claims:
    """
    The registry.

    Raises:
        UnusableFileError: it is missing, or not in its shape.
    """
    return read_yaml(root / CLAIMS_FILE, CLAIMS, CLAIMS_FILE)
