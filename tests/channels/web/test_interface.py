"""The HTTP interface for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from time import monotonic

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from bot.assistant import Assistant
from bot.channels.web.limits import Limits
from bot.conversation.library import Library
from bot.wire import MESSAGE_EXAMPLES, ReplyObject
from tests.channels.web.conftest import SOMEWHERE, Maker
from tests.channels.web.test_talk import STUCK, Broken, Stuck

DANGER = "my friend wont wake up"
BODY = {"text": "is blocking nonsense?"}


def test_a_message_object_gets_a_reply_object(client: TestClient) -> None:
    answer = client.post("/api/messages", json={"text": "мой друг не дышит", "country": "kz", "id": "7"})
    reply = ReplyObject.model_validate_json(answer.content)
    assert (answer.status_code, reply.id, reply.language, reply.country, reply.urgency) == (
        200,
        "7",
        "ru",
        "KZ",
        "emergency",
    )
    assert reply.emergency_contact.number == "103"
    assert "103" in reply.text


@pytest.mark.parametrize("example", MESSAGE_EXAMPLES.values(), ids=MESSAGE_EXAMPLES.keys())
def test_the_examples_of_the_description_are_answered(example: dict[str, object], client: TestClient) -> None:
    assert client.post("/api/messages", json=example["value"]).status_code == 200


def test_the_description_has_examples_and_every_problem(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    post = description["paths"]["/api/messages"]["post"]
    assert set(post["responses"]) == {"200", "400", "408", "413", "422", "429"}
    assert post["requestBody"]["content"]["application/json"]["examples"]
    assert "$ref" not in json.dumps(post["requestBody"])
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


def test_turns_of_a_conversation_belong_together(client: TestClient) -> None:
    def say(text: str, conversation: str) -> ReplyObject:
        body = {"text": text, "conversation": conversation}
        return ReplyObject.model_validate_json(client.post("/api/messages", json=body).content)

    say("im in kazakhstan", "a")
    say(DANGER, "a")
    assert say("what now", "a").country == "KZ"
    assert say("what now", "a").urgency == "emergency"
    assert say("what now", "b").country is None
    say("/forget", "a")
    assert say("hello", "a").country is None


@pytest.mark.parametrize("talks", [Broken(), Stuck()], ids=["down", "stuck"])
def test_an_emergency_is_answered_in_good_time_without_a_store(make: Maker, talks: Broken) -> None:
    with TestClient(make(talks=talks), client=SOMEWHERE) as client:
        begun = monotonic()
        answer = client.post("/api/messages", json={"text": DANGER, "conversation": "a"})
        assert answer.json()["urgency"] == "emergency"
        assert monotonic() - begun < STUCK / 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 50_000, 400),
        (b"\xff\xfe", 400),
        (b"null", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"text": 5}', 422),
        (b'{"text": "zebra", "language": "zebra"}', 422),
        (b'{"text": "zebra", "country": "ZZ"}', 422),
        (b'{"text": "zebra", "audience": "zebra"}', 422),
        (b'{"text": "hi", "zebra": 1}', 422),
        (json.dumps({"text": "zebra" * 20_000}).encode(), 413),
    ],
)
def test_what_is_no_message_is_a_problem_that_names_whom_to_call_and_repeats_nothing(
    body: bytes, status: int, client: TestClient
) -> None:
    answer = client.post("/api/messages", content=body, headers={"accept-language": "ru-RU,ru;q=0.9"})
    told = answer.json()
    assert (answer.status_code, told["status"], told["language"]) == (status, status, "ru")
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["emergency_contact"]["number"] == "112"
    assert "112" in told["pointer"]
    assert "zebra" not in answer.text


def test_half_a_character_does_not_cost_the_answer(client: TestClient) -> None:
    answer = client.post("/api/messages", content=b'{"text": "my friend wont wake up \\ud83d"}')
    assert answer.json()["urgency"] == "emergency"


def test_over_the_limit_a_danger_is_answered_and_all_else_gets_the_card(make: Maker) -> None:
    with TestClient(make(limits=Limits(burst=1, per_second=0.01)), client=SOMEWHERE) as client:
        assert client.post("/api/messages", json=BODY).status_code == 200
        refused = client.post("/api/messages", json={**BODY, "country": "KZ", "language": "ru"})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json()["emergency_contact"]["number"] == "103"
        assert "Звоните" in refused.json()["text"]
        for text in (DANGER, "/emergency", "i want to kill myself"):
            assert client.post("/api/messages", json={"text": text}).json()["urgency"] != "none"


def test_a_danger_heard_over_the_limit_is_remembered(make: Maker) -> None:
    with TestClient(make(limits=Limits(burst=1, per_second=0.01)), client=SOMEWHERE) as client:
        client.post("/api/messages", json=BODY)
        client.post("/api/messages", json={"text": DANGER, "conversation": "a"})
        after = client.post("/api/messages", json={"text": "what now", "conversation": "a"})
        assert (after.status_code, after.json()["urgency"]) == (200, "emergency")


def test_this_machine_is_not_limited(make: Maker) -> None:
    with TestClient(make(limits=Limits(burst=1, per_second=0.01)), client=("127.0.0.1", 1)) as client:
        assert {client.post("/api/messages", json=BODY).status_code for _ in range(5)} == {200}


def test_a_key_brings_the_same_reply_and_with_another_body_a_problem(client: TestClient) -> None:
    key = {"idempotency-key": "3f9c"}
    first = client.post("/api/messages", json=BODY, headers=key)
    assert client.post("/api/messages", json=BODY, headers=key).content == first.content
    assert client.post("/api/messages", json={"text": "hello"}, headers=key).status_code == 422
    assert client.post("/api/messages", json={"text": DANGER}, headers=key).json()["urgency"] == "emergency"
    assert client.post("/api/messages", json=BODY).content != first.content


@pytest.mark.parametrize("key", ["", "x" * 256, "\u00e9"])
def test_an_idempotency_key_that_is_none_is_told(key: str, client: TestClient) -> None:
    answer = client.post("/api/messages", json=BODY, headers=[(b"idempotency-key", key.encode())])
    assert answer.status_code == 400


def test_other_sites_may_not_read_answers(client: TestClient) -> None:
    answer = client.post("/api/messages", json=BODY, headers={"origin": "https://elsewhere.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    asked = {"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
    assert client.options("/api/messages", headers=asked).status_code == 405


@pytest.fixture
def going_on() -> Iterator[Event]:
    """Set when the encoder of the slow application may go on."""
    going_on = Event()
    yield going_on
    going_on.set()


@pytest.fixture
def slow_app(make: Maker, web_library: Library, going_on: Event) -> FastAPI:
    """An application whose encoder is at its first message until it may go on."""
    encoder: Callable[[str], object] = web_library.encoder  # type: ignore[assignment]

    def slow(text: str) -> object:
        going_on.wait(60)
        return encoder(text)

    return make(replace(web_library, encoder=slow), limits=Limits(answer_seconds=0.3))  # type: ignore[arg-type]


def test_an_emergency_is_answered_by_signals_where_the_model_is_too_slow(slow_app: FastAPI, going_on: Event) -> None:
    with TestClient(slow_app) as client:
        assert client.post("/api/messages", json={"text": DANGER}).json()["urgency"] == "emergency"
        assert not going_on.is_set()
        going_on.set()


def test_a_flood_holds_up_neither_the_card_nor_an_emergency(slow_app: FastAPI, going_on: Event) -> None:
    with TestClient(slow_app) as client, ThreadPoolExecutor(24) as crowd:
        flood = [crowd.submit(client.post, "/api/messages", json=BODY) for _ in range(40)]
        assert client.post("/api/messages", json={"text": DANGER}).json()["urgency"] == "emergency"
        assert client.get("/emergency").status_code == 200
        going_on.set()
        answers = [asked.result() for asked in flood]
        assert {answer.status_code for answer in answers} <= {200, 429}
        assert all(answer.json()["emergency_contact"]["number"] for answer in answers)


def test_where_no_words_of_pages_were_vetted_programs_are_still_answered(make: Maker, web_library: Library) -> None:
    words = {code: replace(spoken, web={}) for code, spoken in web_library.words.items()}
    with TestClient(make(replace(web_library, words=words))) as client:
        assert client.post("/api/messages", json={"text": DANGER}).json()["urgency"] == "emergency"
        page = client.get("/", headers={"accept": "text/html"})
        assert (page.status_code, page.json()["emergency_contact"]["number"]) == (503, "112")


def test_a_failure_inside_is_a_problem_without_a_trace(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("zebra")

    monkeypatch.setattr(Assistant, "answer", broken)
    with TestClient(make()) as client:
        answer = client.post("/api/messages", json={"text": "zebra"})
        assert (answer.status_code, answer.json()["emergency_contact"]["number"]) == (500, "112")
        assert "zebra" not in answer.text
        assert answer.headers["content-security-policy"]
