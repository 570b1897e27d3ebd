"""A door between the bot and PostgreSQL that can be shut: connections break, or hang in silence."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import nullcontext, suppress
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.telegram.network import Network


class Door:
    """
    Listens on a port of its own and passes everything on to a server's Unix socket.

    Args:
        url: the address of the server, with its folder as `host`.
        network: that lies between the door and the bot; none if the bot is on the same machine.
    """

    def __init__(self, url: str, network: Network | None = None) -> None:
        self.network = network
        parts = urlsplit(url)
        self._to = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._user = parts.username or "postgres"
        self._name = parts.path.strip("/")
        self._listening: socket.socket | None = None
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._waker, self._wakened = socket.socketpair()
        self._port = 0
        self._hangs = self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.open()
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended = True
        self._wake()
        self._thread.join(5)
        self.shut()

    @property
    def url(self) -> str:
        """The address of the database behind the door."""
        return f"postgresql://{self._user}@{self._host}:{self._port}/{self._name}?sslmode=disable&gssencmode=disable"

    @property
    def _host(self) -> str:
        return self.network.address if self.network else "127.0.0.1"

    def open(self) -> None:
        """Let everybody through."""
        self._hangs = False
        if self._listening is None:
            with self.network.far_end() if self.network else nullcontext():
                self._listening = socket.create_server((self._host, self._port), backlog=64)
            self._port = self._listening.getsockname()[1]
        self._wake()

    def shut(self) -> None:
        """Break all connections and take no more."""
        listening, self._listening = self._listening, None
        if listening:
            listening.close()
        for one in list(self._pairs):
            self._drop(one)
        self._wake()

    def hang(self) -> None:
        """Take connections and say nothing."""
        self._hangs = True
        self._wake()

    def _wake(self) -> None:
        self._waker.send(b"x")

    def _drop(self, one: socket.socket) -> None:
        other = self._pairs.pop(one, None)
        if other is not None:
            self._pairs.pop(other, None)
            for end in (one, other):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _run(self) -> None:
        while not self._ended:
            with selectors.DefaultSelector() as ready:
                ready.register(self._wakened, selectors.EVENT_READ)
                with suppress(ValueError, KeyError, OSError):
                    if self._listening:
                        ready.register(self._listening, selectors.EVENT_READ)
                    for one in list(self._pairs) if not self._hangs else []:
                        ready.register(one, selectors.EVENT_READ)
                for key, _ in ready.select(1.0):
                    with suppress(OSError):
                        self._pass_on(key.fileobj)  # type: ignore[arg-type]

    def _pass_on(self, ready: socket.socket) -> None:
        if ready is self._wakened:
            ready.recv(64)
        elif ready is self._listening:
            here, _ = ready.accept()
            there = socket.socket(socket.AF_UNIX)
            there.connect(self._to)
            self._pairs |= {here: there, there: here}
        elif other := self._pairs.get(ready):  # held: whoever shuts the door forgets both meanwhile
            try:
                data = ready.recv(65536)
            except OSError:
                data = b""
            if data:
                other.sendall(data)
            else:
                self._drop(ready)
