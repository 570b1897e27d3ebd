"""Each noise does to a text what its name says, and the same dice do the same."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.desk.noise import (
    TAUGHT,
    Noise,
    in_capitals,
    in_latin_letters,
    in_leet,
    mistyped,
    mistyped_often,
    noised,
    stretched,
    with_emoji,
    with_spaces_lost,
    without_accents,
    without_marks,
)

ENGLISH = "my friend wont wake up, what do i do?"
SPANISH = "¿Cuánto dura la inyección de naltrexona, señora?"
RUSSIAN = "Подруга не просыпается, что делать? Ещё и губы синие"
LONG = "is it true that naloxone wears off sooner than the drug, and should we stay with him after that?"
NOISES: tuple[Noise, ...] = (*(noise for noise, _ in TAUGHT), mistyped_often, in_leet, with_emoji)


@pytest.mark.parametrize(
    ("noise", "text", "changed"),
    [
        (mistyped, ENGLISH, ENGLISH),  # this slip hit a space
        (mistyped, SPANISH, "¿Cuánto dura la inyección de naltrexina, señroa?"),
        (mistyped, RUSSIAN, "Подруга не просыааетс,я что делать? Ещё и губы синие"),
        (mistyped, LONG, LONG.replace("drug", "rug").replace("with", "wih").replace("after", "aftet")),
        (in_latin_letters, RUSSIAN, "podruga ne prosipaetsya, 4to delat'? eschyo i gubi sinie"),
        (noised, ENGLISH, "my friend wont wake up what do i do"),
        (noised, SPANISH, "¿CUÁNTO DURA LA INYECCIÓN DE NALLLLLLTREXONA, SEÑORA?"),
        (noised, RUSSIAN, "Подруга не просыпаетс,я что делать? Ещё и гуубы синие"),
    ],
)
def test_what_is_taught_is_the_same_for_the_same_dice(noise: Noise, text: str, changed: str) -> None:
    assert noise(text, random.Random(text)) == changed


def test_two_hundred_draws_are_those_that_the_encoder_was_taught_with() -> None:
    drawn: list[str] = []
    for seed in range(200):
        dice = random.Random(f"1 {seed}")
        drawn += [noised(text, dice) for text in (ENGLISH, SPANISH, RUSSIAN, LONG)]
        drawn.append(str(dice.random()))  # no more and no fewer throws either
    told = sha256("\n".join(drawn).encode()).hexdigest()
    assert told == "0f35acc57fd2bcae7ff66c497838cdb3213570668451b4a96e6828a7943f48b8"


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.__name__)
@given(text=st.text(min_size=1), seed=st.integers())
def test_no_text_breaks_a_noise_and_a_seed_decides_it(noise: Noise, text: str, seed: int) -> None:
    assert noise(text, random.Random(seed)) == noise(text, random.Random(seed))


@pytest.mark.parametrize(
    ("noise", "text", "changed"),
    [
        (without_accents, "¿Cuánto dura? ¡Ещё йод!", "Cuanto dura? Еще йод!"),
        (without_marks, "he's cold, isn't he?", "hes cold isnt he"),
        (in_capitals, "he is cold", "HE IS COLD"),
    ],
)
def test_some_noises_need_no_dice(noise: Noise, text: str, changed: str) -> None:
    assert noise(text, random.Random(1)) == changed


@given(seed=st.integers())
def test_spaces_are_lost_and_nothing_else(seed: int) -> None:
    assert with_spaces_lost(LONG, random.Random(seed)).replace(" ", "") == LONG.replace(" ", "")


@given(seed=st.integers())
def test_one_letter_is_held_down_at_most(seed: int) -> None:
    longer = stretched(ENGLISH, random.Random(seed))
    assert len(longer) - len(ENGLISH) in {0, 2, 3, 4, 5}
    assert set(longer) == set(ENGLISH)


@given(seed=st.integers())
def test_twice_as_many_slips_still_leave_most_letters(seed: int) -> None:
    slips = 1 + len(LONG) // 20
    changed = mistyped_often(LONG, random.Random(seed))
    assert abs(len(changed) - len(LONG)) <= slips
    assert len(set(LONG.split()) - set(changed.split())) <= 2 * slips  # a swap across a space spoils two words


def test_digits_and_signs_stand_for_letters() -> None:
    dice = random.Random(1)
    english, russian = in_leet("seat " * 40, dice), in_leet("чебоза " * 40, dice)
    assert {"5", "$", "3", "4", "@", "7", "s", "e"} <= set(english)
    assert {"4", "3", "6", "0", "@", "ч", "б"} <= set(russian)
    assert len(english) == 200


@given(seed=st.integers())
def test_emoji_come_beside_the_words(seed: int) -> None:
    added = with_emoji(ENGLISH, random.Random(seed))
    kept = [part for part in added.split(" ") if part.isascii()]
    assert " ".join(kept) == ENGLISH
    assert 1 <= len(added.split(" ")) - len(kept) <= 3
