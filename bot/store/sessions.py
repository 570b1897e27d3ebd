"""Recall, remember, forget: sessions by pseudonym, sealed."""

from __future__ import annotations

import time
from collections.abc import Collection

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, delete, select

from bot.store.database import SESSIONS
from bot.store.mailbox import upsert
from bot.store.sealing import SealError, Sealing
from bot.vocabulary import Session

SHAPE = TypeAdapter(Session)
PURPOSE = "session"


class Sessions:
    """What is remembered of each talk."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing

    def recall(self, db: Connection, chat: str) -> Session:
        """The session of a talk; a new one where there is none, or where it cannot be read any more."""
        return self.recall_all(db, [chat])[chat]

    def recall_all(self, db: Connection, chats: Collection[str]) -> dict[str, Session]:
        """The sessions of several talks, each as by `recall`."""
        asked = select(SESSIONS.c.chat, SESSIONS.c.sealed).where(SESSIONS.c.chat.in_(chats))
        found = {chat: self._opened(sealed) for chat, sealed in db.execute(asked)} if chats else {}
        return {chat: found.get(chat, Session()) for chat in chats}

    def _opened(self, sealed: bytes) -> Session:
        try:
            return SHAPE.validate_json(self._sealing.open(PURPOSE, sealed))
        except (SealError, ValidationError):
            return Session()

    def remember(self, db: Connection, chat: str, session: Session | None) -> None:
        """Keep the session of a talk; None forgets it."""
        if session is None or session == Session():
            db.execute(delete(SESSIONS).where(SESSIONS.c.chat == chat))
            return
        sealed = self._sealing.seal(PURPOSE, SHAPE.dump_json(session))
        upsert(db, SESSIONS, {"chat": chat, "sealed": sealed, "at": time.time()})

    def move(self, db: Connection, old: str, new: str) -> None:
        """The talk has another pseudonym now: a group became a supergroup."""
        if self.recall(db, new) == Session():
            self.remember(db, new, self.recall(db, old))
        self.remember(db, old, None)
