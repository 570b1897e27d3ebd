"""Pages, as they are without scripts."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from html import unescape

import pytest
from starlette.testclient import TestClient

from bot.channels.web.limits import Limits
from bot.channels.web.preferences import accepted
from bot.conversation.library import Library
from bot.markup import plain
from tests.channels.web.conftest import SOMEWHERE, Maker

DANGER = {"en": "my friend wont wake up", "ru": "мой друг не просыпается", "es": "mi amigo no despierta"}
PAGES = ("/", "/emergency", "/answers", "/answers/overdose-signs", "/answers/ru/overdose-signs", "/privacy", "/about")


def text_of(page: str) -> str:
    """All words of a page, without marks, spaces made one."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def field(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_every_page_says_whom_to_call_how_to_leave_and_runs_nothing_inline(
    path: str, language: str, client: TestClient
) -> None:
    answer = client.get(path, headers={"accept-language": language})
    page = answer.text
    assert answer.status_code == 200
    assert 'href="tel:112"' in page
    assert 'id="exit"' in page
    assert "set-cookie" not in answer.headers
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style|javascript:", page)
    assert not re.search(r'(?:src|href)="(?:https?:)?//(?![a-z.]+/"|[^"]*" rel=)', page.split("<body")[0])
    if path != "/answers/ru/overdose-signs":
        assert f'<html lang="{language}">' in page


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("de,es;q=0.5,en;q=0.4", "es"),
        ("fr", None),
        ("", None),
        ("en;q=0", None),
        (";;;,,q=1", None),
        ("ru;q=abc", None),
        ("RU", "ru"),
        ("*", None),
    ],
)
def test_the_language_is_the_one_that_a_browser_wants_most(header: str, language: str | None) -> None:
    assert accepted(header, ("en", "es", "ru")) == language


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_an_emergency_goes_first_and_steps_are_one_tap_each(language: str, client: TestClient) -> None:
    start = client.get("/", headers={"accept-language": language}).text
    form = {"text": DANGER[language], "state": field(start, "state"), "shown": language, "language": language}
    page = client.post("/", data=form).text
    log = page[page.index('id="log"') :]
    assert log.index('class="pointer"') < log.index("<ol>") < log.index('class="choices"')
    assert 'class="reply emergency"' in log
    step = re.search(r'name="send" value="(/answer step-not-breathing)"', log)
    assert step
    next_ = client.post("/", data={**form, "text": "", "send": step[1], "state": field(page, "state")}).text
    assert 'class="reply emergency"' in next_
    assert 'value="/answer step-no-naloxone"' in next_


def test_the_talk_goes_on_by_its_token_and_ends_with_it(client: TestClient) -> None:
    first = client.post("/", data={"text": "im in kazakhstan"}).text
    assert "tel:103" in first
    told = {"state": field(first, "state"), "country": "KZ", "language": "en"}
    assert 'class="reply emergency"' in client.post("/", data={**told, "text": DANGER["en"]}).text
    assert 'value="KZ" selected' in client.post("/", data={**told, "text": "hello"}).text
    forgotten = client.post("/", data={**told, "text": "/forget"}).text
    assert 'value="KZ" selected' not in forgotten
    assert 'value="KZ" selected' not in client.get("/").text


def test_what_the_bar_says_is_what_holds(client: TestClient) -> None:
    page = client.post("/", data={"text": "what is naloxone", "country": "US", "language": "en"}).text
    state = field(page, "state")
    applied = client.post(
        "/", data={"apply": "1", "state": state, "country": "KZ", "language": "ru", "audience": "parent", "shown": "en"}
    ).text
    assert '<html lang="ru">' in applied
    assert "Казахстан): " in text_of(applied)
    assert 'value="parent" selected' in applied
    none = client.post("/", data={"apply": "1", "state": state, "country": "", "language": "en"}).text
    assert "from a mobile phone in many countries" in none


def test_a_country_that_was_chosen_in_the_bar_holds_in_an_emergency_and_one_that_was_named_in_passing_does_not(
    client: TestClient,
) -> None:
    page = client.post("/", data={"text": "my uncle died of an overdose in spain", "language": "en"}).text
    assert 'value="ES" selected' in page
    danger = {"text": DANGER["en"], "state": field(page, "state"), "language": "en"}
    assert 'value="ES" selected' not in client.post("/", data={**danger, "country": "ES"}).text
    chosen = client.post("/", data={**danger, "country": "KZ"}).text
    assert 'value="KZ" selected' in chosen
    assert "tel:103" in chosen


def test_settings_before_any_question_change_the_first_page(client: TestClient) -> None:
    page = client.post("/", data={"apply": "1", "country": "KZ", "language": "es"}).text
    assert '<html lang="es">' in page
    assert "tel:103" in page
    assert "<article id=" not in page


def test_words_are_never_sent_back(client: TestClient) -> None:
    for text in ("zebra zebra", "<script>zebra</script>", "/country zebra", "my friend zebra wont wake up"):
        assert "zebra" not in client.post("/", data={"text": text}).text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"text": "", "state": "", "send": ""},
        {"state": "x" * 10_000},
        {"language": "zebra", "country": "zebra", "audience": "zebra", "shown": "zebra"},
        {"text": "\x00\ud7ff"},
        {"send": "/answer zebra"},
        {"apply": "1", "state": "zebra"},
    ],
)
def test_whatever_the_form_brings_a_page_with_a_number_comes(form: dict[str, str], client: TestClient) -> None:
    answer = client.post("/", data=form)
    assert answer.status_code == 200
    assert "tel:112" in answer.text
    assert "zebra" not in answer.text


def test_a_file_in_the_form_is_refused_with_a_number(client: TestClient) -> None:
    answer = client.post("/", files={"text": ("a", b"x")}, headers={"accept": "text/html"})
    assert answer.status_code == 400
    assert "tel:112" in answer.text


def test_a_live_page_gets_the_reply_alone_and_in_another_language_all(client: TestClient) -> None:
    live = {"x-part": "reply"}
    part = client.post("/", data={"text": DANGER["en"], "shown": "en"}, headers=live).text
    assert 'id="reply"' in part
    assert 'id="top"' not in part
    whole = client.post("/", data={"text": DANGER["ru"], "shown": "en"}, headers=live).text
    assert 'id="reply"' in whole
    assert 'id="top"' in whole


def test_over_the_limit_a_danger_is_answered_and_all_else_gets_the_card(make: Maker) -> None:
    with TestClient(make(limits=Limits(burst=1, per_second=0.01)), client=SOMEWHERE) as client:
        client.post("/", data={"text": "hello"})
        refused = client.post("/", data={"text": "hello"})
        assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
        assert 'class="reply emergency"' in refused.text
        assert "Too many messages" in refused.text
        danger = client.post("/", data={"text": DANGER["en"]})
        assert danger.status_code == 200
        after = client.post("/", data={"text": "what now", "state": field(danger.text, "state")})
        assert after.status_code == 200
        assert client.get("/emergency").status_code == 200


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_the_card_has_the_vetted_words_every_country_and_the_steps(
    language: str, client: TestClient, web_library: Library
) -> None:
    page = text_of(client.get(f"/emergency?language={language}").text)
    bare = page.replace(" ", "")
    for topic in ("someone-down", "step-not-breathing", "step-naloxone", "step-woke-up"):
        response = web_library.response(language, topic)
        assert response
        body = re.sub(r"^(?:\d\.|-) ", "", plain(response.text(None, None)), flags=re.MULTILINE)
        assert "".join(body.split()) in bare
    for country in web_library.directory.countries:
        assert "".join(plain(web_library.pointer(language, country).text).split()) in bare


@pytest.mark.parametrize("country", ["KZ", "US", "AQ"])
def test_the_steps_are_the_same_in_every_country(country: str, client: TestClient) -> None:
    def steps(path: str) -> str:
        return client.get(path).text.split('class="steps"')[1].split("</section>")[0]

    assert steps(f"/emergency?language=es&country={country}") == steps("/emergency?language=es")


def test_the_card_names_the_number_of_the_country_that_was_picked(client: TestClient) -> None:
    page = client.get("/emergency?language=en&country=kz").text
    assert page.index("tel:103") < page.index("<ol>")
    assert 'id="call" class="call" data-part href="tel:103"' in page


def test_answers_can_be_found_and_read_in_each_language(client: TestClient, web_library: Library) -> None:
    for language in web_library.languages:
        listed = client.get("/answers", params={"language": language}).text
        topics = re.findall(rf'href="(/answers/{language}/[a-z-]+)"', listed)
        assert len(topics) > 20
        for path in topics:
            page = client.get(path)
            assert page.status_code == 200
            assert 'class="pointer"' in page.text
            assert 'rel="canonical"' in page.text
            assert "noindex" not in page.text
            assert "https://" in page.text.split("<main")[1]
    assert "noindex" in client.get("/").text


@pytest.mark.parametrize("form", [None, {"text": "/answer about-bot"}], ids=["page", "chat"])
def test_a_source_without_an_address_is_named_without_a_link(form: dict[str, str] | None, client: TestClient) -> None:
    page = client.post("/", data=form).text if form else client.get("/about").text
    assert "<li>This project: How the bot works" in page
    assert 'href=""' not in page


def test_search_engines_are_led_to_answers_and_the_card_and_not_to_the_chat(make: Maker, web_library: Library) -> None:
    root = "https://bot.example"
    with TestClient(make(public_url=root + "/")) as client:
        assert f"Sitemap: {root}/sitemap.xml" in client.get("/robots.txt").text
        answer = client.get("/sitemap.xml")
        listed = [unescape(url) for url in re.findall("<loc>(.*?)</loc>", answer.text)]
        assert answer.headers["content-type"] == "application/xml"
        assert f"{root}/emergency?language=ru" in listed
        assert f"{root}/answers/es/overdose-signs" in listed
        assert len(listed) == len(set(listed)) > 150
        assert not any(url in listed for url in (root, f"{root}/"))
        for url in listed:
            page = client.get(url.removeprefix(root)).text
            assert f'<link rel="canonical" href="{url}">' in page
            for language in (*web_library.languages, "x-default"):
                other = re.search(f'hreflang="{language}" href="{root}([^"]+)"', page)
                assert other
            assert "noindex" not in page


def lacking(library: Library, languages: Collection[str], topics: Collection[str]) -> Library:
    """The library with these texts withheld."""
    kept = {key: text for key, text in library.responses.items() if key[0] not in languages or key[1] not in topics}
    return replace(library, responses=kept)


@pytest.mark.parametrize("languages", [("en", "es", "ru"), ("en",), ("ru",)], ids="-".join)
@pytest.mark.parametrize("topics", [("privacy",), ("about-bot",), ("someone-down", "welcome")], ids="-".join)
def test_where_a_text_is_withheld_all_else_is_served_and_no_link_leads_to_it(
    topics: tuple[str, ...], languages: tuple[str, ...], make: Maker, web_library: Library
) -> None:
    root = "https://bot.example"
    app = make(lacking(web_library, languages, topics), public_url=root)
    with TestClient(app, client=SOMEWHERE, raise_server_exceptions=False) as client:
        listed = re.findall("<loc>(.*?)</loc>", client.get("/sitemap.xml").text)
        assert len(listed) > 100
        links = {"/", *listed}
        for path in ("/", "/emergency", "/answers", "/privacy", "/about"):
            for language in web_library.languages:
                page = client.get(path, params={"language": language}, headers={"accept": "text/html"})
                assert page.status_code == 200 or path in {"/privacy", "/about"}
                assert "tel:112" in page.text
                assert page.headers["content-type"].startswith("text/html")
                links |= set(re.findall(r'href="((?:/|https://bot\.example)[^"]*)"', page.text))
        assert [link for link in links if client.get(unescape(link).removeprefix(root)).status_code != 200] == []


def test_where_only_the_last_resort_is_signed_the_chat_the_card_and_errors_still_say_whom_to_call(
    make: Maker, web_library: Library
) -> None:
    alone = lacking(web_library, web_library.languages, set(web_library.topics) - {"last-resort"})
    with TestClient(make(alone), client=SOMEWHERE, raise_server_exceptions=False) as client:
        statuses = {"/": 200, "/emergency": 200, "/answers": 200, "/privacy": 404, "/about": 404, "/zebra": 404}
        for path, status in statuses.items():
            page = client.get(path, headers={"accept": "text/html"})
            assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
            assert "tel:112" in page.text
            assert 'href="/privacy' not in page.text


OUTSIDE = ('target="_blank" rel="noopener noreferrer"', 'target="_top"')
INSIDE = re.compile(r'href="(?:tel:|sms:|#|/embed\?)')


def leading_astray(page: str) -> list[str]:
    """The links of a page in a frame that would put another one in its place."""
    links = re.findall("<a [^>]*>", page)
    return [link for link in links if not INSIDE.search(link) and not any(way in link for way in OUTSIDE)]


@pytest.mark.parametrize("headers", [{}, {"x-part": "reply"}], ids=["whole", "reply alone"])
@pytest.mark.parametrize("text", ["", "what is naloxone", "my friend wont wake up", "i want to kill myself"])
def test_in_a_frame_no_link_puts_another_page_in_the_place_of_the_chat(
    text: str, headers: dict[str, str], make: Maker
) -> None:
    with TestClient(make(embed_origins=("https://school.example",)), client=SOMEWHERE) as client:
        form = {"text": text, "country": "AQ", "language": "en", "shown": "en"}
        page = client.post("/embed", data=form, headers=headers) if text else client.get("/embed?country=AQ")
        assert ("https://findahelpline.com" in page.text) == ("kill" in text)
        assert leading_astray(page.text) == []
        assert "_blank" not in client.post("/", data=form).text


def test_in_a_frame_an_error_leads_back_to_the_chat_there(make: Maker) -> None:
    with TestClient(make(embed_origins=("https://school.example",)), client=SOMEWHERE) as client:
        page = client.post("/embed", files={"text": ("a", b"x")}, headers={"accept": "text/html"})
        assert page.status_code == 400
        assert 'class="button" href="/embed?language=en"' in page.text
        assert leading_astray(page.text) == []


def test_without_an_address_of_ours_there_is_no_list_of_pages(client: TestClient) -> None:
    assert client.get("/sitemap.xml").status_code == 404
    assert "Sitemap" not in client.get("/robots.txt").text


@pytest.mark.parametrize(
    "path", ["/answers/zebra", "/answers/zz/overdose-signs", "/answers/en/zebra", "/zebra", "/answers/"]
)
def test_what_is_not_there_says_so_and_whom_to_call(path: str, client: TestClient) -> None:
    page = client.get(path, headers={"accept": "text/html", "accept-language": "ru"})
    assert page.status_code == 404
    assert "tel:112" in page.text
    assert "Звоните" in page.text
    assert "zebra" not in page.text
    told = client.get(path)
    assert (told.status_code, told.json()["emergency_contact"]["number"]) == (404, "112")


def test_the_first_load_is_small(client: TestClient) -> None:
    assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', client.get("/").text)
    sizes = {}
    for path in ("/", *assets, "/emergency"):
        with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as answer:
            sizes[path] = sum(len(part) for part in answer.iter_raw())
    assert sum(size for path, size in sizes.items() if path != "/emergency") < 60_000
    assert sizes["/emergency"] < 60_000
    print(sizes)
