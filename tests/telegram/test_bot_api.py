"""The server itself: that it speaks as Telegram does, and misbehaves as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.telegram.bot_api import WEBHOOK, BotApi, Fault, Limits
from tests.telegram.texts import Refusal, marked_entities, shown

Json = dict[str, Any]


class Bot:
    """A bot that only calls methods."""

    def __init__(self, api: BotApi) -> None:
        self.client = httpx.Client(base_url=f"{api.root}/bot{api.token}/", timeout=10)

    def call(self, method: str, **params: Any) -> Json:
        """The whole answer."""
        answer: Json = self.client.post(method, json=params).json()
        return answer

    def get(self, method: str, **params: Any) -> Any:
        """The result of a call that must go well."""
        answer = self.call(method, **params)
        assert answer["ok"], answer
        return answer["result"]

    def refused(self, method: str, **params: Any) -> tuple[int, str]:
        """The words of a call that must not go well."""
        answer = self.call(method, **params)
        assert not answer["ok"], answer
        return answer["error_code"], answer["description"]


class Hook:
    """A webhook: what it got, and what it answers, 200 unless told otherwise."""

    def __init__(self) -> None:
        self.got: list[Json] = []
        self.secrets: list[str | None] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append(httpx.Response(200, content=body).json())
                hook.secrets.append(self.headers["X-Telegram-Bot-Api-Secret-Token"])
                status, headers = hook.answers.pop(0) if hook.answers else (200, {})
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi(webhook_pace=0.02) as api:
        yield api


@pytest.fixture
def bot(api: BotApi) -> Iterator[Bot]:
    bot = Bot(api)
    with bot.client:
        yield bot


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


def ids(updates: list[Json]) -> list[int]:
    return [update["update_id"] for update in updates]


# Texts


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("<b>Call 112</b> now &lt;3 &amp; wait", "Call 112 now <3 & wait"),
        ("a > b &nbsp; &#128512;", "a > b &nbsp; 😀"),
        ('<a href="https://x.org/?a=1&amp;b=2">here</a>', "here"),
        ('<blockquote expandable>long</blockquote><pre><code class="language-py">x</code></pre>', "longx"),
        ("  tab\there\r\n\u202eend ", "tab here\nend"),
    ],
)
def test_html_becomes_what_a_reader_sees(raw: str, plain: str) -> None:
    assert shown(raw, "HTML")[0] == plain


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("<b>open", "can't parse entities: Can't find end tag corresponding to start tag \"b\""),
        ("<p>x</p>", 'can\'t parse entities: Unsupported start tag "p" at byte offset 0'),
        ("é<b>x</i>", 'can\'t parse entities: Unmatched end tag at byte offset 6, expected "</b>", found "</i>"'),
        ("x</b>", "can't parse entities: Unexpected end tag at byte offset 1"),
        ("x <b", "can't parse entities: Unclosed start tag at byte offset 2"),
        ("<{}>", 'can\'t parse entities: Unsupported start tag "{}" at byte offset 0'),
        ("<b></b> \u200b", "message text is empty"),
        ("\ud800", "strings must be encoded in UTF-8"),
    ],
)
def test_broken_html_is_refused_in_telegrams_words(raw: str, words: str) -> None:
    with pytest.raises(Refusal) as refusal:
        shown(raw, "HTML")
    assert refusal.value.description == f"Bad Request: {words}"


def test_entities_are_counted_in_utf_16() -> None:
    assert shown("😀 <b>é<i>x</i></b>", "HTML")[1] == [
        {"type": "bold", "offset": 3, "length": 2},
        {"type": "italic", "offset": 4, "length": 1},
    ]
    assert marked_entities("😀 /help@some_bot hi @other_bot") == [
        {"type": "bot_command", "offset": 3, "length": 14},
        {"type": "mention", "offset": 21, "length": 10},
    ]


# Sends


def test_a_message_is_sent_edited_and_deleted(api: BotApi, bot: Bot) -> None:
    asked = api.person(42).say("help")["message"]
    buttons = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}, {"text": "Site", "url": "https://x.org"}]]}
    sent = bot.get(
        "sendMessage",
        chat_id=42,
        text="<b>Hi</b>",
        parse_mode="HTML",
        reply_markup=buttons,
        reply_parameters={"message_id": asked["message_id"]},
    )
    assert (sent["text"], sent["reply_to_message"]["text"]) == ("Hi", "help")
    (record,) = api.sent(42)
    assert (record.text, record.raw, record.labels, record.data("Yes")) == ("Hi", "<b>Hi</b>", ("Yes", "Site"), "y")
    assert record.reply_to == asked["message_id"]

    same = {"chat_id": 42, "message_id": sent["message_id"], "text": "Hi", "reply_markup": buttons}
    bot.get("editMessageText", **same)  # not bold any more
    assert "is not modified" in bot.refused("editMessageText", **same)[1]
    assert [message["text"] for message in api.screen(42)] == ["Hi"]
    assert bot.get("deleteMessage", chat_id=42, message_id=sent["message_id"])
    assert bot.refused("editMessageText", **same) == (400, "Bad Request: message to edit not found")
    assert api.deleted(42) == (sent["message_id"],)


def test_forms_are_understood_as_json_is(api: BotApi, bot: Bot) -> None:
    api.person(42)
    fields = {"chat_id": "42", "text": "é", "reply_markup": '{"inline_keyboard":[[{"text":"A","callback_data":"a"}]]}'}
    bot.client.post("sendMessage", data=fields)
    bot.client.post("sendmessage", files={name: (None, value) for name, value in fields.items()})
    bot.client.get("sendMessage", params=fields)
    assert [(sent.text, sent.labels) for sent in api.sent()] == [("é", ("A",))] * 3


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"chat_id": 7, "text": "x"}, "chat not found"),
        ({"chat_id": 42, "text": " \n"}, "message text is empty"),
        ({"chat_id": 42, "text": "😀" * 2049}, "message is too long"),
        ({"chat_id": 42, "text": "x", "reply_parameters": {"message_id": 9}}, "message to be replied not found"),
        ({"chat_id": 42, "text": "x", "parse_mode": "Telex"}, "unsupported parse_mode"),
    ],
)
def test_a_message_that_telegram_would_refuse_is_refused(api: BotApi, bot: Bot, params: Json, words: str) -> None:
    api.person(42)
    assert bot.refused("sendMessage", **params) == (400, f"Bad Request: {words}")
    assert not api.sent()


@pytest.mark.parametrize(
    ("button", "words"),
    [
        ({"text": "x", "callback_data": "я" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "x"}, "Text buttons are unallowed in the inline keyboard"),
        ({"text": "x", "url": "tel:112"}, "Unsupported URL protocol"),
    ],
)
def test_a_button_that_telegram_would_refuse_is_refused(api: BotApi, bot: Bot, button: Json, words: str) -> None:
    api.person(42)
    refusal = bot.refused("sendMessage", chat_id=42, text="x", reply_markup={"inline_keyboard": [[button]]})
    assert words in refusal[1]


def test_who_blocked_the_bot_gets_nothing_until_unblocked(api: BotApi, bot: Bot) -> None:
    person = api.person(42)
    change = person.block()["my_chat_member"]
    assert (change["old_chat_member"]["status"], change["new_chat_member"]["status"]) == ("member", "kicked")
    assert bot.refused("sendMessage", chat_id=42, text="x") == (403, "Forbidden: bot was blocked by the user")
    person.unblock()
    assert bot.get("sendMessage", chat_id=42, text="x")


def test_a_press_can_be_answered_for_150_seconds(api: BotApi, bot: Bot) -> None:
    person = api.person(42)
    bot.get("sendMessage", chat_id=42, text="x")
    (sent,) = api.sent(42)
    fresh, old = person.tap("a", sent)["callback_query"], person.tap("a", sent, age=151)["callback_query"]
    assert fresh["message"]["text"] == "x"
    assert bot.get("answerCallbackQuery", callback_query_id=fresh["id"])
    assert "query is too old" in bot.refused("answerCallbackQuery", callback_query_id=old["id"])[1]


def test_a_group_that_moved_tells_its_new_id(api: BotApi, bot: Bot) -> None:
    group = api.group(-5, kind="group")
    group.migrate(-1005)
    answer = bot.call("sendMessage", chat_id=-5, text="x")
    assert (answer["error_code"], answer["parameters"]) == (400, {"migrate_to_chat_id": -1005})
    assert bot.get("sendMessage", chat_id=-1005, text="x")


# getUpdates


def test_updates_wait_until_a_later_offset_comes(api: BotApi, bot: Bot) -> None:
    person = api.person(42)
    first, second = person.say("a"), person.send("voice", caption="b")
    for _ in range(2):
        assert ids(bot.get("getUpdates")) == ids([first, second])
    assert bot.get("getUpdates", offset=second["update_id"], limit=1) == [second]
    assert bot.get("getUpdates", offset=second["update_id"] + 1) == []
    assert not api.waiting


def test_a_poll_waits_for_the_next_update(api: BotApi, bot: Bot) -> None:
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(bot.get, "getUpdates", timeout=5)
        api.wait_for(lambda: api.calls("getUpdates"))
        began = time.monotonic()
        update = api.person(42).say("help")
        assert poll.result() == [update]
    assert time.monotonic() - began < 1


def test_numbers_that_start_anew_are_given_in_spite_of_a_higher_offset(api: BotApi, bot: Bot) -> None:
    person = api.person(42)
    old = person.say("a")
    assert bot.get("getUpdates", offset=old["update_id"] + 1) == []
    api.number_from(5)
    new = person.say("b")
    assert bot.get("getUpdates", offset=old["update_id"] + 1) == [new]
    assert bot.get("getUpdates", offset=6) == []
    api.again(old)
    assert bot.get("getUpdates", offset=6) == [old]
    assert bot.get("getUpdates", offset=6) == []


def test_only_what_was_asked_for_is_queued_but_poison_always(api: BotApi, bot: Bot) -> None:
    bot.get("getUpdates", allowed_updates=["callback_query"])
    api.person(42).say("a")
    poison = api.put({"message": {"date": "never"}})
    assert bot.get("getUpdates") == [poison]


def test_a_second_poller_ends_the_first(api: BotApi, bot: Bot) -> None:
    other = Bot(api)
    with other.client, ThreadPoolExecutor() as pool:
        first = pool.submit(bot.call, "getUpdates", timeout=5)
        api.wait_for(lambda: api.calls("getUpdates"))
        second = pool.submit(other.get, "getUpdates", timeout=5)
        assert first.result()["error_code"] == 409
        update = api.person(42).say("x")
        assert second.result() == [update]


# The webhook


def test_updates_of_a_chat_are_posted_in_order_and_again_until_taken(api: BotApi, bot: Bot, hook: Hook) -> None:
    hook.answers = [(500, {}), (503, {"Retry-After": "1"})]
    bot.get("setWebhook", url=hook.url, secret_token="s-1")
    assert bot.refused("getUpdates")[0] == 409
    person = api.person(42)
    first, second = person.say("a"), person.say("b")
    api.wait_for(lambda: not api.waiting)
    assert hook.got == [first, first, first, second]
    assert set(hook.secrets) == {"s-1"}
    begun = [post.began for post in api.posts]
    assert begun[1] - begun[0] < 0.5
    assert begun[2] - begun[1] >= 1


def test_a_lost_answer_makes_the_same_update_come_again(api: BotApi, bot: Bot, hook: Hook) -> None:
    api.fault(WEBHOOK, Fault.lost())
    bot.get("setWebhook", url=hook.url)
    update = api.person(42).say("a")
    api.wait_for(lambda: not api.waiting)
    api.again(update)
    api.wait_for(lambda: len(hook.got) == 3)
    assert hook.got == [update] * 3


# What goes wrong


@pytest.mark.parametrize(
    ("fault", "seen", "executed"),
    [
        (Fault.reset(), httpx.ReadError, False),
        (Fault.lost(), httpx.RemoteProtocolError, True),
        (Fault.truncated(), httpx.RemoteProtocolError, True),
        (Fault.garbage(), UnicodeDecodeError, True),
        (Fault.server_error(502, page=True), ValueError, False),
        (Fault.hang(0.1, executed=False), httpx.RemoteProtocolError, False),
    ],
)
def test_a_fault_is_seen_once_and_the_effect_is_as_told(
    api: BotApi, bot: Bot, fault: Fault, seen: type[Exception], executed: bool
) -> None:
    api.person(42), api.person(43)
    api.fault("sendMessage", fault, chat=42)
    bot.get("sendMessage", chat_id=43, text="x")
    with pytest.raises(seen):
        bot.call("sendMessage", chat_id=42, text="x")
    assert len(api.sent(42)) == executed
    bot.get("sendMessage", chat_id=42, text="x")
    assert [call.fault for call in api.calls("sendMessage")] == [None, fault, None]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.unauthorized, 401),
        (Fault.not_found, 404),
        (Fault.conflict, 409),
        (Fault.server_error, 502),
    ],
)
def test_a_fault_lasts_until_it_is_stopped(api: BotApi, bot: Bot, fault: Callable[[], Fault], status: int) -> None:
    planned = api.fault("getUpdates", fault(), times=None)
    assert [bot.refused("getUpdates")[0] for _ in range(3)] == [status] * 3
    planned.stop()
    assert bot.get("getUpdates") == []


def test_a_chat_told_to_wait_gets_nothing_until_then(api: BotApi, bot: Bot) -> None:
    api.person(42), api.person(43)
    api.fault("sendMessage", Fault.too_many(retry_after=1), chat=42)
    assert bot.call("sendMessage", chat_id=42, text="x")["parameters"] == {"retry_after": 1}
    assert bot.get("sendMessage", chat_id=43, text="x")
    time.sleep(0.3)
    assert bot.refused("sendMessage", chat_id=42, text="x")[0] == 429
    assert (api.sends_while_limited(42), api.sends_while_limited(43)) == (1, 0)
    time.sleep(0.75)
    assert bot.get("sendMessage", chat_id=42, text="x")
    assert len(api.calls(status=429)) == 2


def test_real_limits_are_a_burst_and_then_a_rate(api: BotApi, bot: Bot) -> None:
    api.person(42), api.group(-5)
    api.limit()
    answers = [bot.call("sendMessage", chat_id=42, text="x") for _ in range(4)]
    assert [answer["ok"] for answer in answers] == [True, True, True, False]
    answers = [bot.call("sendMessage", chat_id=-5, text="x") for _ in range(21)]
    assert [answer["ok"] for answer in answers] == [True] * 20 + [False]
    assert api.over_the_limits == 2
    api.limit(Limits(bot_burst=1))
    api.person(1), api.person(2)
    assert bot.get("sendMessage", chat_id=1, text="x")
    assert bot.refused("sendMessage", chat_id=2, text="x")[0] == 429


def test_faults_by_lot_come_at_their_rate_and_the_same_each_time(api: BotApi, bot: Bot) -> None:
    api.person(42)
    drawn = []
    for _ in range(2):
        api.faults_by_lot("sendMessage", {Fault.server_error(500): 0.2, Fault.bad_request("no"): 0.2}, seed=3)
        drawn.append([bot.call("sendMessage", chat_id=42, text="x").get("error_code", 200) for _ in range(50)])
        api.heal()
    assert drawn[0] == drawn[1]
    assert 4 < drawn[0].count(500) < 20
    assert 4 < drawn[0].count(400) < 20


def test_offline_is_offline(api: BotApi, bot: Bot) -> None:
    api.offline()
    with pytest.raises(httpx.TransportError):
        bot.call("getMe")
    api.online()
    assert bot.get("getMe")["username"] == api.username


def test_quiet_is_when_nothing_is_open(api: BotApi, bot: Bot) -> None:
    api.person(42)
    api.slow("sendMessage", 0.3, 0.3)
    with ThreadPoolExecutor() as pool:
        pool.submit(bot.get, "sendMessage", chat_id=42, text="x")
        api.wait_for(lambda: api.calls("sendMessage"))
        api.wait_for_quiet(0.1)
        assert len(api.sent(42)) == 1


def test_a_wait_in_vain_fails(api: BotApi) -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.05 s"):
        api.wait_for(lambda: api.sent(42), timeout=0.05)
