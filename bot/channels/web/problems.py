"""Errors as problem details (RFC 9457) that still say whom to call. They never repeat what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from bot.assistant import Assistant
from bot.channels.web.preferences import language_of
from bot.markup import plain, plain_reply
from bot.vocabulary import Profile
from bot.wire import ContactObject

CARD = "someone-down"


class Problem(BaseModel):
    """What went wrong, and whom to call all the same."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field("about:blank", description="always about:blank: the status says it all")
    title: str = Field(description="the phrase of the status")
    status: int
    errors: tuple[str, ...] = Field((), description="each field that is wrong, without what was in it")
    language: str = Field(description="the language of `pointer` and `text`")
    emergency_contact: ContactObject
    pointer: str = Field(description="whom to call, as every reply says it")
    text: str | None = Field(None, description="with status 429: what to do for somebody who does not wake up")


def problem(
    assistant: Assistant,
    request: Request,
    status: int,
    *,
    errors: Sequence[str] = (),
    told: Profile | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem as application/problem+json, in the language that the message or the request asks for."""
    languages = assistant.library.languages
    told = told or Profile()
    language = told.language if told.language in languages else language_of(request, languages)
    details = details_of(assistant, status, errors, Profile(language, told.country, told.audience))
    return Response(details, status, dict(headers or {}), media_type="application/problem+json")


@lru_cache(maxsize=1_024)
def card_text(assistant: Assistant, told: Profile) -> str:
    """The card as plain text; kept, since it is asked for when there is least time."""
    page = assistant.page(CARD, told, datetime.now(UTC)) or assistant.last_resort(told)
    return plain_reply(page.passages)


def details_of(assistant: Assistant, status: int, errors: Sequence[str], told: Profile) -> bytes:
    """Problem details as JSON, for a reader whose language is told."""
    library = assistant.library
    language = told.language or library.languages[0]
    contact = library.directory.contact(told.country, library.words[language].services)
    card = card_text(assistant, told) if status == HTTPStatus.TOO_MANY_REQUESTS else None
    details = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        errors=tuple(errors),
        language=language,
        emergency_contact=ContactObject(number=contact.number, label=contact.label),
        pointer=plain(library.pointer(language, told.country).text),
        text=card,
    )
    return details.model_dump_json(exclude_none=True).encode()
