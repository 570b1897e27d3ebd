"""How much one address may ask, and what is kept of replies."""

from __future__ import annotations

from datetime import date

import pytest

from bot.channels.web.limits import Limits, OtherBodyError, Rate, Replies, network_of
from bot.store.sealing import Sealing

SEALING = Sealing("a secret key for tests only")
TODAY, TOMORROW = date(2026, 1, 1), date(2026, 1, 2)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", None),
        ("::1", None),
        (None, None),
        ("unix", "unix"),
    ],
)
def test_a_limit_counts_an_address_and_not_this_machine(address: str | None, network: str | None) -> None:
    assert network_of(address) == network


def test_one_household_of_the_newer_protocol_is_one_network() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") != network_of("2001:db8:0:1::1")


def test_a_bucket_empties_fills_again_and_is_each_addresss_own() -> None:
    rate = Rate(SEALING, Limits(burst=2, per_second=0.5))
    assert [rate.wait("203.0.113.7", 0, TODAY) for _ in range(3)] == [0, 0, 2]
    assert rate.wait("203.0.113.8", 0, TODAY) == 0
    assert rate.wait("203.0.113.7", 2, TODAY) == 0
    assert [rate.wait("127.0.0.1", 0, TODAY) for _ in range(9)] == [0] * 9


def test_who_has_not_asked_lately_is_new_and_this_machine_never_is() -> None:
    rate = Rate(SEALING, Limits())
    assert rate.is_new("203.0.113.7", 0, TODAY)
    rate.wait("203.0.113.7", 0, TODAY)
    assert not rate.is_new("203.0.113.7", 1, TODAY)
    assert rate.is_new("203.0.113.8", 1, TODAY)
    assert rate.is_new("203.0.113.7", 3, TODAY)
    assert not rate.is_new("127.0.0.1", 0, TODAY)


def test_no_address_is_kept_and_its_hash_is_another_one_tomorrow() -> None:
    rate = Rate(SEALING, Limits(burst=1, addresses=2))
    rate.wait("203.0.113.7", 0, TODAY)
    today = set(rate._buckets)
    assert "203.0.113.7" not in repr(vars(rate))
    assert rate.wait("203.0.113.7", 0, TODAY) > 0
    assert rate.wait("203.0.113.7", 0, TOMORROW) == 0
    assert not today & set(rate._buckets)
    for last in range(9):
        rate.wait(f"203.0.113.{last}", 0, TOMORROW)
    assert len(rate._buckets) == 2


def test_a_reply_comes_again_for_the_same_key_and_body_and_shows_nothing_meanwhile() -> None:
    replies = Replies(SEALING, Limits(kept_replies=2, kept_seconds=600))
    replies.keep("key", b"my friend wont wake up", b"call now", 0)
    assert replies.find("key", b"my friend wont wake up", 599) == b"call now"
    assert replies.find("key", b"my friend wont wake up", 601) is None
    assert replies.find("other", b"my friend wont wake up", 0) is None
    assert not any(word in repr(replies._kept) for word in ("friend", "call now", "key'"))
    with pytest.raises(OtherBodyError):
        replies.find("key", b"another", 0)
    for name in ("a", "b"):
        replies.keep(name, b"", b"", 0)
    assert replies.find("key", b"my friend wont wake up", 0) is None
