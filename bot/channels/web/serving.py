"""The server under the application: uvicorn, with a limit on how long a request may take to arrive."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import h11
from fastapi import FastAPI
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_SECONDS = 10.0
"""In which a request's headers have to be there, counted from the connection or from the answer before."""
HEADER_BYTES = 32 * 1024
CONNECTIONS_KEPT = 15
"""Seconds that a connection without a request stays open."""
STALLED_SECONDS = 10.0
"""How long somebody may take nothing of what was written to them."""
CONNECTIONS = 800
"""Above so many, whoever has kept one waiting the longest makes room. Most systems give a process 1,024 files."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that nobody holds up by sending or reading slowly, and that refuses what is no HTTP with a pointer."""

    pointer = b""
    _late: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _quiet_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock runs from the first moment."""
        super().connection_made(transport)
        self._quiet_since = self.loop.time()
        self._wait()
        if len(self.connections) > CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """The clock runs while headers are incomplete, and no longer."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop()
        elif self._late is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._stop()
        self.resume_writing()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Answered: from now on the connection is quiet."""
        self._quiet_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Too much is written that nobody reads: for so long, and no longer."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """They read on."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Closed when all is read; but whoever does not read is not waited for."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    @property
    def is_quiet(self) -> bool:
        """Whether no whole request waits here for its answer."""
        has_answer = self.cycle is None or self.cycle.response_complete
        return not self.transport.is_closing() and (has_answer or self.cycle.more_body)

    def _make_room(self) -> None:
        """Close the connection that was quiet the longest."""
        quiet = [
            one for one in self.connections if isinstance(one, PatientProtocol) and one is not self and one.is_quiet
        ]
        if quiet:
            min(quiet, key=lambda one: one._quiet_since).transport.abort()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused with problem details, not with the library's own words."""
        head = f"HTTP/1.1 400 {HTTPStatus.BAD_REQUEST.phrase}\r\ncontent-type: application/problem+json\r\n"
        head += f"content-length: {len(self.pointer)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + self.pointer)
        self.transport.close()

    def _wait(self) -> None:
        self._late = self.loop.call_later(HEADERS_SECONDS, self._give_up)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


def server_config(app: FastAPI, host: str, port: int, **more: Any) -> Config:
    """How the application is served: no access log, no names of software, bounded headers."""
    protocol = type("Protocol", (PatientProtocol,), {"pointer": app.state.refusal})
    return Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_keep_alive=CONNECTIONS_KEPT,
        **more,
    )
