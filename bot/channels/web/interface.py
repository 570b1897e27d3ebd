"""The HTTP interface for programs: a message object in, a reply object out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from time import perf_counter_ns
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from bot.assistant import Answer, Assistant
from bot.channels.terminal import told_of, unknown_values, without_halves
from bot.channels.web.answering import Answering
from bot.channels.web.limits import Limits, OtherBodyError, Rate, Replies
from bot.channels.web.problems import Problem, problem
from bot.channels.web.talk import PatientTalks
from bot.markup import plain_reply
from bot.store.sealing import Sealing
from bot.telemetry import RECEIVED
from bot.vocabulary import Message, Session
from bot.wire import MESSAGE_EXAMPLES, REPLY_EXAMPLE, MessageObject, ReplyObject, reply_object

CHANNEL = "api"
LONGEST_KEY = 255
"""Characters that an idempotency key may have."""


@dataclass(frozen=True)
class Desk:
    """What stands ready for every request of this channel."""

    assistant: Assistant
    answering: Answering
    sealing: Sealing
    talks: PatientTalks
    rate: Rate
    replies: Replies
    limits: Limits

    def is_new(self, request: Request) -> bool:
        """Whether somebody asks who has not asked lately."""
        return self.rate.is_new(*self._who_and_when(request))

    def _who_and_when(self, request: Request) -> tuple[str | None, float, date]:
        address = request.client.host if request.client else None
        return address, asyncio.get_running_loop().time(), datetime.now(UTC).date()

    def over_limit(self, request: Request) -> int:
        """0, or in how many seconds to come back."""
        wait = self.rate.wait(*self._who_and_when(request))
        return wait or (1 if self.answering.crowded else 0)


def inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema that refers to nothing outside itself."""
    parts = schema.get("$defs", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(item) for item in value]
        if isinstance(value, dict):
            name = str(value.get("$ref", "")).removeprefix("#/$defs/")
            return (
                resolved(parts[name]) if name in parts else {k: resolved(v) for k, v in value.items() if k != "$defs"}
            )
        return value

    whole: dict[str, Any] = resolved(dict(schema))
    return whole


PROBLEM_CONTENT = {"application/problem+json": {"schema": inlined(Problem.model_json_schema())}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": what, "content": PROBLEM_CONTENT}
    for status, what in {
        400: "no JSON, or an idempotency key that is none",
        408: "the body took too long",
        413: "the body is too long",
        422: "no message object, or an idempotency key that came with another body",
        429: "too many messages, and no danger in this one; `Retry-After` says when, `text` has the emergency card",
    }.items()
}
BODY = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "the same key with the same body gets the same reply for ten minutes",
            "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": inlined(MessageObject.model_json_schema()), "examples": MESSAGE_EXAMPLES}
        },
    },
}


def interface_routes(desk: Desk) -> APIRouter:
    """`POST /api/messages`."""
    router = APIRouter(tags=["messages"])

    @router.post(
        "/api/messages",
        summary="One message, its reply",
        response_model=ReplyObject,
        responses={200: {"content": {"application/json": {"example": REPLY_EXAMPLE}}}, **PROBLEMS},
        openapi_extra=BODY,
    )
    async def messages(request: Request) -> Response:
        return await answered(request, desk)

    return router


async def answered(request: Request, desk: Desk) -> Response:
    """The reply to a message object, or a problem."""
    begun = perf_counter_ns()
    body = await request.body()
    try:
        asked = MessageObject.model_validate(without_halves(json.loads(body.decode("utf-8", "replace"))))
    except ValidationError as error:
        return problem(desk.assistant, request, 422, errors=tuple(told_of(error)))
    except (ValueError, RecursionError):
        return problem(desk.assistant, request, 400)
    if faults := unknown_values(asked, desk.assistant):
        return problem(desk.assistant, request, 422, errors=faults)
    message = asked.message(datetime.now(UTC))
    if wait := desk.over_limit(request):
        return await hurried(request, desk, asked, message, 429, begun, {"retry-after": str(wait)})
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        return problem(desk.assistant, request, 400, errors=("Idempotency-Key: 1 to 255 printable characters",))
    now = asyncio.get_running_loop().time()
    try:
        given = desk.replies.find(key, body, now) if key else None
    except OtherBodyError:
        return await hurried(request, desk, asked, message, 422, begun)
    reply = given or await replied(desk, asked, message, begun)
    if key and not given:
        desk.replies.keep(key, body, reply, now)
    RECEIVED.labels(CHANNEL, "again" if given else "answered").inc()
    return Response(reply, media_type="application/json")


async def replied(desk: Desk, asked: MessageObject, message: Message, begun: int) -> bytes:
    """The reply object of one turn, after the session of its conversation where it has one."""
    talk = talk_of(desk, asked)
    session = await desk.talks.recall(talk) if talk else Session()
    answer = await desk.answering.answer(message, session, CHANNEL)
    if talk:
        await desk.talks.remember(talk, answer.session)
    return as_json(answer, asked, begun)


def talk_of(desk: Desk, asked: MessageObject) -> str | None:
    """The pseudonym of a message's conversation; None where it stands alone."""
    return None if asked.conversation is None else desk.sealing.pseudonym(CHANNEL, asked.conversation)


async def hurried(
    request: Request,
    desk: Desk,
    asked: MessageObject,
    message: Message,
    status: int,
    begun: int,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A danger is answered whatever else is wrong; all else gets the problem."""
    talk = talk_of(desk, asked)
    session = await desk.talks.recall(talk) if talk else Session()
    answer = await desk.answering.hurried(message, session, CHANNEL)
    RECEIVED.labels(CHANNEL, "hurried" if answer else "refused").inc()
    if answer:
        if talk:
            await desk.talks.remember(talk, answer.session)
        return Response(as_json(answer, asked, begun), media_type="application/json")
    return problem(desk.assistant, request, status, told=message.told, headers=headers)


def as_json(answer: Answer, asked: MessageObject, begun: int) -> bytes:
    """The reply object of an answer."""
    text = plain_reply(answer.reply.passages)
    elapsed = (perf_counter_ns() - begun) // 1000
    return reply_object(answer.reply, text, answer.understanding, asked.id, elapsed).model_dump_json().encode()
