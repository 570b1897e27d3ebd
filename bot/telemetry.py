"""Logs and counters. They take an Understanding or the name of a fault, so no words and no ids can reach them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from prometheus_client import Counter, Gauge, Histogram, generate_latest

from bot.vocabulary import Understanding

LOG = logging.getLogger("overdose_bot")
OURS = "overdose_bot"

TURNS = Counter(
    "overdose_bot_turns_total",
    "Messages answered.",
    ["channel", "language", "urgency", "topic", "dosing", "abstained"],
)
FAULTS = Counter("overdose_bot_guard_faults_total", "Replies that the guard held back.", ["fault"])
FAILURES = Counter("overdose_bot_failures_total", "Errors that were survived.", ["where", "error"])
ALARMS = Counter("overdose_bot_alarms_total", "What an operator has to mend, by name.", ["event"])
EVENTS = (
    "another process polls",
    "canary silent",
    "clock jumped",
    "dead letter",
    "failure",
    "guard",
    "model hangs",
    "reply given up",
    "send refused in every shape",
    "store away",
    "token refused",
    "web",
    "webhook elsewhere",
    "webhook gone",
)
"""Every alarm that there is."""
REVIEW_DAYS = Gauge(
    "overdose_bot_next_review_days", "Days until the first review of a text or of the directory is due."
)
RECEIVED = Counter(
    "overdose_bot_received_total", "Updates received, by what was done with them.", ["channel", "outcome"]
)
OUTCOMES = {
    "canary": ("message",),
    "telegram": ("message", "edit", "tap", "moved", "closed", "nothing", "repeat", "dead"),
    "web": ("answered", "hurried", "refused"),
    "api": ("answered", "again", "hurried", "refused"),
}
"""What each channel does with what it receives."""
SENT = Counter("overdose_bot_sends_total", "Sends by outcome.", ["lane", "outcome"])
ANSWER_SECONDS = Histogram(
    "overdose_bot_answer_seconds",
    "From the receipt of a message to the end of the send of its reply.",
    ["lane"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
TURN_SECONDS = Histogram(
    "overdose_bot_turn_seconds",
    "Time to understand a message and to compose its reply.",
    buckets=(0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 1, 10),
)
LAST_POLL = Gauge("overdose_bot_last_good_poll_seconds", "Seconds since Telegram last answered getUpdates well.")
WEBHOOK_PENDING = Gauge("overdose_bot_webhook_pending", "Updates that Telegram has not posted yet.")
WEBHOOK_ERROR_SECONDS = Gauge(
    "overdose_bot_webhook_error_seconds", "Seconds since Telegram last failed to post; +Inf where it never did."
)
WEBHOOK_ERROR_SECONDS.set(float("inf"))
WEBHOOK_ASTRAY = Gauge("overdose_bot_webhook_astray", "1 while Telegram has another address than ours.")
CANARY_SECONDS = Gauge(
    "overdose_bot_canary_seconds", "Seconds since a question of our own last went the whole way and came back."
)
STORE_AWAY = Gauge("overdose_bot_store_away", "1 while the database cannot be reached or written.")
WAITING = Gauge("overdose_bot_waiting", "What waits: updates unanswered, replies unsent.", ["what"])
OLDEST = Gauge(
    "overdose_bot_oldest_seconds", "Age of the oldest that waits: update unanswered, reply unsent.", ["what"]
)

# A series that begins with its first event shows no increase: that one would raise no alert.
for _event in EVENTS:
    ALARMS.labels(_event)
for _channel, _outcomes in OUTCOMES.items():
    for _outcome in _outcomes:
        RECEIVED.labels(_channel, _outcome)


class JsonLines(logging.Formatter):
    """
    One JSON object a line.

    Of an exception its type and place alone, and of a library's record its origin alone: their text may hold what a
    person wrote, an account's number or an address with the token in it.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        return json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **facts_of(record)})


class PlainLines(logging.Formatter):
    """The same for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        facts = facts_of(record)
        level, event = facts.pop("level"), facts.pop("event")
        return " ".join([f"{level}: {event}", *(f"{key}={value}" for key, value in facts.items())])


def facts_of(record: logging.LogRecord) -> dict[str, object]:
    """All that a record may show."""
    if record.name == OURS:
        return {"level": record.levelname, "event": record.msg, **record.__dict__.get("facts", {})}
    facts: dict[str, object] = {"level": record.levelname, "event": "library", "logger": record.name}
    facts["place"] = f"{record.filename}:{record.lineno}"
    if record.exc_info and record.exc_info[0]:
        facts["error"] = record.exc_info[0].__name__
    return facts


def start_logging(level: str) -> None:
    """Log to standard error, as JSON where that is no terminal; libraries' records too, without their text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainLines() if sys.stderr.isatty() else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel("DEBUG" if level == "DEBUG" else "WARNING")
    LOG.handlers[:] = []
    LOG.setLevel(level)
    LOG.propagate = True


def note(event: str, level: int = logging.INFO, **facts: str | float | bool) -> None:
    """Something that an operator may want to know; `facts` are names and figures of ours."""
    LOG.log(level, event, extra={"facts": facts})


def alarm(event: str, **facts: str | float | bool) -> None:
    """Something that an operator has to mend."""
    ALARMS.labels(event).inc()
    note(event, logging.ERROR, **facts)


def count_turn(understanding: Understanding, abstained: bool, faults: Sequence[str], channel: str) -> None:
    """One message answered; a fault of the guard is for the operator to see."""
    facts = {
        "language": understanding.language,
        "urgency": understanding.urgency.value,
        "dosing": understanding.dosing,
        "topic": understanding.topic or "",
    }
    TURNS.labels(
        channel,
        understanding.language,
        understanding.urgency.value,
        understanding.topic or "",
        str(understanding.dosing).lower(),
        str(abstained).lower(),
    ).inc()
    note("turn", logging.DEBUG, channel=channel, **facts)
    for fault in faults:
        FAULTS.labels(fault).inc()
        alarm("guard", fault=fault, **facts)


def count_failure(error: BaseException, where: str = "turn") -> None:
    """An error that was survived: its kind and place, not its text."""
    trace, place = error.__traceback__, "?"
    while trace:
        place, trace = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}", trace.tb_next
    FAILURES.labels(where, type(error).__name__).inc()
    alarm("failure", where=where, error=type(error).__name__, place=place)


def metrics() -> bytes:
    """All counters in Prometheus' text format."""
    return generate_latest()
