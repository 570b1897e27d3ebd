"""The web channel as one application: the chat, the emergency card, answers to read, the HTTP interface, health."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.assistant import Assistant
from bot.channels.web.answering import Answering
from bot.channels.web.chat import Pages
from bot.channels.web.health import Condition, health_routes
from bot.channels.web.interface import Desk, interface_routes
from bot.channels.web.limits import Limits, Rate, Replies
from bot.channels.web.problems import details_of
from bot.channels.web.rendering import Rendering
from bot.channels.web.shell import Shell
from bot.channels.web.talk import PatientTalks, Talks
from bot.store.sealing import Sealing
from bot.telemetry import alarm
from bot.vocabulary import Profile

NAME = "overdose-awareness-bot"
ABOUT = "Answers about overdose, naloxone and naltrexone from vetted texts only. Every reply, errors too, names whom to call."


class Lifespan(Protocol):
    """What runs while the application does."""

    def __call__(self, app: FastAPI) -> AbstractAsyncContextManager[None]:
        """Start, and end where the context is left."""
        ...


def make_app(
    assistant: Assistant,
    sealing: Sealing,
    talks: Talks,
    condition: Condition,
    *,
    embed_origins: Sequence[str] = (),
    public_url: str | None = None,
    routes: Sequence[BaseRoute] = (),
    lifespan: Lifespan | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    """
    The application.

    Args:
        condition: what must be so for the bot to answer, by name; `/readyz` shows it.
        embed_origins: origins that may show the chat in a frame, at `/embed`; none, and there is no such page.
        public_url: under which address it is reached; behind https browsers are told to stay with that.
        routes: more routes, as the webhook's; they come first, and limit what they read themselves.
        lifespan: what runs while the application does.
    """
    limits = limits or Limits()
    answering = Answering(assistant, limits)
    rendering = Rendering(assistant, public_url)
    if not rendering.languages:
        alarm("web", fault="no words of the pages are vetted: only the interface for programs is served")
    rate, replies = Rate(sealing, limits), Replies(sealing, limits)
    desk = Desk(assistant, answering, sealing, PatientTalks(talks), rate, replies, limits)
    pages = Pages(desk, rendering, bool(embed_origins))

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        try:
            if lifespan is None:
                yield
            else:
                async with lifespan(app):
                    yield
        finally:
            answering.close()

    async def refused(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 422
        response = await pages.fail(request, status)
        for name, value in (getattr(error, "headers", None) or {}).items():
            response.headers[name] = value
        return response

    app = FastAPI(
        title=NAME,
        version=own_version(),
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=living,
        routes=list(routes),
    )
    app.state.refusal = details_of(assistant, 400, (), Profile())
    app.include_router(interface_routes(pages.desk))
    app.include_router(health_routes(condition))
    app.router.routes.extend(pages.routes())
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, refused)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    shell: dict[str, Any] = {
        "limits": limits,
        "embed_origins": embed_origins,
        "is_https": (public_url or "").startswith("https://"),
        "fail": pages.fail,
        "is_new": desk.is_new,
        "refusal": details_of(assistant, 500, (), Profile()),
        "others": {route.path: route for route in routes if isinstance(route, Route)},
    }
    app.add_middleware(Shell, **shell)
    return app


def own_version() -> str:
    """The version of the installed distribution."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return "0"
