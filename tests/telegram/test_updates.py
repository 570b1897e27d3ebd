"""What is heard in an update."""

from __future__ import annotations

import pytest

from bot.channels.telegram.updates import Kind, Me, read
from tests.telegram.texts import marked_entities

NAMED, UNNAMED = Me(1, "the_bot"), Me(1)


@pytest.mark.parametrize(
    ("text", "me", "kind"),
    [
        ("@the_bot my friend isnt breathing", NAMED, Kind.MESSAGE),
        ("@another_bot my friend isnt breathing", NAMED, Kind.NOTHING),
        ("/emergency@the_bot", NAMED, Kind.MESSAGE),
        ("/emergency@another_bot", NAMED, Kind.NOTHING),
        # Before the bot has learnt its own name: better an answer that nobody asked for than none in a danger.
        ("@the_bot my friend isnt breathing", UNNAMED, Kind.MESSAGE),
        ("/emergency@the_bot", UNNAMED, Kind.MESSAGE),
        ("my friend isnt breathing", UNNAMED, Kind.NOTHING),
    ],
)
def test_in_a_group_who_speaks_to_the_bot_is_heard(text: str, me: Me, kind: Kind) -> None:
    chat, person = {"id": -5, "type": "group", "title": "x"}, {"id": 5, "is_bot": False, "first_name": "Aru"}
    message = {
        "message_id": 1,
        "date": 1,
        "chat": chat,
        "from": person,
        "text": text,
        "entities": marked_entities(text),
    }
    assert read({"update_id": 1, "message": message}, me).kind is kind
