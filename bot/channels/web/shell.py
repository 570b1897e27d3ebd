"""What stands around every request: headers that keep it safe and untraced, limits, and no error without a pointer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.channels.web.limits import Limits
from bot.channels.web.pace import Pace
from bot.telemetry import count_failure

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types worker; frame-ancestors "
)
HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
EMBED = "/embed"
AHEAD = frozenset({"/emergency", "/healthz", "/readyz"})
"""Paths that wait for no others: the card, and what watches over us. Those of another channel do not either."""
YEAR = "max-age=31536000; includeSubDomains"

Fail = Callable[[Request, int], Awaitable[Response]]


class Shell:
    """ASGI middleware around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Limits,
        embed_origins: Sequence[str],
        is_https: bool,
        fail: Fail,
        refusal: bytes,
        is_new: Callable[[Request], bool],
        others: Mapping[str, Route],
    ) -> None:
        """
        Wrap an application.

        Args:
            fail: makes the answer to what failed inside.
            is_new: whether somebody asks who has not asked lately.
            refusal: problem details for when that fails too, made beforehand.
            others: another channel's routes by path. They limit their bodies themselves, and what is posted to them
                goes there at once: the application would take longer to find them than they take to answer.
        """
        self.app = app
        self.others = others
        self.limits = limits
        self.embed_origins = tuple(embed_origins)
        self.is_https = is_https
        self.fail = fail
        self.refusal = refusal
        self.is_new = is_new
        self.pace = Pace()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; nothing but an answer leaves, whatever fails inside."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False
        other = self.others.get(scope["path"])
        if scope["path"] not in AHEAD and not other:
            await self.pace.turn(self.is_new(Request(scope)))

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._dress(scope, MutableHeaders(scope=message))
            await send(message)

        try:
            if other and scope["method"] == "POST":
                await other.handle(scope, receive, sent)
            else:
                await self.app(scope, receive if other else self._limited(scope, receive), sent)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - the outermost handler of this channel
            count_failure(error, "web")
            if not begun:
                await (await self._failed(scope))(scope, receive, sent)

    async def _failed(self, scope: Scope) -> Response:
        """The answer to what failed inside, whatever else fails."""
        try:
            return await self.fail(Request(scope), 500)
        except Exception as error:  # noqa: BLE001 - whom to call is told all the same
            count_failure(error, "web")
            return Response(self.refusal, 500, media_type="application/problem+json")

    def _dress(self, scope: Scope, headers: MutableHeaders) -> None:
        """Put on the headers that every answer has; an answer may have its own."""
        framed = scope["path"] == EMBED and bool(self.embed_origins)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        ancestors = " ".join(self.embed_origins) if framed else "'none'"
        headers["content-security-policy"] = POLICY + ancestors
        headers["cross-origin-resource-policy"] = "cross-origin" if framed else "same-origin"
        if not framed:
            headers["x-frame-options"] = "DENY"
        if self.is_https:
            headers["strict-transport-security"] = YEAR

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` for a body that may be so long and take so long."""
        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        too_long = not told.isdigit() or len(told) > 9 or int(told) > self.limits.body
        read, until, whole = 0, asyncio.get_running_loop().time() + self.limits.body_seconds, False

        async def limited() -> Message:
            nonlocal read, whole
            if whole:
                return await receive()
            if too_long:
                raise HTTPException(413, headers={"connection": "close"})
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, headers={"connection": "close"}) from error
            read += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if read > self.limits.body:
                raise HTTPException(413, headers={"connection": "close"})
            return message

        return limited
