"""The terminal: `chat`, `ask`, `ask --jsonl`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from shutil import get_terminal_size
from textwrap import fill
from time import perf_counter_ns
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.history import InMemoryHistory
from pydantic import ValidationError

from bot.assistant import Assistant
from bot.markup import plain_reply
from bot.vocabulary import Choice, ClearedReply, Message, Profile
from bot.wire import MessageObject, reply_object

TALK = "terminal"
MARK = re.compile(r"^(?:- |\d\. )")
"""What a line of a list begins with."""
START = "/start"
QUIT = frozenset({"/quit", "/exit", "/q"})


def ask(assistant: Assistant, asked: str, told: Profile) -> tuple[str, str]:
    """
    One message answered.

    Returns:
        The reply as plain text, and the reply object as JSON.
    """
    begun = perf_counter_ns()
    answer = assistant.respond(TALK, Message(asked, datetime.now(UTC), told))
    text = plain_reply(answer.reply.passages)
    elapsed = (perf_counter_ns() - begun) // 1000
    return text, reply_object(answer.reply, text, answer.understanding, None, elapsed).model_dump_json()


def answer_lines(assistant: Assistant, lines: Iterable[bytes], told: Profile) -> Iterator[str]:
    """
    One reply object for each message object, in order; an error object for a line that is none.

    Rows with the same `conversation` are turns of one talk; a row without one is a talk of its own. What is wrong with
    a line is told without repeating it.
    """
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        begun = perf_counter_ns()
        try:
            asked = MessageObject.model_validate(without_halves(json.loads(line.decode("utf-8", "replace"))))
        except (ValidationError, ValueError, RecursionError) as error:
            yield json.dumps({"error": "; ".join(told_of(error)), "line": number + 1})
            continue
        faults = unknown_values(asked, assistant)
        if faults:
            yield json.dumps({"error": "; ".join(faults), "line": number + 1, **({"id": asked.id} if asked.id else {})})
            continue
        alone = asked.conversation is None
        talk = f"row {number}" if alone else f"conversation {asked.conversation}"
        message = asked.message(datetime.now(UTC))
        answer = assistant.respond(talk, replace(message, told=told.told(message.told)))
        if alone:
            assistant.sessions.pop(talk, None)
        elapsed = (perf_counter_ns() - begun) // 1000
        yield reply_object(
            answer.reply, plain_reply(answer.reply.passages), answer.understanding, asked.id, elapsed
        ).model_dump_json()


def without_halves(data: object) -> object:
    """Parsed JSON without halves of characters: an emoji that was cut off must not cost somebody their answer."""
    if isinstance(data, str):
        return data.encode("utf-8", "ignore").decode("utf-8")
    if isinstance(data, dict):
        return {key: without_halves(value) for key, value in data.items()}
    return data


def told_of(error: Exception) -> Iterator[str]:
    """What is wrong with a message object, by field, without what was in it."""
    if not isinstance(error, ValidationError):
        yield "not JSON"
        return
    for fault in error.errors(include_input=False, include_context=False, include_url=False):
        where = ".".join(str(part) for part in fault["loc"])
        yield f"{where}: {fault['msg']}" if where and fault["type"] != "extra_forbidden" else fault["msg"]


def unknown_values(asked: MessageObject, assistant: Assistant) -> list[str]:
    """A language or country that we do not know."""
    library = assistant.library
    faults = []
    if asked.language is not None and asked.language not in library.words:
        faults.append(f"language: not one of {', '.join(library.languages)}")
    if asked.country is not None and asked.country.upper() not in library.directory.countries:
        faults.append("country: not an ISO 3166-1 alpha-2 code that the directory has")
    return faults


def chat(assistant: Assistant, told: Profile, source: TextIO, out: TextIO) -> None:
    """
    A talk in the terminal, until its end or /quit.

    A number picks a choice. History is kept in memory for the arrow keys and never written to disk. Where input is
    piped, there is no prompt.
    """
    lines = typed(out) if source.isatty() else iter(source.readline, "")
    reply = assistant.respond(TALK, Message(START, datetime.now(UTC), told)).reply
    show(reply, out)
    for line in lines:
        text = line.strip()
        if text.lower() in QUIT:
            break
        if not text:
            continue
        sent = chosen(text, reply.choices)
        reply = assistant.respond(TALK, Message(sent, datetime.now(UTC))).reply
        show(reply, out)


def typed(out: TextIO) -> Iterator[str]:
    """Lines with editing and history, until Ctrl-D or Ctrl-C."""
    prompt: PromptSession[str] = PromptSession(history=InMemoryHistory())
    while True:
        try:
            yield prompt.prompt("> ")
        except (EOFError, KeyboardInterrupt):
            print(file=out)
            return


def chosen(text: str, choices: tuple[Choice, ...]) -> str:
    """What to send: a number from the list stands for its choice."""
    if text.isascii() and text.isdigit() and len(text) <= 2 and 1 <= int(text) <= len(choices):
        return choices[int(text) - 1].send
    return text


def wrapped(text: str, width: int) -> str:
    """The text with no word broken at the edge of the terminal, lines of a list hanging under their mark."""
    return "\n".join(
        fill(line, max(20, width - 1), subsequent_indent=" " * len("".join(MARK.findall(line)[:1])))
        for line in text.split("\n")
    )


def show(reply: ClearedReply, out: TextIO) -> None:
    """The reply, and its choices by number."""
    text = plain_reply(reply.passages)
    print(f"\n{wrapped(text, get_terminal_size().columns) if out.isatty() else text}\n", file=out)
    for number, choice in enumerate(reply.choices, 1):
        print(f"  {number}  {choice.label}", file=out)
    print(file=out, flush=True)
