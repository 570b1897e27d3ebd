"""What a person agreed to leave for the editors, scrubbed. Nothing in a row says whose it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection, delete, insert, select

from bot.store.database import QUESTIONS

DAY = 24 * 3600


@dataclass(frozen=True)
class LeftQuestion:
    """A question that was left, by the day: the hour could tell whose it is."""

    id: int
    language: str
    text: str
    day: date


def keep_question(db: Connection, language: str, text: str | None) -> None:
    """
    Keep a question; the same one is kept once, since every piece of work may be done twice.

    Args:
        text: scrubbed, and agreed to; None keeps nothing.
    """
    same = select(QUESTIONS.c.id).where(QUESTIONS.c.language == language, QUESTIONS.c.text == text)
    if text is None or db.execute(same).first():
        return
    today = time.time() // DAY * DAY
    db.execute(insert(QUESTIONS), {"language": language, "text": text, "at": today})


def list_questions(db: Connection) -> list[LeftQuestion]:
    """All that are kept, the oldest first."""
    rows = db.execute(select(QUESTIONS).order_by(QUESTIONS.c.id)).mappings().all()
    return [
        LeftQuestion(row["id"], row["language"], row["text"], datetime.fromtimestamp(row["at"], UTC).date())
        for row in rows
    ]


def delete_question(db: Connection, id_: int) -> bool:
    """Erase one; whether it was there."""
    return db.execute(delete(QUESTIONS).where(QUESTIONS.c.id == id_)).rowcount > 0
