"""The glance takes any text, and tells nothing certain of any."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.glance import PLACES, Glance, pieces, places
from bot.conversation.matching import URGENCIES
from bot.conversation.triage import Thresholds

ANY = st.text(max_size=300)
"""Any characters at all."""
BARS = Thresholds(dict.fromkeys(URGENCIES, 0.5), 1.1)


def glance_of(heavy: str) -> Glance:
    """A glance that fears one text's pieces, in the first danger."""
    weights = np.zeros((4, PLACES + 1), dtype=np.float32)
    weights[:, -1] = -3.0
    weights[0, places(heavy)] = 2.0
    return Glance(weights, 0.4, 0.4, BARS)


@given(ANY)
def test_every_danger_of_any_text_has_a_probability(text: str) -> None:
    found = glance_of("not breathing")(text)
    assert set(found.urgencies) == set(BARS.urgencies)
    assert all(0.0 <= probability <= 1.0 for probability in (*found.urgencies.values(), found.dosing))


@given(ANY)
def test_each_place_counts_once_and_lies_among_the_weights(text: str) -> None:
    found = places(text).tolist()
    assert found == sorted(set(found))
    assert all(0 <= place < PLACES for place in found)


def test_a_word_is_heard_whole_beside_its_neighbour_and_in_pieces() -> None:
    found = set(pieces("not blue"))
    assert {" blue ", "not blue", " b", "blu", "lue "} <= found
    assert not found & {"t b", "e n"}


def test_a_slip_leaves_most_of_what_is_feared() -> None:
    glance = glance_of("he is not breathing")
    assert glance.hurries("he is not breathing")
    assert glance.hurries("hes not breathng")
    assert not glance.hurries("what does it cost")
    assert not glance.hurries("")
