"""`doctor`: looks at settings, library, database, disk, clock, token and webhook, and says what to mend."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
from telegram import WebhookInfo
from telegram.error import InvalidToken, TelegramError

from bot.channels.telegram.receiving import PATH
from bot.channels.telegram.sending import make_bot
from bot.content.loader import ContentError, find_responses, load
from bot.settings import Settings
from bot.store.database import Database, ping
from bot.store.errors import SecretKeyError, StoreError
from bot.store.mailbox import count_waiting
from bot.store.sealing import Sealing, secret_beside
from bot.store.unreadable import count_unreadable
from bot.vocabulary import ReviewKind

LEAST_DISK = 200 * 2**20
"""Bytes that should be free where an embedded database lies."""
CLOCK = 30.0
"""Seconds that our clock and Telegram's may differ."""
STUCK = 100
"""Updates that wait at Telegram, from which on somebody should look."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `mend` says what to do, None where it is well."""

    what: str
    found: str
    mend: str | None = None

    def __str__(self) -> str:
        return f"{'ok  ' if self.mend is None else 'MEND'} {self.what}: {self.found}" + (
            f"\n     -> {self.mend}" if self.mend else ""
        )


def examine(settings: Settings) -> Iterator[Finding]:
    """All findings, as they come."""
    yield from of_library(settings, datetime.now(UTC).date())
    found, sealing = of_key(settings)
    yield found
    yield from of_database(settings, sealing)
    yield from of_telegram(settings)


def of_library(settings: Settings, today: date) -> Iterator[Finding]:
    """What can be served, and what not."""
    try:
        loaded = load(find_responses(), ReviewKind(settings.required_review), today)
    except ContentError as error:
        yield Finding("library", f"{len(error.faults)} faults, nothing can be served", "overdose-bot library check")
        return
    library = loaded.library
    texts = f"{len(library.responses)} texts in {', '.join(library.languages)}"
    if loaded.faults:
        yield Finding("library", f"{texts}; {len(loaded.faults)} faults", "overdose-bot library check")
    else:
        yield Finding("library", texts)
    if library.heads is None:
        yield Finding("model", "cannot be used: signals and tables answer alone", "overdose-bot library train")
    else:
        yield Finding("model", "loaded")
    if loaded.warnings:
        yield Finding("reviews", f"{len(loaded.warnings)} warnings", "overdose-bot library waiting")


def of_key(settings: Settings) -> tuple[Finding, Sealing | None]:
    """The secret key, and what is made from it; None where it cannot be used."""
    try:
        if settings.secret_key:
            given = Sealing(settings.secret_key.get_secret_value())
            return Finding("secret key", "from OVERDOSE_BOT_SECRET_KEY"), given
        beside = Sealing(secret_beside(settings.data_folder))
    except SecretKeyError as error:
        return Finding("secret key", str(error), "give OVERDOSE_BOT_SECRET_KEY, or mend the file"), None
    return Finding("secret key", f"{settings.data_folder / 'secret.key'}, readable by its owner only"), beside


def of_database(settings: Settings, sealing: Sealing | None) -> Iterator[Finding]:
    """
    Whether the database can be reached and written, and is up to date; what waits in it, and whether the key opens it;
    and the disk under an embedded one.
    """
    database = Database(settings.database)
    kind = "SQLite" if database.embedded else "PostgreSQL"
    try:
        present, newest = database.revision()
        if present is None and database.embedded:
            yield Finding("database", f"{kind}, made at the first start of `serve`")
        elif (present or "") < (newest or ""):  # migrations are numbered
            yield Finding(
                "database", f"{kind} at revision {present or 'none'}, not {newest}", "overdose-bot db upgrade"
            )
        else:
            database.run_now(ping)
            newer = ", made by a newer version" if present != newest else ""
            yield Finding("database", f"{kind}, writable, at revision {present}{newer}")
            unanswered, unsent = database.run_now(count_waiting)
            yield Finding("mailbox", f"{unanswered} messages wait for an answer, {unsent} replies to be sent")
            lost = database.run_now(lambda db: count_unreadable(db, sealing)) if sealing else 0
            if lost:
                said = f"{lost} of what waits were sealed with another key, and are dropped at the next start"
                yield Finding("sealed", said, "start with the earlier key until nothing waits, then change it")
    except StoreError as error:
        yield Finding(
            "database", f"{kind} cannot be used: {error}", "is it running, and is OVERDOSE_BOT_DATABASE_URL right?"
        )
    finally:
        database.close()
    if database.embedded:
        yield of_disk(settings.data_folder)


def of_disk(folder: Path) -> Finding:
    """How much room there is for an embedded database."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", f"{folder} cannot be looked at: {type(error).__name__}", "can a folder be made there?")
    said = f"{free // 2**20} MiB free at {folder}"
    return Finding("disk", said, None if free >= LEAST_DISK else "make room: a full disk stops the store")


def of_telegram(settings: Settings) -> Iterator[Finding]:
    """Token, clock and webhook, as Telegram sees them."""
    if settings.telegram_token is None:
        yield Finding("Telegram", "no OVERDOSE_BOT_TELEGRAM_TOKEN: only the web is served")
        return
    yield of_clock(settings)
    try:
        name, hook = asyncio.run(ask_telegram(settings))
    except InvalidToken:
        yield Finding("token", "refused by Telegram", "take a new one from BotFather")
        return
    except TelegramError as error:
        yield Finding(
            "Telegram",
            f"not reached: {type(error).__name__}",
            "is the network there, and OVERDOSE_BOT_TELEGRAM_API_URL right?",
        )
        return
    yield Finding("token", f"belongs to @{name}")
    yield of_webhook(settings, hook)


async def ask_telegram(settings: Settings) -> tuple[str, WebhookInfo]:
    """The bot's name, and its webhook."""
    assert settings.telegram_token
    async with make_bot(settings.telegram_token.get_secret_value(), settings.telegram_api_url, 2) as bot:
        return bot.username or str(bot.id), await bot.get_webhook_info()


def of_webhook(settings: Settings, hook: WebhookInfo) -> Finding:
    """Whether updates come the way that was set."""
    waits = f"{hook.pending_update_count} updates wait"
    if settings.telegram_mode == "polling":
        if hook.url:
            return Finding("webhook", "one is set, so polling gets nothing", "start `serve`: it removes the webhook")
        return Finding("polling", waits, None if hook.pending_update_count < STUCK else "is `serve` running?")
    if hook.url != f"{settings.public_url}{PATH}":
        return Finding("webhook", "not set to OVERDOSE_BOT_PUBLIC_URL", "start `serve`: it sets the webhook")
    if hook.last_error_date and (datetime.now(UTC) - hook.last_error_date).total_seconds() < 600:
        return Finding(
            "webhook",
            f"{waits}; Telegram says: {hook.last_error_message}",
            "can Telegram reach OVERDOSE_BOT_PUBLIC_URL?",
        )
    return Finding("webhook", f"set; {waits}", None if hook.pending_update_count < STUCK else "is `serve` running?")


def of_clock(settings: Settings) -> Finding:
    """Our clock against Telegram's."""
    try:
        answer = httpx.get(settings.telegram_api_url, timeout=5, follow_redirects=False)
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (httpx.HTTPError, KeyError, ValueError) as error:
        return Finding("clock", f"not compared: {type(error).__name__}")
    apart = abs((datetime.now(UTC) - theirs).total_seconds())
    return Finding("clock", f"{apart:.0f} s from Telegram's", None if apart <= CLOCK else "set the clock (NTP)")
