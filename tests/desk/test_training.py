"""Fitting is deterministic, and what is written can be read back."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from bot.content.encoder import load_glance, load_heads, load_spelling
from bot.content.questions import Question
from bot.conversation.language import after_title, folded
from bot.vocabulary import Urgency, Vector

pytest.importorskip("sklearn")
from bot.desk.training import bar, fit_heads, fold_of, in_company

WIDTH = 16
KINDS: list[tuple[str, frozenset[Urgency], bool]] = [
    ("someone-down", frozenset({Urgency.EMERGENCY}), False),
    ("self-harm", frozenset({Urgency.SELF_HARM}), False),
    ("unsafe-at-home", frozenset({Urgency.SAFEGUARDING}), False),
    ("no-dosing", frozenset(), True),
    ("naloxone-what-is", frozenset(), False),
    ("out-of-scope", frozenset(), False),
]


def encode(text: str) -> Vector:
    """A stand-in for the encoder: near the first word of a text, moved a little by all of it."""
    parts = [np.frombuffer(sha256(part.encode()).digest()[:WIDTH], dtype=np.uint8).astype(np.float32) / 255 - 0.5
             for part in (text.split()[0], text)]  # fmt: skip
    vector = parts[0] + 0.2 * parts[1]
    unit: Vector = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


ROWS = [
    Question(
        f"{topic} {language} {group} {number}",
        language,
        urgencies,
        dosing,
        topic,
        f"{language}/{topic}/{group}",
        "x",
        1,
    )
    for topic, urgencies, dosing in KINDS
    for language in ("en", "ru")
    for group in range(6)
    for number in range(3)
]

TURNS = [
    Question(
        f"so what {number}",
        language,
        frozenset(),
        topic == "no-dosing",
        topic,
        f"{language}/talk {number}",
        "x",
        1,
        last,
    )
    for last, topic in (("naloxone-what-is", "no-dosing"), ("out-of-scope", "naloxone-what-is"))
    for language in ("en", "ru")
    for number in range(6)
]
"""The same few words, which ask about one topic or another by what was answered last."""
TITLES = {(language, topic): f"{topic} or not" for topic, _, _ in KINDS for language in ("en", "ru")}


def fitted(folder: Path) -> Path:
    """A folder with heads fitted on the rows."""
    said: list[str] = []
    folder.mkdir()
    files = {"encoder.onnx": {"sha256": "0" * 64, "bytes": 1}}
    (folder / "card.json").write_text(json.dumps({"files": files}), encoding="utf-8")
    fit_heads(ROWS + TURNS, TITLES, encode, folder, folder / "cache", said.append)
    return folder


def test_fitting_twice_gives_equal_bytes(tmp_path: Path) -> None:
    one, two = fitted(tmp_path / "one"), fitted(tmp_path / "two")
    for name in ("heads.npz", "glance.npz", "words.json", "heads.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_what_was_fitted_can_be_read_back_and_knows_its_rows(tmp_path: Path) -> None:
    heads = load_heads(fitted(tmp_path / "one"))
    assert load_spelling(tmp_path / "one").known.keys() == {"en", "ru"}
    assert heads.topics == tuple(sorted(topic for topic, _, _ in KINDS))
    assert set(heads.thresholds) == {"en", "ru"}
    for row in ROWS:
        seen = heads(encode(folded(row.text)))
        assert max(seen.topics, key=lambda topic: seen.topics[topic]) == row.topic
        for urgency, probability in seen.urgencies.items():
            assert (probability >= 0.5) is (urgency in row.urgencies)
        assert (seen.dosing >= 0.5) is row.dosing


def test_company_is_calm_and_of_the_same_language_and_fold() -> None:
    by_text = {row.text: row for row in ROWS}
    found = in_company(ROWS * 4)
    assert {bool(row.urgencies or row.dosing) for row in found} == {True, False}
    for row in found:
        beside = [other for text, other in by_text.items() if text in row.text]
        assert {(other.language, fold_of(other)) for other in beside} == {(row.language, fold_of(row))}
        assert sum(bool(other.urgencies or other.dosing) for other in beside) == bool(row.urgencies or row.dosing)


def test_what_has_no_calm_company_stands_alone() -> None:
    assert in_company([row for row in ROWS if row.urgencies] * 4) == []


def test_what_a_turn_is_about_hangs_on_what_was_answered_last(tmp_path: Path) -> None:
    heads = load_heads(fitted(tmp_path / "one"))
    for turn in TURNS:
        assert turn.after
        title = TITLES[turn.language, turn.after]
        seen = heads.topics_in_talk(encode(folded(turn.text)), encode(after_title(title, turn.text)))
        assert seen
        assert max(seen, key=lambda topic: seen[topic]) == turn.topic
        assert abs(sum(seen.values()) - 1) < 1e-6


def test_the_glance_hears_the_dangers_among_its_rows_and_hurries_for_few_others(tmp_path: Path) -> None:
    glance = load_glance(fitted(tmp_path / "one"))
    for row in ROWS:
        seen = glance(folded(row.text))
        for urgency, probability in seen.urgencies.items():
            assert (probability >= glance.thresholds.urgencies[urgency]) is (urgency in row.urgencies)
        assert (seen.dosing >= glance.thresholds.dosing) is row.dosing
        assert glance.hurries(folded(row.text)) or not row.urgencies
    assert not any(glance.hurries(folded(row.text)) for row in ROWS if row.topic == "naloxone-what-is")


@pytest.mark.parametrize(("share", "low", "high"), [(0.1, 0.85, 0.9), (0.5, 0.4, 0.6), (0.99, 0.0, 0.1)])
def test_a_bar_lets_this_share_of_harmless_rows_pass(share: float, low: float, high: float) -> None:
    assert low <= bar(np.linspace(0, 1, 101), share, 0.04) <= high
