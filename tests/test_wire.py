"""The contract's objects, there and back."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from bot.conversation.library import Library
from bot.markup import plain_reply
from bot.vocabulary import Audience, Message, Profile
from bot.wire import MESSAGE_EXAMPLES, REPLY_EXAMPLE, MessageObject, ReplyObject, reply_object
from tests.conftest import NOON, Talk

KEYS = [
    "id", "text", "language", "country", "topic", "candidates", "urgency", "dangers", "dosing", "abstained",
    "emergency_contact", "choices", "sources", "review", "elapsed_us",
]  # fmt: skip
"""The keys of a reply object, in order; outside programs rely on them."""


@pytest.mark.parametrize(
    "text", ["hi", "my friend wont wake up", "how much naltrexone", "what is the capital of france"]
)
def test_a_reply_object_is_the_same_after_a_round_trip(text: str, talk: Talk) -> None:
    turn = talk.say(text)
    sent = reply_object(turn.reply, plain_reply(turn.reply.passages), turn.understanding, "x-1", 17)
    assert ReplyObject.model_validate_json(sent.model_dump_json()) == sent
    assert list(json.loads(sent.model_dump_json())) == KEYS
    assert sent.emergency_contact.number in sent.text
    assert (sent.id, sent.elapsed_us) == ("x-1", 17)
    assert sent.review == "source-checked"
    assert sent.dangers[:1] == ((sent.urgency,) if sent.urgency != "none" else ())


def test_a_reply_without_understanding_still_makes_an_object(library: Library) -> None:
    turn = Talk(library).say("hi")
    sent = reply_object(turn.reply, "text", None, None, 0)
    assert (sent.urgency, sent.dangers, sent.candidates, sent.dosing) == ("none", (), (), False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"text": "hi"}, Message("hi", NOON)),
        ({"text": ""}, Message("", NOON)),
        (
            {"text": "hi", "id": "1", "language": "ru", "country": "kz", "audience": "teen", "conversation": "c"},
            Message("hi", NOON, Profile("ru", "KZ", Audience.TEEN)),
        ),
    ],
)
def test_a_message_object_becomes_a_message(line: dict[str, str], message: Message) -> None:
    assert MessageObject.model_validate_json(json.dumps(line)).message(NOON) == message


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"text": 5},
        {"text": None},
        {"text": ["hi"]},
        {"text": "hi", "country": "Kazakhstan"},
        {"text": "hi", "country": "K1"},
        {"text": "hi", "audience": "dog"},
        {"text": "hi", "id": 5},
        {"text": "hi", "extra": "x"},
        [],
        "hi",
        None,
    ],
)
def test_what_is_no_message_object_is_refused(line: object) -> None:
    with pytest.raises(ValidationError):
        MessageObject.model_validate_json(json.dumps(line))


def test_the_examples_of_the_description_are_objects_of_the_contract() -> None:
    assert list(REPLY_EXAMPLE) == KEYS
    ReplyObject.model_validate(REPLY_EXAMPLE)
    for example in MESSAGE_EXAMPLES.values():
        MessageObject.model_validate(example["value"])
