"""What stands around every request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from bot.channels.web.limits import Limits
from tests.channels.web.conftest import SOMEWHERE, Maker

PATHS = (
    "/",
    "/emergency",
    "/answers/overdose-signs",
    "/assets/style.css",
    "/worker.js",
    "/healthz",
    "/zebra",
    "/openapi.json",
)


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers_that_keep_it_safe_and_untraced(path: str, client: TestClient) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert ("no-store" in headers["cache-control"]) is not path.startswith("/assets/")
    assert "server" not in headers
    assert "strict-transport-security" not in headers


def test_browsers_are_told_to_stay_with_https_behind_it(make: Maker) -> None:
    with TestClient(make(public_url="https://bot.example")) as client:
        assert "max-age" in client.get("/").headers["strict-transport-security"]
        assert 'href="https://bot.example/answers/en/overdose-signs"' in client.get("/answers/overdose-signs").text


def test_the_chat_is_shown_in_frames_of_listed_origins_alone(make: Maker, client: TestClient) -> None:
    assert client.get("/embed").status_code == 404
    with TestClient(make(embed_origins=("https://school.example", "https://two.example"))) as framed:
        answer = framed.get("/embed")
        policy = answer.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors https://school.example https://two.example")
        assert "x-frame-options" not in answer.headers
        assert 'action="/embed"' in answer.text
        assert 'target="_top"' in answer.text
        assert framed.get("/").headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/", 405),
        ("DELETE", "/api/messages", 405),
        ("GET", "/api/messages", 405),
        ("POST", "/emergency", 405),
        ("GET", "/api/zebra", 404),
        ("GET", "/assets/../app.py", 404),
        ("GET", "/assets/%2e%2e/app.py", 404),
        ("GET", "/assets/%2e%2e%2fapp.py", 404),
        ("GET", "/assets/chat.html", 404),
        ("GET", "http://testserver//evil.example", 404),
        ("GET", "/emergency/", 404),
        ("GET", "/%00", 404),
        ("ZEBRA", "/", 405),
    ],
)
def test_errors_are_problem_details_that_name_whom_to_call(
    method: str, path: str, status: int, client: TestClient
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["emergency_contact"]["number"] in told["pointer"]
    assert "zebra" not in answer.text
    if status == 405:
        assert answer.headers["allow"]


def test_the_head_of_a_page_can_be_asked_for(client: TestClient) -> None:
    answer = client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


def sent(app: FastAPI, body: AsyncIterator[bytes], headers: dict[str, str] | None = None) -> httpx.Response:
    """A body in pieces, sent to the form."""

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=SOMEWHERE)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/api/messages", content=body, headers=headers)

    return asyncio.run(go())


def test_a_body_that_does_not_say_how_long_it_is_may_not_be_longer_either(make: Maker) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000

    answer = sent(make(), pieces())
    assert (answer.status_code, answer.json()["status"]) == (413, 413)
    assert answer.headers["connection"] == "close"


def test_a_body_that_comes_too_slowly_is_not_waited_for(make: Maker) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.1)

    answer = sent(make(limits=Limits(body_seconds=0.5)), pieces())
    assert (answer.status_code, answer.json()["emergency_contact"]["number"]) == (408, "112")


def test_health_is_told_without_words(make: Maker, client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"library": True})
    client.post("/", data={"text": "my zebra wont wake up"})
    assert 'overdose_bot_turns_total{abstained="false",channel="web"' in client.get("/metrics").text
    assert "zebra" not in client.get("/metrics").text


def test_what_is_lacking_is_told_to_who_watches(make: Maker) -> None:
    lacking = {"library": True, "store": False}
    with TestClient(make(condition=lambda: lacking)) as client:
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, lacking)


def test_where_the_page_of_a_failure_fails_too_whom_to_call_is_told(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("zebra")

    with TestClient(make(), raise_server_exceptions=False) as client:
        monkeypatch.setattr("bot.assistant.Assistant.page", broken)
        monkeypatch.setattr("bot.channels.web.rendering.Rendering.page", broken)
        answer = client.get("/emergency", headers={"accept": "text/html"})
    assert (answer.status_code, answer.json()["emergency_contact"]["number"]) == (500, "112")
    assert "zebra" not in answer.text
    assert answer.headers["content-security-policy"]
