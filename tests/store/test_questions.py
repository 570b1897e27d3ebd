"""What people left for the editors: kept once, by the day, listed, deleted, forgotten after a year."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy import select, update

from bot.cli import main
from bot.store.database import QUESTIONS, Database
from bot.store.questions import delete_question, keep_question, list_questions
from bot.store.retention import forget_old

LEFT = "is it true that … sells it"


def test_what_was_left_is_listed_the_oldest_first(database: Database) -> None:
    database.run_now(lambda db: keep_question(db, "en", LEFT))
    database.run_now(lambda db: keep_question(db, "ru", "правда ли это"))
    today = datetime.now(UTC).date()
    found = database.run_now(list_questions)
    assert [(q.language, q.text, q.day) for q in found] == [("en", LEFT, today), ("ru", "правда ли это", today)]


def test_work_that_is_done_twice_keeps_one(database: Database) -> None:
    for _ in range(2):
        database.run_now(lambda db: keep_question(db, "en", LEFT))
    assert len(database.run_now(list_questions)) == 1


def test_nothing_left_is_nothing_kept(database: Database) -> None:
    database.run_now(lambda db: keep_question(db, "en", None))
    assert database.run_now(list_questions) == []


def test_the_hour_is_not_kept(database: Database) -> None:
    database.run_now(lambda db: keep_question(db, "en", LEFT))
    assert database.run_now(lambda db: db.execute(select(QUESTIONS.c.at)).scalar_one()) % (24 * 3600) == 0


def test_one_is_deleted_and_the_others_stay(database: Database) -> None:
    for text in ("first", "second"):
        database.run_now(partial(keep_question, language="en", text=text))
    first = database.run_now(list_questions)[0]
    assert database.run_now(lambda db: delete_question(db, first.id))
    assert not database.run_now(lambda db: delete_question(db, first.id))
    assert [question.text for question in database.run_now(list_questions)] == ["second"]


def test_it_is_forgotten_after_a_year(database: Database) -> None:
    database.run_now(lambda db: keep_question(db, "en", LEFT))
    database.run_now(lambda db: db.execute(update(QUESTIONS).values(at=time.time() - 366 * 24 * 3600)))
    database.run_now(forget_old)
    assert database.run_now(list_questions) == []


def test_the_operator_lists_and_deletes(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Database(url)
    database.upgrade()
    database.run_now(lambda db: keep_question(db, "en", LEFT))
    number = database.run_now(list_questions)[0].id
    database.close()
    monkeypatch.setenv("OVERDOSE_BOT_DATABASE_URL", url)
    monkeypatch.setenv("OVERDOSE_BOT_SECRET_KEY", "a-secret-key-that-is-long-enough-for-this")
    assert main(["questions", "list"]) == 0
    today = datetime.now(UTC).date()
    assert capsys.readouterr().out == f"{number}\t{today}\ten\t{LEFT}\n"
    assert main(["questions", "delete", str(number)]) == 0
    assert capsys.readouterr().out == f"{number} erased\n"
    assert main(["questions", "list"]) == 0
    assert capsys.readouterr().out == ""
    with pytest.raises(SystemExit):
        main(["questions", "delete", str(number)])
    assert capsys.readouterr().err.endswith(f"no question {number}: `questions list` shows all\n")
