"""The server under the application, spoken to through a bare socket."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from bot.channels.web import serving
from tests.channels.web.conftest import Maker, Served

GOOD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def talk(port: int, *pieces: bytes, pause: float = 0.0, wait: float = 20.0) -> bytes:
    """What comes back, until the server closes or nothing more comes."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
                time.sleep(pause)
            while part := line.recv(65_536):
                heard += part
                if heard.endswith(b"}"):
                    break
        except (TimeoutError, ConnectionError):
            pass
    return heard


@pytest.mark.parametrize(
    "request_",
    [
        b"zebra\r\n\r\n",
        b"GET /\x01zebra HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: zebra\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: zebra\r\n" % n for n in range(50_000)) + b"\r\n",
        b"GET /" + b"z" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_with_whom_to_call(request_: bytes, served: Served) -> None:
    heard = talk(served.port, request_)
    head, _, body = heard.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 4")
    assert b"problem+json" in head
    assert json.loads(body)["emergency_contact"]["number"] == "112"
    assert b"zebra" not in heard


def test_headers_that_never_come_whole_do_not_hold_a_connection(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = serving.HEADERS_SECONDS
    monkeypatch.setattr(serving, "HEADERS_SECONDS", 0.4)
    for pieces in ([], [b"GET / HT"], [b"GET / HTTP/1.1\r\n", b"Host: x\r\n", b"X: y\r\n"]):
        begun = time.monotonic()
        assert talk(served.port, *pieces, pause=0.1) == b""
        assert time.monotonic() - begun < allowed
    assert b"200 OK" in talk(served.port, GOOD)


def test_a_connection_bears_several_requests_and_pauses_between_them(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEADERS_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as line:
        for _ in range(3):
            line.sendall(GOOD)
            heard = b""
            while not heard.endswith(b"}"):
                heard += line.recv(65_536)
            assert b"200 OK" in heard
            time.sleep(0.5)


@pytest.fixture(scope="module")
def lone(make: Maker) -> Iterator[Served]:
    """A server that no browser has connections to."""
    lone = Served(make())
    lone.start()
    yield lone
    lone.stop()


def open_connections(served: Served) -> int:
    """How many the server has."""
    assert served.server
    return len(served.server.server_state.connections)


def closed_soon(served: Served, most: int = 0, seconds: float = 5.0) -> bool:
    """Whether no more than so many connections are left within some seconds."""
    until = time.monotonic() + seconds
    while open_connections(served) > most and time.monotonic() < until:
        time.sleep(0.02)
    return open_connections(served) <= most


@pytest.mark.parametrize(
    "start", [b"", b"GET / HTTP/1.1\r\nHost", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"]
)
def test_a_crowd_that_only_holds_connections_makes_room(
    start: bytes, lone: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS", 20)
    crowd = []
    for _ in range(60):
        crowd.append(socket.create_connection(("127.0.0.1", lone.port), timeout=5))
        crowd[-1].sendall(start)
    assert b"200 OK" in talk(lone.port, GOOD)
    assert closed_soon(lone, 21)
    for line in crowd:
        line.close()


def test_who_does_not_read_is_not_waited_for(lone: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "STALLED_SECONDS", 0.3)
    assert closed_soon(lone)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    line.connect(("127.0.0.1", lone.port))
    line.sendall(b"GET /emergency HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
    time.sleep(0.2)
    assert open_connections(lone) == 1
    assert closed_soon(lone)
    line.close()


def test_a_slow_talker_does_not_keep_others_from_an_answer(served: Served) -> None:
    slow = [socket.create_connection(("127.0.0.1", served.port), timeout=5) for _ in range(100)]
    for line in slow:
        line.sendall(b"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{")
    assert b"200 OK" in talk(served.port, GOOD)
    for line in slow:
        line.close()
