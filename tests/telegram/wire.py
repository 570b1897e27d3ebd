"""As much HTTP/1.1 as the server needs, over plain sockets, so that it can also be broken."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.telegram.texts import Json

BODY_LIMIT = 50 * 2**20


@dataclass(frozen=True)
class Request:
    """One request, whole."""

    verb: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def params(self) -> Json:
        """What it asks, be it a query, JSON, a form or a form in parts."""
        params: Json = form(urlsplit(self.target).query)
        kind = self.headers.get("content-type", "")
        if kind.startswith("application/json"):
            given = json.loads(self.body or b"{}")
            return params | (given if isinstance(given, dict) else {})
        if kind.startswith("multipart/form-data"):
            return params | parts(kind, self.body)
        return params | form(self.body.decode("utf-8", "surrogateescape"))


@dataclass(frozen=True)
class Response:
    """What a webhook answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def form(query: str) -> Json:
    """The fields of a form; the last of several with one name."""
    fields = parse_qs(query, keep_blank_values=True, errors="surrogateescape")
    return {name: values[-1] for name, values in fields.items()}


def parts(kind: str, body: bytes) -> Json:
    """The fields of a form in parts; of files, their bytes."""
    parsed: Message[str, str] = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    fields: Json = {}
    for part in parsed.get_payload() if parsed.is_multipart() else []:
        assert isinstance(part, Message)
        value = part.get_payload(decode=True)
        assert isinstance(value, bytes)
        file = part.get_filename() is not None
        fields[str(part.get_param("name", header="content-disposition"))] = value if file else value.decode()
    return fields


async def read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]] | None:
    """The first line and the headers, names in small letters; None where the other side has gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    pairs = (line.partition(":") for line in lines)
    return first, {name.strip().lower(): value.strip() for name, _, value in pairs}


async def read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    """The body that the headers announce."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        chunks = []
        while size := int((await reader.readline()).split(b";")[0] or b"0", 16):
            chunks.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(chunks)
    length = int(headers.get("content-length", "0"))
    return await reader.readexactly(length) if 0 < length <= BODY_LIMIT else b""


async def read_request(reader: asyncio.StreamReader, idle: float) -> Request | None:
    """The next request; None where the other side has gone or says nothing for so many seconds."""
    try:
        head = await asyncio.wait_for(read_head(reader), idle)
        if head is None:
            return None
        verb, target, _ = head[0].split(" ", 2)
        return Request(verb, target, head[1], await read_body(reader, head[1]))
    except (TimeoutError, ValueError, asyncio.IncompleteReadError, ConnectionError):
        return None


def answer(status: int, body: bytes, kind: str = "application/json") -> bytes:
    """A whole answer."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = (
        f"HTTP/1.1 {status} {phrase}",
        "Server: nginx",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection with a RST instead of an end."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether the other side has hung up."""
    return reader.at_eof() or reader.exception() is not None or writer.is_closing()


async def post(url: str, headers: Mapping[str, str], body: bytes, *, hang_up: bool = False) -> Response | None:
    """
    Post to a plain http address.

    Args:
        hang_up: break the connection as soon as the request is written.

    Returns:
        The answer; None where there was none, or half of one.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        return None
    writer: asyncio.StreamWriter | None = None
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        lines = [
            f"POST {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1",
            f"Host: {parts.netloc}",
        ]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json", "Connection: close", "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        head = None if hang_up else await read_head(reader)
        if head is None:
            return None
        length = head[1].get("content-length")
        chunked = "transfer-encoding" in head[1]
        content = await read_body(reader, head[1]) if chunked or length else await reader.read()
        return Response(int(head[0].split(" ")[1]), head[1], content)
    except (OSError, ValueError, IndexError, asyncio.IncompleteReadError):
        return None
    finally:
        if writer:
            writer.close()


def json_bytes(value: Any) -> bytes:
    """JSON as Telegram writes it, in ASCII."""
    return json.dumps(value, separators=(",", ":")).encode()
