"""Logs. They take an Understanding or the name of a fault, so no words and no ids can reach them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence

from bot.vocabulary import Understanding

LOG = logging.getLogger("overdose_bot")


class JsonLines(logging.Formatter):
    """One JSON object a line. Of an exception its type and place alone: its text may hold what a person wrote."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        return json.dumps({"level": record.levelname, "event": record.getMessage(), **record.__dict__.get("facts", {})})


def start_logging(level: str) -> None:
    """Log to standard error, as JSON where that is no terminal."""
    handler = logging.StreamHandler(sys.stderr)
    if not sys.stderr.isatty():
        handler.setFormatter(JsonLines())
    LOG.handlers[:] = [handler]
    LOG.setLevel(level)
    LOG.propagate = False


def count_turn(understanding: Understanding, faults: Sequence[str]) -> None:
    """One message answered; a fault of the guard is for the operator to see."""
    facts = {
        "language": understanding.language,
        "urgency": understanding.urgency.value,
        "dosing": understanding.dosing,
        "topic": understanding.topic,
    }
    LOG.debug("turn", extra={"facts": facts})
    if faults:
        LOG.error("guard", extra={"facts": {**facts, "faults": list(faults)}})


def count_failure(error: BaseException) -> None:
    """A turn that failed, so that the last resort went out: the kind of error and where, not its text."""
    trace, place = error.__traceback__, "?"
    while trace:
        place, trace = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}", trace.tb_next
    LOG.error("failure", extra={"facts": {"error": type(error).__name__, "at": place}})
