"""The webhook: who may post, what is taken, and what happens when Telegram posts again."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from telegram.error import InvalidToken

from bot.channels.telegram.sending import make_bot
from bot.channels.telegram.webhook import STALE, Webhook
from tests.telegram.bot_api import ANY, WEBHOOK, BotApi, Fault
from tests.telegram.conftest import Newcomers
from tests.telegram.expected import GRAVE, PLAIN, TOPICS
from tests.telegram.running import SECRET, RunningBot

PATH = "/telegram/webhook"
SAYS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}


@pytest.fixture(scope="module")
def polling(telegram: BotApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    """A bot that is posted to, for all tests of a module; Telegram takes its address at the third time of asking."""
    telegram.fault("setWebhook", Fault.too_many(1), times=2)
    with RunningBot(telegram, tmp_path_factory.mktemp("data"), telegram_mode="webhook") as bot:
        telegram.wait_for(lambda: telegram.calls("setWebhook", status=200))
        yield bot


def test_a_refused_address_is_told_again_after_the_seconds_asked_for(bot: RunningBot) -> None:
    calls = bot.api.calls("setWebhook")
    assert [call.status for call in calls] == [429, 429, 200]
    assert all(later.began - sooner.began >= 1.0 for sooner, later in itertools.pairwise(calls))


def told(api: BotApi, method: str, **params: str) -> Any:
    """What Telegram answers somebody else who has the token."""
    return httpx.post(f"{api.root}/bot{api.token}/{method}", json=params).json()["result"]


@pytest.fixture
def apart() -> Iterator[BotApi]:
    """A Telegram of its own."""
    with BotApi(webhook_pace=0.02) as api:
        yield api


def looked(api: BotApi, address: str, *between: Callable[[], Any]) -> list[dict[str, float]]:
    """What the gauges say after each look: one after the start, and one after each thing that happened."""
    seen: list[dict[str, float]] = []

    async def looking() -> None:
        async with make_bot(api.token, api.root, 2) as bot:
            webhook = Webhook(bot, address, SECRET)
            await webhook.tell()
            for happens in (lambda: None, *between):
                await asyncio.to_thread(happens)
                await webhook.look()
                gauges = ("webhook_pending", "webhook_error_seconds", "webhook_astray")
                seen.append({name: REGISTRY.get_sample_value(f"overdose_bot_{name}") or 0.0 for name in gauges})

    asyncio.run(looking())
    return seen


def alarms(event: str) -> float:
    """How often an alarm was raised so far."""
    return REGISTRY.get_sample_value("overdose_bot_alarms_total", {"event": event}) or 0.0


OURS, THEIRS = "http://127.0.0.1:9/ours", "http://127.0.0.1:9/theirs"
WELL = {"webhook_pending": 0.0, "webhook_error_seconds": inf, "webhook_astray": 0.0}


def test_an_address_that_telegram_forgot_is_told_again(apart: BotApi) -> None:
    before = alarms("webhook gone")
    assert looked(apart, OURS, lambda: told(apart, "deleteWebhook")) == [WELL, WELL]
    assert told(apart, "getWebhookInfo")["url"] == OURS
    assert alarms("webhook gone") == before + 1


def test_the_address_of_another_deploy_is_told_of_once_and_left(apart: BotApi) -> None:
    before = alarms("webhook elsewhere")
    seen = looked(
        apart,
        OURS,
        lambda: told(apart, "setWebhook", url=THEIRS),
        lambda: None,
        lambda: told(apart, "setWebhook", url=OURS),
    )
    assert [gauges["webhook_astray"] for gauges in seen] == [0.0, 1.0, 1.0, 0.0]
    assert alarms("webhook elsewhere") == before + 1
    assert len(apart.calls("setWebhook")) == 3


def test_who_watches_sees_whether_posts_come_to_us(apart: BotApi) -> None:
    async def seen() -> list[bool]:
        async with make_bot(apart.token, apart.root, 2) as bot:
            webhook = Webhook(bot, OURS, SECRET)
            await webhook.tell()
            well = [webhook.is_well]
            for url in (THEIRS, OURS):
                await asyncio.to_thread(told, apart, "setWebhook", url=url)
                await webhook.look()
                well.append(webhook.is_well)
            webhook.last_good -= STALE
            return [*well, webhook.is_well]

    assert asyncio.run(seen()) == [True, False, True, False]


def test_a_refused_token_is_told_of_once_and_not_well_until_it_is_good_again(apart: BotApi) -> None:
    before = alarms("token refused")

    async def seen() -> list[bool]:
        async with make_bot(apart.token, apart.root, 2) as bot:
            webhook = Webhook(bot, OURS, SECRET)
            await webhook.tell()
            apart.fault("getWebhookInfo", Fault.unauthorized(), times=2)
            well = []
            for _ in range(3):
                with suppress(InvalidToken):
                    await webhook.look()
                well.append(webhook.is_well)
            return well

    assert asyncio.run(seen()) == [False, False, True]
    assert alarms("token refused") == before + 1


def test_a_token_that_is_refused_from_the_start_is_shown_and_the_web_goes_on(apart: BotApi, tmp_path: Path) -> None:
    apart.fault(ANY, Fault.unauthorized(), times=None)
    with RunningBot(apart, tmp_path, telegram_mode="webhook").start(ready=False) as bot:
        bot.wait_until(lambda: bot.condition()[1]["telegram"] is False)
        assert len(bot.events("token refused")) == 1
        assert bot.lives()
        apart.heal()
        bot.wait_until(lambda: bot.condition()[0] == 200, 30)


def test_messages_that_telegram_cannot_post_are_seen_to_wait(apart: BotApi) -> None:
    def unreached() -> None:
        apart.person(1).say(PLAIN)
        apart.wait_for(lambda: "last_error_date" in told(apart, "getWebhookInfo"))

    _, seen = looked(apart, OURS, unreached)
    assert seen["webhook_pending"] == 1.0
    assert -2.0 < seen["webhook_error_seconds"] < 60.0


def a_message(chat: int, words: str = PLAIN) -> dict[str, Any]:
    about = {"id": chat, "type": "private", "first_name": "A"}
    sender = {"id": chat, "is_bot": False, "first_name": "A", "language_code": "en"}
    message = {"message_id": 1, "date": int(time.time()), "chat": about, "from": sender, "text": words}
    return {"update_id": chat, "message": message}


@pytest.mark.parametrize(
    ("method", "headers", "content", "status"),
    [
        ("POST", {}, b"{}", 401),
        ("POST", {"X-Telegram-Bot-Api-Secret-Token": "wrong"}, b"{}", 401),
        ("POST", {"X-Telegram-Bot-Api-Secret-Token": "\xe9"}, b"{}", 401),
        ("GET", SAYS, b"", 405),
        ("PUT", SAYS, b"{}", 405),
        ("POST", SAYS, b"{", 400),
        ("POST", SAYS, b"[]", 400),
        ("POST", SAYS, b"\xff\xfe", 400),
        ("POST", SAYS, b"[" * 100_000, 400),
        ("POST", SAYS, b" " * 10_000_000, 413),
    ],
    ids=["no secret", "wrong secret", "odd secret", "get", "put", "half", "list", "no text", "nested", "10 MB"],
)
def test_what_telegram_would_not_post_is_refused(
    bot: RunningBot, method: str, headers: dict[str, str], content: bytes, status: int
) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    try:
        answer = httpx.request(method, bot.root + PATH, headers=raw, content=content, timeout=15)  # type: ignore[arg-type]
    except (httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
        assert status == 413  # it hung up before all was sent
    else:
        assert answer.status_code == status


def test_a_body_without_end_is_refused_as_soon_as_it_is_too_long(bot: RunningBot) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * 100_000

    try:
        answer = httpx.post(bot.root + PATH, headers=SAYS, content=endless(), timeout=15)
    except (httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
        return
    assert answer.status_code == 413


def test_who_sends_a_body_drop_by_drop_is_cut_off_and_disturbs_nobody(bot: RunningBot, newcomer: Newcomers) -> None:
    with socket.create_connection(("127.0.0.1", bot.port)) as slow:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nX-Telegram-Bot-Api-Secret-Token: {SECRET}\r\nContent-Length: 90\r\n\r\n{{"
        slow.sendall(head.encode())
        slow.settimeout(15)
        person = newcomer()
        person.say(PLAIN)
        bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
        assert b" 408 " in slow.recv(200)


def test_an_update_posted_again_is_taken_and_answered_once(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    bot.api.fault(WEBHOOK, Fault.lost(), times=2)
    person.say(PLAIN)
    bot.api.wait_for(
        lambda: len([p for p in bot.api.posts if p.update["message"]["chat"]["id"] == person.chat_id]) == 3, 10
    )
    time.sleep(0.5)
    assert len(bot.api.sent(person.chat_id)) == 1


def test_posts_at_the_same_moment_are_answered_once(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    body = json.dumps(a_message(person.chat_id)).encode()
    with ThreadPoolExecutor(8) as pool:
        posts = [pool.submit(httpx.post, bot.root + PATH, headers=SAYS, content=body, timeout=10) for _ in range(8)]
        assert {post.result().status_code for post in posts} == {200}
    bot.api.wait_for(lambda: bot.api.sent(person.chat_id))
    time.sleep(0.5)
    assert len(bot.api.sent(person.chat_id)) == 1


def test_many_chats_at_once_are_answered_each_in_order(bot: RunningBot, newcomer: Newcomers) -> None:
    people = [newcomer() for _ in range(30)]
    for topic in TOPICS[:2]:
        for person in people:
            person.say(f"/answer {topic}")
    bot.api.wait_for(lambda: all(len(bot.api.sent(person.chat_id)) == 2 for person in people))
    assert len({tuple(sent.text[-99:] for sent in bot.api.sent(person.chat_id)) for person in people}) == 1
    assert not bot.api.waiting


def test_a_press_that_overtakes_its_message_is_answered(bot: RunningBot, newcomer: Newcomers) -> None:
    person = newcomer()
    person.tap("/answer overdose-signs", 7)
    person.say(GRAVE)
    bot.api.wait_for(lambda: len(bot.api.sent(person.chat_id)) == 2)
