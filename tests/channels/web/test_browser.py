"""The pages in a real browser: with scripts and without, offline, left in a hurry, read by machine."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect
from pypdf import PdfReader

from tests.channels.web.conftest import BROWSER_OPTIONS, Maker, Served

DANGER = {"en": "my friend wont wake up", "ru": "мой друг не просыпается", "es": "mi amigo no despierta"}
LOCALES = {"en": "en-US", "ru": "ru-RU", "es": "es-ES"}
PHONE = {"width": 360, "height": 740}
NARROW = {"width": 320, "height": 568}
DESKTOP = {"width": 1280, "height": 800}
ELSEWHERE = re.compile(r"^https://[a-z]+\.wikipedia\.org/")
THUMB = 44
"""CSS pixels that a target has at least in height (WCAG 2.5.5)."""


class Visitor:
    """Somebody with a browser of their own; what a page complains of is kept."""

    def __init__(self, browser: Browser, served: Served, path: str = "/", **options: Any) -> None:
        self.served = served
        self.context = browser.new_context(**{"viewport": PHONE, "locale": "en-US", **options})
        self.context.route(
            ELSEWHERE, lambda route: route.fulfill(body="<title>Elsewhere</title>", content_type="text/html")
        )
        self.complaints: list[str] = []
        self.page = self.tab(path)

    def tab(self, path: str = "/") -> Page:
        """A new tab."""
        page = self.context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.served.url + path)
        return page


@pytest.fixture
def visit(browser: Browser, served: Served) -> Iterator[Any]:
    """Makes visitors; a page that broke its own policy or a script fails the test."""
    visitors: list[Visitor] = []

    def visiting(**options: Any) -> Visitor:
        visitors.append(Visitor(browser, served, **options))
        return visitors[-1]

    yield visiting
    complaints = [c for v in visitors for c in v.complaints if "Failed to load resource" not in c]
    for visitor in visitors:
        visitor.context.close()
    assert complaints == []


def say(page: Page, text: str) -> None:
    """Type and send, and wait for the answer."""
    page.get_by_role("textbox").fill(text)
    page.locator(".send").click()
    page.locator(".wait").wait_for(state="detached")
    page.locator("#reply").wait_for()


def tap(page: Page, label: str) -> None:
    """Tap a choice of the last answer, and wait for the next one."""
    page.locator("#reply").get_by_role("button", name=label, exact=True).click()
    page.locator(".wait").wait_for(state="detached")
    page.locator("#reply").wait_for()


def wait_until_kept(page: Page) -> None:
    """Until the page would find the card without a server."""
    page.evaluate(
        """new Promise((done) => { const look = () => navigator.serviceWorker.controller ? done() : setTimeout(look, 50);
        look(); })"""
    )


def in_sight(page: Page, selector: str) -> bool:
    """Whether the top of an element lies between the two bars."""
    box, bar = page.locator(selector).bounding_box(), page.locator("#top").bounding_box()
    assert box
    assert bar
    size = page.viewport_size
    assert size
    return bar["height"] - 1 <= box["y"] < size["height"] / 2


@pytest.mark.parametrize("scripts", [True, False], ids=["live", "plain"])
@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_an_emergency_is_answered_with_the_card_first_and_steps_by_one_tap(
    language: str, scripts: bool, visit: Any
) -> None:
    page = visit(locale=LOCALES[language], java_script_enabled=scripts).page
    assert page.locator("html").get_attribute("lang") == language
    say(page, DANGER[language])
    reply = page.locator("#reply")
    expect(reply).to_have_class(re.compile("emergency"))
    assert reply.locator("> div").first.get_attribute("class") == "pointer"
    assert not scripts or in_sight(page, "#reply")
    step = reply.locator(".choices button").first
    label = step.inner_text()
    tap(page, label)
    expect(page.locator("#reply")).to_have_class(re.compile("emergency"))
    assert page.locator("#reply .choices button").first.inner_text() != label
    expect(page.locator("#call")).to_be_in_viewport()
    expect(page.locator("#exit")).to_be_in_viewport()


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_the_page_follows_the_language_that_is_written(language: str, visit: Any) -> None:
    page = visit(locale="de-DE").page
    say(page, DANGER[language])
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("#exit").inner_text() == {"en": "Leave now", "ru": "Уйти сразу", "es": "Salir ya"}[language]


def test_what_is_told_in_words_shows_in_the_bar_and_in_the_number(visit: Any) -> None:
    page = visit().page
    say(page, "im in kazakhstan")
    expect(page.locator("#call")).to_have_attribute("href", "tel:103")
    expect(page.locator("[name=country]")).to_have_value("KZ")
    say(page, DANGER["en"])
    assert "Kazakhstan" in page.locator("#reply .pointer").inner_text()


def test_settings_take_effect_at_once(visit: Any) -> None:
    page = visit().page
    page.locator("summary", has_text="Language, country").click()
    page.locator("[name=country]").select_option("KZ")
    expect(page.locator("#call")).to_have_attribute("href", "tel:103")
    page.locator("summary", has_text="Language, country").click()
    page.locator("[name=language]").select_option("ru")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.locator("#call")).to_have_attribute("href", "tel:103")


def test_a_country_can_be_spelt_by_keys_and_is_taken_by_the_button(visit: Any) -> None:
    page = visit().page
    page.locator("summary", has_text="Language, country").click()
    page.locator("[name=country]").focus()
    page.keyboard.type("mexico")  # the first letter alone chooses another one
    expect(page.locator("[name=country]")).to_have_value("MX")
    expect(page.locator("[name=country]")).to_be_focused()
    expect(page.locator("#call")).to_have_attribute("href", "tel:112")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#call")).to_have_attribute("href", "tel:911")


def test_settings_leave_the_answer_to_a_danger_where_it_is(visit: Any) -> None:
    page = visit().page
    say(page, "my friend looks pale")  # heard faintly, so the talk has no topic after it
    page.locator("summary", has_text="Language, country").click()
    page.locator("[name=country]").select_option("KZ")
    expect(page.locator("#call")).to_have_attribute("href", "tel:103")
    expect(page.locator("#log .emergency").first).to_be_visible()


def test_the_talk_stays_in_the_page_and_the_keyboard_suffices(visit: Any) -> None:
    page = visit().page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#text").focus()
    page.keyboard.type("what is naloxone")
    page.keyboard.press("Enter")
    page.locator("#reply").wait_for()
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.type("two")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("lines")
    assert page.locator("#text").input_value() == "two\nlines"
    page.locator("#reply .choices button").first.focus()
    page.keyboard.press("Enter")
    page.locator(".wait").wait_for(state="detached")
    page.wait_for_function("document.activeElement.id === 'reply'")
    assert page.locator("#log .mine").count() == 2
    assert page.locator("#log article").count() == 2
    assert page.locator("#log .choices").count() == 1


def test_the_first_screen_says_nothing_to_who_looks_over_a_shoulder(visit: Any) -> None:
    for language, locale in LOCALES.items():
        page = visit(locale=locale).page
        shown = page.evaluate("document.title + document.body.innerText").lower()
        assert language == page.locator("html").get_attribute("lang")
        assert not re.search(r"overdos|drug|naltrex|nalox|передоз|нарко|налокс|sobredosis|droga|nalox", shown)


def test_names_are_right_for_a_screen_reader(visit: Any) -> None:
    page = visit().page
    say(page, DANGER["en"])
    for role, name in [
        ("link", "Call 112 emergency"),
        ("link", "Leave now"),
        ("textbox", "Your question"),
        ("button", "Send"),
        ("log", "Questions and answers"),
        ("article", "Answer"),
        ("group", "What next"),
    ]:
        assert page.get_by_role(role, name=name).count() >= 1, (role, name)
    assert page.locator(".mine").inner_text().startswith("You: ") or page.locator(".mine .unseen").count() == 1


@pytest.mark.parametrize("way", ["button", "escape"])
def test_leaving_in_a_hurry_puts_another_page_in_the_place_of_the_chat(way: str, visit: Any) -> None:
    visitor = visit()
    page = visitor.page
    say(page, DANGER["en"])
    before = page.evaluate("history.length")
    if way == "button":
        page.locator("#exit").click()
    else:
        page.locator("#text").focus()
        for _ in range(3):
            page.keyboard.press("Escape")
    page.wait_for_url(ELSEWHERE)
    assert page.evaluate("history.length") == before
    page.go_back()
    assert not page.url.startswith(visitor.served.url)


def test_one_or_two_escapes_or_slow_ones_do_not_leave(visit: Any) -> None:
    page = visit().page
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    assert page.locator("#talk").is_visible()


def test_without_scripts_leaving_is_a_link_and_the_page_says_what_that_means(visit: Any) -> None:
    visitor = visit(java_script_enabled=False)
    page = visitor.page
    page.locator("#foot summary").click()
    assert "Scripts are off here" in page.locator("#foot").inner_text()
    page.locator("#exit").click()
    page.wait_for_url(ELSEWHERE)


def test_back_and_reload_bring_no_word_again(visit: Any) -> None:
    page = visit().page
    say(page, "what is naloxone")
    page.locator("#text").fill("canaryword")
    page.locator("#foot").get_by_role("link", name="Emergency card").click()
    page.wait_for_url("**/emergency**")
    page.go_back()
    page.locator("#talk").wait_for()
    say(page, "hello")
    page.reload()
    assert page.locator("#text").input_value() == ""
    assert page.locator("#log").inner_text() == ""
    assert "canaryword" not in page.content()


def test_two_tabs_are_two_talks(visit: Any) -> None:
    visitor = visit()
    one, two = visitor.page, visitor.tab()
    say(one, "im in kazakhstan")
    say(two, "hello")
    expect(one.locator("#call")).to_have_attribute("href", "tel:103")
    expect(two.locator("#call")).to_have_attribute("href", "tel:112")


def test_without_a_connection_the_chat_shows_the_card_and_keeps_what_was_typed(visit: Any) -> None:
    visitor = visit()
    page = visitor.page
    say(page, "im in kazakhstan")
    visitor.context.set_offline(True)
    page.locator("#text").fill("hello")
    page.locator(".send").click()
    card = page.locator("#offline .reply")
    card.wait_for()
    assert "No connection" in page.locator("#offline .notice").inner_text()
    assert "Call the emergency number now" in card.inner_text()
    assert card.locator(".pointer a").first.get_attribute("href") == "tel:103"
    assert in_sight(page, "#offline")
    assert page.locator("#text").input_value() == "hello"
    visitor.context.set_offline(False)
    say(page, "hello")
    expect(page.locator("#offline")).to_be_hidden()


def test_a_step_that_was_opened_without_a_connection_stays_when_there_is_one_again(visit: Any) -> None:
    visitor = visit()
    page = visitor.page
    say(page, DANGER["en"])
    wait_until_kept(page)
    visitor.context.set_offline(True)
    page.locator("#reply .choices button").first.click()
    page.locator("#offline .step[open]").wait_for()
    for is_offline in (False, True, False):
        visitor.context.set_offline(is_offline)
        expect(page.locator("#offline .notice")).to_have_text(re.compile("No connection") if is_offline else "")
        expect(page.locator("#offline .step[open]")).to_be_visible()
    say(page, "hello")
    expect(page.locator("#offline")).to_be_hidden()


def test_the_card_once_seen_opens_without_a_server_and_leaving_takes_it_away(browser: Browser, make: Maker) -> None:
    served = Served(make())
    served.start()
    visitor = Visitor(browser, served, locale="ru-RU")
    page = visitor.tab("/emergency")
    page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("caches.keys().then((names) => names.length === 1)")
    served.stop()
    page.goto(served.url + "/emergency?country=KZ")
    assert "Звоните по экстренному номеру" in page.locator("#reply").inner_text()
    assert page.locator("#reply .pointer a").first.get_attribute("href") == "tel:103"
    page.locator("#country").select_option("US")
    expect(page.locator("#call")).to_have_attribute("href", "tel:911")
    page.locator("#step-not-breathing summary").click()
    assert page.locator("#step-not-breathing .body").is_visible()
    page.goto(served.url + "/emergency?language=es")
    assert "Llame" in page.locator("#reply").inner_text()
    page.goto(served.url + "/")
    assert page.locator("#reply.emergency").is_visible()
    served.start()
    page.goto(served.url + "/emergency")
    page.locator("#exit").click()
    page.wait_for_url(ELSEWHERE)
    again = visitor.tab("/about")
    again.wait_for_function("caches.keys().then((names) => names.length === 0)")
    again.wait_for_function("navigator.serviceWorker.getRegistrations().then((all) => all.length === 0)")
    visitor.context.close()
    served.stop()
    assert [said for said in visitor.complaints if "Failed to load resource" not in said] == []


class Away(BaseHTTPRequestHandler):
    """A proxy whose server is away."""

    def do_GET(self) -> None:
        """Bad gateway, whatever is asked for."""
        self.send_error(502)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def away() -> Iterator[Callable[[int], None]]:
    """Puts a proxy whose server is away on a port."""
    proxies: list[ThreadingHTTPServer] = []

    def put(port: int) -> None:
        proxies.append(ThreadingHTTPServer(("127.0.0.1", port), Away))
        Thread(target=proxies[-1].serve_forever, daemon=True).start()

    yield put
    for proxy in proxies:
        proxy.shutdown()
        proxy.server_close()


def test_the_card_opens_where_a_proxy_answers_for_a_server_that_is_away(
    browser: Browser, make: Maker, away: Callable[[int], None]
) -> None:
    served = Served(make())
    served.start()
    visitor = Visitor(browser, served)
    page = visitor.tab("/emergency")
    page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("caches.keys().then((names) => names.length === 1)")
    served.stop()
    away(served.port)
    for path in ("/emergency?country=KZ", "/"):
        page.goto(served.url + path)
        assert "Call the emergency number now" in page.locator("#reply").inner_text()
    visitor.context.close()


def test_the_steps_of_an_emergency_go_on_without_a_server(browser: Browser, make: Maker) -> None:
    served = Served(make())
    served.start()
    visitor = Visitor(browser, served, locale="es-ES")
    page = visitor.page
    say(page, DANGER["es"])
    wait_until_kept(page)
    served.stop()
    page.locator("#reply .choices button").first.click()
    step = page.locator("#offline .step[open]")
    step.wait_for()
    assert step.get_attribute("id") == "step-not-breathing"
    expect(step).to_be_in_viewport()
    assert page.locator("#offline .step").count() == 7
    assert page.locator("#offline .reply .pointer").is_visible()
    visitor.context.close()


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_the_page_does_not_jump_when_the_card_is_there(language: str, visit: Any) -> None:
    page = visit(locale=LOCALES[language], viewport=NARROW).page
    say(page, DANGER[language])
    before = page.locator("#reply").bounding_box()
    page.evaluate(
        """() => { window.shifts = 0; new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.shifts += entry.value; }).observe({type: "layout-shift"}); }"""
    )
    page.wait_for_timeout(600)
    assert page.locator("#reply").bounding_box() == before
    assert page.evaluate("window.shifts") == 0
    expect(page.locator("#reply .pointer")).to_be_in_viewport()


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_nothing_in_the_bar_is_cut_off_on_the_smallest_phone(language: str, visit: Any) -> None:
    page = visit(locale=LOCALES[language], viewport=NARROW).page
    for part in ("#call", "#exit"):
        assert page.locator(part).evaluate(
            "(e) => e.scrollWidth <= e.clientWidth + 1 && e.scrollHeight <= e.clientHeight + 1"
        )
        inner = page.locator(part).evaluate(
            """(e) => { const box = e.getBoundingClientRect(); return [...e.children].every((c) => {
            const own = c.getBoundingClientRect(); return own.left >= box.left && own.right <= box.right; }); }"""
        )
        assert inner


def test_the_chat_in_a_frame_is_shown_where_it_is_listed_and_nowhere_else(browser: Browser, served: Served) -> None:
    context = browser.new_context()
    frame = f'<iframe src="{served.url}/embed"></iframe>'
    for origin in ("https://school.example", "https://other.example"):
        context.route(f"{origin}/**", lambda route: route.fulfill(body=frame, content_type="text/html"))
    context.route(ELSEWHERE, lambda route: route.fulfill(body="elsewhere", content_type="text/html"))
    page = context.new_page()
    page.goto("https://school.example/")
    framed = page.frame_locator("iframe")
    framed.locator("#text").fill(DANGER["en"])
    framed.locator(".send").click()
    framed.locator("#reply.emergency").wait_for()
    with context.expect_page() as opened:
        framed.locator("#foot a[href^='/emergency']").click()
    opened.value.locator("#number").wait_for()
    opened.value.close()
    assert framed.locator("#reply.emergency").is_visible()
    framed.locator("#text").focus()
    for _ in range(3):
        page.keyboard.press("Escape")
    page.wait_for_url(ELSEWHERE)
    page.goto("https://other.example/")
    page.wait_for_timeout(500)
    assert page.frame_locator("iframe").locator("#text").count() == 0
    context.close()


STATES = {
    "start": ("/", []),
    "opened": ("/", ["open"]),
    "answer": ("/", ["what is naloxone", "open"]),
    "emergency": ("/", [DANGER["en"]]),
    "step": ("/", [DANGER["en"], "step"]),
    "dosing": ("/", ["how much naltrexone should i take"]),
    "self-harm": ("/", ["i want to kill myself"]),
    "card": ("/emergency?country=KZ", ["open"]),
    "answers": ("/answers", []),
    "topic": ("/answers/overdose-signs", ["open"]),
    "privacy": ("/privacy", []),
    "about": ("/about", []),
    "missing": ("/zebra", []),
    "embed": ("/embed", []),
    "embedded": ("/embed", ["im a parent in kazakhstan", "open"]),
    "offline": ("/", ["offline"]),
}


@pytest.mark.parametrize(("scheme", "size"), [("light", NARROW), ("dark", DESKTOP)], ids=["narrow", "dark-desktop"])
@pytest.mark.parametrize("state", STATES)
def test_nothing_stands_in_the_way_of_anybody_in_any_state(
    state: str, scheme: str, size: dict[str, int], visit: Any, axe: str
) -> None:
    path, deeds = STATES[state]
    visitor = visit(path=path, color_scheme=scheme, viewport=size, bypass_csp=True)
    page = visitor.page
    for deed in deeds:
        if deed == "open":
            page.evaluate("document.querySelectorAll('details').forEach((all) => { all.open = true; })")
        elif deed == "step":
            tap(page, page.locator("#reply .choices button").first.inner_text())
        elif deed == "offline":
            visitor.context.set_offline(True)
            page.locator("#offline .reply").wait_for()
            visitor.context.set_offline(False)
            page.evaluate("document.querySelector('#offline').hidden = false")
        else:
            say(page, deed)
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    assert [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    small = page.evaluate(
        """(thumb) => [...document.querySelectorAll('button, select, textarea, summary, .call, .exit, .links a, .list a')]
        .filter((e) => e.offsetParent && e.getBoundingClientRect().height < thumb).map((e) => e.outerHTML.slice(0, 90))""",
        THUMB,
    )
    assert small == []


@pytest.mark.parametrize("size", [NARROW, PHONE, DESKTOP], ids=["narrow", "phone", "desktop"])
def test_the_field_and_both_bars_are_in_sight_at_every_size(size: dict[str, int], visit: Any) -> None:
    page = visit(viewport=size).page
    say(page, "what is naloxone")
    for selector in ("#call", "#exit", "#text", ".send"):
        expect(page.locator(selector)).to_be_in_viewport(ratio=1)
    column = page.locator("main").bounding_box()
    assert column
    assert column["width"] <= 800


def pages_of(page: Page) -> list[str]:
    """The words of each page as it is printed on A4, without line breaks."""
    printed = PdfReader(BytesIO(page.pdf(format="A4")))
    return [" ".join(sheet.extract_text().split()) for sheet in printed.pages]


def test_the_card_is_printed_on_one_page_without_buttons(visit: Any) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(visitor.served.url + "/emergency?country=KZ")
    (printed,) = pages_of(page)
    for shown in ("Call 103", "Put the phone on speaker", "Stay until the crew takes over"):
        assert shown in printed
    for hidden in ("Leave now", "Show the number", "Step by step", "All answers"):
        assert hidden not in printed
    page.emulate_media(media="print")
    number = page.locator("#reply ol > li").first
    style = number.evaluate(
        "(e) => { const s = getComputedStyle(e, '::before'); return [s.color, s.backgroundColor]; }"
    )
    assert style == ["rgb(0, 0, 0)", "rgba(0, 0, 0, 0)"]


def test_an_answer_is_printed_from_the_top_of_the_page(visit: Any) -> None:
    page = visit().page
    say(page, DANGER["en"])
    printed = pages_of(page)
    assert "Call the emergency number now" in printed[0]
    for hidden in ("Ask your question", "Language, country", "Send", "Leave now"):
        assert not any(hidden in sheet for sheet in printed)


def test_the_page_asks_for_little_before_it_can_be_used(visit: Any) -> None:
    asked: list[str] = visit().page.evaluate(
        """(() => {
            const [page] = performance.getEntriesByType('navigation');
            const needed = performance.getEntriesByType('resource')
                .filter((one) => one.startTime < page.domContentLoadedEventEnd);
            return needed.map((one) => one.name);
        })()"""
    )
    assert len(asked) <= 3, asked


CANARY = "zyxcanary"


def test_after_a_talk_no_word_of_it_is_left_in_the_browser_or_at_the_server(
    chromium: str,
    playwright: Playwright,
    make: Maker,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    served = Served(make())
    served.start()
    context = playwright.chromium.launch_persistent_context(
        tmp_path / "profile", executable_path=chromium, args=BROWSER_OPTIONS, locale="en-US"
    )
    context.route(ELSEWHERE, lambda route: route.fulfill(body="elsewhere", content_type="text/html"))
    page = context.new_page()
    page.goto(served.url)
    say(page, f"my friend {CANARY} wont wake up")
    say(page, f"{CANARY} what now")
    page.goto(served.url + "/emergency")
    page.wait_for_function("caches.keys().then((names) => names.length === 1)")
    page.goto(served.url)
    page.locator("#text").fill(f"half typed {CANARY}")
    assert context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 0
    page.locator("#exit").click()
    page.wait_for_url(ELSEWHERE)
    context.close()
    served.stop()
    forms = (CANARY.encode(), CANARY.encode("utf-16-le"))
    left = [file for file in (tmp_path / "profile").rglob("*") if file.is_file()]
    assert left
    assert [file.name for file in left if any(form in file.read_bytes() for form in forms)] == []
    told = capfd.readouterr()
    assert CANARY not in caplog.text + told.out + told.err
