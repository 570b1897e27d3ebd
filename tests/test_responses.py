"""The real files keep every rule."""

from __future__ import annotations

from pathlib import Path

from bot.content.encoder import read_heads_card
from bot.content.loader import find_responses, load, read_topics
from bot.content.questions import questions_digest, read_questions
from bot.content.rules import check
from bot.conversation.language import words
from bot.desk.evaluation.labelled import read_labelled

QUESTIONS = Path(__file__).parent / "questions"


def test_the_files_keep_every_rule() -> None:
    assert [str(fault) for fault in check(find_responses())] == []


def test_the_files_load_without_a_fault() -> None:
    loaded = load(find_responses())
    assert [str(fault) for fault in loaded.faults] == []
    assert loaded.library.languages == ("en", "es", "ru")


def test_heads_and_questions_belong_together() -> None:
    root = find_responses()
    topics = {name: topic for members in read_topics(root).values() for name, topic in members.items()}
    rows, faults = read_questions(root, ("en", "es", "ru"), topics)
    card = read_heads_card(root / "model")
    assert faults == ()
    assert card.rows == len(rows)
    assert card.questions_sha256 == questions_digest(rows)


def test_no_test_question_stands_among_the_training_questions() -> None:
    root = find_responses()
    topics = {name: topic for members in read_topics(root).values() for name, topic in members.items()}
    rows, _ = read_questions(root, ("en", "es", "ru"), topics)
    trained = {words(row.text) for row in rows}
    files = [read_labelled(path) for path in QUESTIONS.glob("*.jsonl")]
    tested = [row for file in files for talk in (file.questions, *file.conversations) for row in talk]
    assert [row.id for row in tested if words(row.text) in trained] == []
