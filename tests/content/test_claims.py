"""The registry knows each claim by the id that a text's head names it with."""

from __future__ import annotations

import pytest

from bot.content.claims import Claims, read_claims
from bot.content.loader import find_responses

CLAIMS = Claims.model_validate(
    {
        "topics": {
            "detox": {"facts": {"f1": {"says": "x", "sources": ["a", "b"]}}, "must": {"m1": "y"}},
            "relapse": {"facts": {"f1": {"says": "z", "sources": ["c"]}}, "must": {}},
        },
        "seed": {"S01": {"claim": "c", "verdict": "wrong", "answer": "a", "topics": ["detox", "relapse"]}},
    }
)


@pytest.mark.parametrize(
    ("topic", "claim", "sources"),
    [
        ("detox", "f1", ("a", "b")),
        ("relapse", "detox.f1", ("a", "b")),
        ("relapse", "detox.m1", ()),
        ("detox", "m1", ()),
        ("detox", "S01", ()),
        ("detox", "f2", None),
        ("relapse", "m1", None),
        ("detox", "nowhere.f1", None),
        ("nowhere", "f1", None),
        ("detox", "S02", None),
        ("detox", "relapse.S01", None),
        ("detox", "", None),
    ],
)
def test_a_claim_is_found_by_its_id(topic: str, claim: str, sources: tuple[str, ...] | None) -> None:
    assert CLAIMS.sources(topic, claim) == sources


def test_a_claim_of_the_seed_article_is_answered_by_the_texts_that_carry_it() -> None:
    carried = {"detox": ("f1",), "relapse": ("f1", "S01"), "grief": ("S01",)}
    assert list(CLAIMS.answering("S01", carried)) == ["relapse"]


def test_the_real_registry_has_every_claim() -> None:
    claims = read_claims(find_responses())
    assert list(claims.seed) == [f"S{number:02}" for number in range(1, 36)]
    assert len(claims.topics) == 81
