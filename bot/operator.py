"""The commands of whoever runs the bot: `serve`, `doctor`, `db`, `questions`."""

from __future__ import annotations

import argparse
from contextlib import closing

from bot.doctor import examine
from bot.serve import listening, sealing_of
from bot.serve import run as serve
from bot.settings import Settings
from bot.starting import BREACH, fail, start
from bot.store.database import Database
from bot.store.questions import delete_question, list_questions


def run_serve(options: argparse.Namespace, settings: Settings) -> int:
    """The web, and Telegram."""
    started = start(settings)
    sealing = sealing_of(settings)
    try:
        sockets = listening(options.host, options.port)
    except (OSError, UnicodeError) as error:
        fail(f"--host {options.host} --port {options.port}: {error}")
    serve(settings, started.assistant, sealing, sockets, started.loaded.next_due)
    return 0


def run_doctor(options: argparse.Namespace, settings: Settings) -> int:
    """What is well, and what to mend."""
    wrong = 0
    for finding in examine(settings):
        print(finding, flush=True)
        wrong += finding.mend is not None
    return BREACH if wrong else 0


def run_list_questions(options: argparse.Namespace, settings: Settings) -> int:
    """Questions for the editors, a line each: id, day, language, text."""
    with closing(opened(settings)) as database:
        for question in database.run_now(list_questions):
            print(question.id, question.day, question.language, question.text, sep="\t")
    return 0


def run_delete_question(options: argparse.Namespace, settings: Settings) -> int:
    """One question less."""
    with closing(opened(settings)) as database:
        if not database.run_now(lambda db: delete_question(db, options.id)):
            fail(f"no question {options.id}: `questions list` shows all")
    print(f"{options.id} erased")
    return 0


def opened(settings: Settings) -> Database:
    """The database; an embedded one is brought to the newest revision by itself, as `serve` does."""
    database = Database(settings.database)
    if database.embedded:
        database.upgrade()
    return database


def run_upgrade(options: argparse.Namespace, settings: Settings) -> int:
    """The database, brought to a revision."""
    database = Database(settings.database)
    database.upgrade(options.revision)
    print(f"database at revision {database.revision()[0] or 'none'}")
    database.close()
    return 0
