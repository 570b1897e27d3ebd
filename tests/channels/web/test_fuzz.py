"""Whatever is sent: no failure inside, no answer without somebody to call."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from bot.vocabulary import Audience
from tests.channels.web.conftest import Maker

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "80"))
"""How many requests each test makes; the long run before a release has 15,000."""
QUICK = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
WORDS = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        ["my friend wont wake up", "/answer someone-down", "/answer", "/country KZ", "/forget", "/start", "/"]
    ),
)
VALUES = st.one_of(
    WORDS, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.lists(WORDS, max_size=2)
)
FIELDS = ("text", "id", "language", "country", "audience", "conversation", "zebra")
HEADERS = st.dictionaries(
    st.sampled_from(
        ["accept-language", "accept", "content-type", "x-part", "idempotency-key", "origin", "range", "cookie"]
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
    max_size=3,
)


@pytest.fixture(scope="module")
def app(make: Maker) -> FastAPI:
    """One application for all examples."""
    return make(embed_origins=("https://school.example",))


@pytest.fixture(scope="module")
def guest(app: FastAPI) -> Iterator[TestClient]:
    """Somebody on this machine, whom no limit stops; a failure inside is an answer as any other."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


CHECKS = [
    schemathesis.checks.not_a_server_error,
    *(check for check in schemathesis.checks.CHECKS.get_all() if check.__name__ in {
        "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    }),
]  # fmt: skip


def test_the_interface_does_what_it_says_of_itself(app: FastAPI) -> None:
    operations: list[Any] = [
        found.ok()  # type: ignore[union-attr]  # one that cannot be read fails here, as it should
        for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations()
    ]
    assert {operation.path for operation in operations} == {"/api/messages", "/healthz", "/readyz", "/metrics"}
    for operation in operations:

        @settings(QUICK, max_examples=EXAMPLES if operation.method == "post" else 10)
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            answer = case.call()
            case.validate_response(answer, checks=CHECKS)
            if case.path == "/api/messages":
                assert answer.json()["emergency_contact"]["number"]

        check()


@QUICK
@given(body=st.one_of(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5), VALUES), headers=HEADERS)
def test_whatever_a_program_sends_it_is_told_whom_to_call(
    body: Any, headers: dict[str, str], guest: TestClient
) -> None:
    answer = guest.post("/api/messages", content=json.dumps(body), headers=headers)
    assert answer.status_code < 500
    assert answer.json()["emergency_contact"]["number"]


@QUICK
@given(body=st.binary(max_size=200))
def test_whatever_bytes_a_program_sends_it_is_told_whom_to_call(body: bytes, guest: TestClient) -> None:
    answer = guest.post("/api/messages", content=body)
    assert answer.status_code < 500
    assert answer.json()["emergency_contact"]["number"]


@QUICK
@given(
    form=st.dictionaries(
        st.sampled_from(["text", "send", "state", "shown", "language", "country", "audience", "apply", "zebra"]),
        st.one_of(WORDS, st.sampled_from(["en", "ru", "KZ", *Audience])),
    ),
    headers=HEADERS,
    path=st.sampled_from(["/", "/embed"]),
)
def test_whatever_the_form_sends_the_page_has_a_number(
    form: dict[str, str], headers: dict[str, str], path: str, guest: TestClient
) -> None:
    answer = guest.post(path, data={k: v.encode("utf-8", "replace").decode() for k, v in form.items()}, headers=headers)
    assert answer.status_code < 500
    assert 'href="tel:' in answer.text or answer.json()["emergency_contact"]["number"]


@QUICK
@given(
    path=st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(["answers", "en", "ru", "..", "%2e%2e", "%00", "assets", "x", "", "overdose-signs"])
        ).map("/".join),
    ),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"]),
    accept=st.sampled_from(["text/html", "*/*", ""]),
)
def test_wherever_somebody_goes_there_is_a_number(path: str, method: str, accept: str, guest: TestClient) -> None:
    address = "http://testserver/" + quote(path.encode("utf-8", "replace"), safe="/%")
    answer = guest.request(method, address, headers={"accept": accept})
    assert answer.status_code < 500
    if method == "HEAD":
        return
    if "html" in answer.headers.get("content-type", ""):
        assert 'href="tel:' in answer.text
    elif answer.status_code >= 400:
        assert answer.json()["emergency_contact"]["number"]
