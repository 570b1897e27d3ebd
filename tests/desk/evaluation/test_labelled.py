"""A labelled file is read whole, or the line to mend is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.desk.evaluation.labelled import EvaluationError, read_labelled
from bot.vocabulary import Urgency

LABELS = {"urgency": "none", "dosing": False, "topics": ["detox"]}
QUESTION = json.dumps({"id": "q1", "text": "what is detox", "lang": "en", **LABELS})
CONVERSATION = json.dumps(
    {
        "id": "c1",
        "lang": "ru",
        "turns": [
            {"text": "что такое детокс", "expect": LABELS},
            {"text": "estoy mal", "lang": "es", "expect": {**LABELS, "urgency": "emergency", "also_dosing": True}},
        ],
    }
)


def written(folder: Path, *lines: str) -> Path:
    """A file of these lines."""
    path = folder / "questions.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_file_may_hold_questions_and_conversations(tmp_path: Path) -> None:
    labelled = read_labelled(written(tmp_path, QUESTION, CONVERSATION, QUESTION))
    assert [row.id for row in labelled.questions] == ["q1", "q1"]
    assert [[turn.id for turn in talk] for talk in labelled.conversations] == [["c1.1", "c1.2"]]


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85"])
def test_what_ends_a_line_elsewhere_may_stand_in_a_question(end: str, tmp_path: Path) -> None:
    text = f"what is{end}detox"
    row = json.dumps({"id": "q1", "text": text, "lang": "en", **LABELS}, ensure_ascii=False)
    assert [row.text for row in read_labelled(written(tmp_path, row, QUESTION, "")).questions] == [
        text,
        "what is detox",
    ]


def test_a_turn_has_its_own_labels_and_the_conversations_language_unless_it_has_another(tmp_path: Path) -> None:
    first, second = read_labelled(written(tmp_path, CONVERSATION)).conversations[0]
    assert (first.text, first.language, first.urgency, first.also_dosing) == (
        "что такое детокс",
        "ru",
        Urgency.NONE,
        None,
    )
    assert (second.language, second.urgency, second.also_dosing) == ("es", Urgency.EMERGENCY, True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"", "holds no questions"),
        (b"not json\n", ":1: "),
        (QUESTION.encode() + b"\n{}\n", ":2: "),
        (QUESTION.encode() + b"\n\n" + QUESTION.encode(), ":2: "),
        (QUESTION.replace("none", "catastrophe").encode(), ":1: "),
        (CONVERSATION.encode() + b'\n{"id": "c", "lang": "en", "turns": []}', ":2: "),
        (CONVERSATION.replace("expect", "expected").encode(), ":1: "),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_line(content: bytes | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EvaluationError, match=told):
        read_labelled(path)
