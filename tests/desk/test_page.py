"""The reading pages: all texts with their review, what has changed, seed claims and directory, for screen, phone and paper."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from bot.cli import main
from bot.content.claims import read_claims
from bot.content.formats import DIRECTORY, SOURCES, Role, UnusableFileError, read_yaml
from bot.content.loader import find_responses, read_topics
from bot.desk.history import Change, History, Piece, word_changes
from bot.desk.manuscript import due_state
from bot.desk.page import INDEX, UnknownCountryError, make_pages, write_pages
from bot.desk.review import reviewed_files, sign_files
from bot.vocabulary import ReviewKind

SIGNED = date(2026, 1, 5)
TODAY = date(2026, 6, 1)
LATE = date(2099, 1, 1)
ROLES: tuple[Role, ...] = ("author", "second-reader")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SPOILT = (
    ("en/relapse.md", r"carries: \[.*\]", "carries: [f1, S14, x9]"),
    ("en/relapse.md", r"sources: \[", "sources: [nobody, "),
    ("en/relapse.md", r"follow_ups: \[", "follow_ups: [gone, "),
    ("ru/relapse.md", r", S14\b", ""),
    ("en/last-resort.md", r"\Z", "\n"),
    ("es/last-resort.md", r"\Z", "\n"),
    ("ru/last-resort.md", r"\Z", "\n"),
)
"""File by file: what is put instead of what."""
FEWER = """() => document.querySelectorAll("article:nth-of-type(n + 3), tr:nth-of-type(n + 12), nav li li:nth-of-type(n + 3)")
    .forEach((part) => part.remove())"""
"""Leaves some of every kind: the rest is like them, and to judge them all takes minutes."""
ADDED = "\nOne sentence was added.\n"


@dataclass
class Part(HTMLParser):
    """What a page, or a part of one, consists of."""

    html: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All that stands in it, spaces made one."""
        return re.sub(r"\s+", " ", "".join(self.texts)).strip()

    def attributes(self, name: str) -> list[str]:
        """Every value of an attribute."""
        return [value for _, attributes in self.tags if (value := attributes.get(name)) is not None]


def article(page: str, topic: str) -> Part:
    """The part of a page that is about one topic."""
    return Part(page[page.index(f'<article id="{topic}"') :].partition("</article>")[0])


def section(page: str, name: str) -> Part:
    """One of the sections after the texts."""
    return Part(page[page.index(f'<section class="group" id="{name}"') :].partition("</section>")[0])


def place(page: str, code: str) -> Part:
    """A territory's row of the directory."""
    return Part(page[page.index(f'id="in-{code}"') :].partition("</tr>")[0])


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody."""
    who = ["-c", "user.name=Editor", "-c", "user.email=editor@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the real files, all read by two, in which one text was changed after that and one was never signed."""
    real, root = find_responses(), tmp_path_factory.mktemp("desk") / "responses"
    shutil.copytree(real, root, ignore=shutil.ignore_patterns("questions", "model"))
    for role in ROLES:
        names = [(at / name).relative_to(root).as_posix() for at, here in reviewed_files(root).items() for name in here]
        sign_files(root, [name for name in names if name != "en/grief.md"], role, SIGNED)
    ledger = root / "en" / "ledger.yaml"
    kept = [line for line in ledger.read_text(encoding="utf-8").splitlines(keepends=True) if "grief.md" not in line]
    ledger.write_text("".join(kept), encoding="utf-8")
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "Sign all")
    changed = root / "en" / "detox.md"
    changed.write_text(changed.read_text(encoding="utf-8") + ADDED, encoding="utf-8")
    git(root, "commit", "-am", "Add a sentence")
    sign_files(root, ["en/relapse.md"], "clinician", TODAY)
    return root


@pytest.fixture(scope="module")
def altered(signed: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The pages of files that somebody has spoiled, where there is no git either."""
    root = tmp_path_factory.mktemp("altered") / "responses"
    shutil.copytree(signed, root, ignore=shutil.ignore_patterns(".git"))
    for file, pattern, instead in SPOILT:
        path = root / file
        text, count = re.subn(pattern, instead, path.read_text(encoding="utf-8"))
        assert count, file
        path.write_text(text, encoding="utf-8")
    return make_pages(root, ReviewKind.SOURCE_CHECKED, TODAY, None)


@pytest.fixture(scope="module")
def pages(signed: Path) -> Mapping[str, str]:
    """The pages for a reader in Kazakhstan."""
    return make_pages(signed, ReviewKind.SOURCE_CHECKED, TODAY, "KZ")


@pytest.fixture(scope="module")
def late(signed: Path) -> Mapping[str, str]:
    """The pages when nobody has read anything for long."""
    return make_pages(signed, ReviewKind.SOURCE_CHECKED, LATE, None)


@pytest.fixture(scope="module")
def written(pages: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the pages stand."""
    folder = tmp_path_factory.mktemp("pages") / "made"
    write_pages(pages, folder)
    return folder


See = Callable[[Callable[[Browser], object]], object]


@pytest.fixture(scope="module")
def see() -> Iterator[See]:
    """Looks with one browser, in a thread of its own: other tests keep a browser of theirs open in this one."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with ThreadPoolExecutor(1) as thread:
        playwright = thread.submit(lambda: sync_playwright().start()).result()
        browser = thread.submit(
            lambda: playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        ).result()
        yield lambda look: thread.submit(look, browser).result()
        thread.submit(browser.close).result()
        thread.submit(playwright.stop).result()


def test_there_is_a_page_for_each_language_and_an_index_that_leads_to_each(pages: Mapping[str, str]) -> None:
    assert set(pages) == {INDEX, "en.html", "es.html", "ru.html"}
    assert set(pages) - {INDEX} <= set(Part(pages[INDEX]).attributes("href"))


@pytest.mark.parametrize("name", [INDEX, "en.html", "es.html", "ru.html"])
def test_a_page_needs_nothing_from_anywhere(name: str, pages: Mapping[str, str]) -> None:
    page = Part(pages[name])
    assert not page.attributes("src")
    assert {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "embed", "base"} == set()
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", pages[name])
    assert any("default-src 'none'" in content for content in page.attributes("content"))


@pytest.mark.parametrize("name", [INDEX, "en.html", "es.html", "ru.html"])
def test_every_link_within_the_pages_leads_somewhere_and_no_id_stands_twice(
    name: str, pages: Mapping[str, str]
) -> None:
    page = Part(pages[name])
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    inner = {link.removeprefix("#") for link in page.attributes("href") if link.startswith("#")}
    assert inner <= set(ids)
    assert {link for link in page.attributes("href") if not link.startswith(("#", "http"))} <= set(pages)


@pytest.mark.parametrize("name", ["en.html", "es.html", "ru.html"])
def test_no_number_on_a_page_is_dialled_by_a_touch(name: str, pages: Mapping[str, str]) -> None:
    assert not [link for link in Part(pages[name]).attributes("href") if link.startswith(("tel:", "sms:"))]
    assert "telephone=no" in Part(pages[name]).attributes("content")


def test_all_texts_stand_under_their_groups_in_the_order_of_the_topics(pages: Mapping[str, str], signed: Path) -> None:
    expected = [topic for members in read_topics(signed).values() for topic in members]
    written = [topic for topic in expected if (signed / "ru" / f"{topic}.md").exists()]
    assert re.findall(r'<article id="([a-z-]+)"', pages["ru.html"]) == written


def test_both_voices_stand_side_by_side_in_their_language(pages: Mapping[str, str]) -> None:
    part = article(pages["ru.html"], "relapse")
    assert part.text.index("For teens") < part.text.index("For parents")
    assert "the default voice" in part.text
    assert ("div", {"lang": "ru"}) in part.tags
    assert "ru" in {attributes.get("lang") for tag, attributes in part.tags if tag == "h3"}


def test_in_danger_the_pointer_stands_before_the_text_and_else_after_it(pages: Mapping[str, str]) -> None:
    danger, calm = article(pages["en.html"], "someone-down").text, article(pages["en.html"], "relapse").text
    pointer = "Emergency in Kazakhstan: 103 (ambulance), 112 (all services)."
    assert danger.index(pointer) < danger.index("For anyone")
    assert calm.index("For parents") < calm.index(pointer)
    assert "https://findahelpline.com" in article(pages["en.html"], "self-harm").text


def test_without_a_country_the_pointer_is_that_of_a_reader_who_named_none(altered: Mapping[str, str]) -> None:
    assert "103 in Kazakhstan" in article(altered["en.html"], "relapse").text
    assert "a reader who named no country" in Part(altered["en.html"]).text


def test_an_unknown_country_is_refused(signed: Path) -> None:
    with pytest.raises(UnknownCountryError):
        make_pages(signed, ReviewKind.SOURCE_CHECKED, TODAY, "ZZ")


def test_a_service_that_a_language_has_no_word_for_is_told_in_place_of_a_page(responses_copy: Path) -> None:
    path = responses_copy / "es" / "language.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  ambulance:", "  ambulence:"), encoding="utf-8")
    with pytest.raises(UnusableFileError, match=r"es/language\.yaml:.*no word for 'ambulance'"):
        make_pages(responses_copy, ReviewKind.SOURCE_CHECKED, TODAY, None)


def test_choices_are_the_words_of_the_buttons_and_say_which_readers_do_not_get(pages: Mapping[str, str]) -> None:
    part = article(pages["en.html"], "withdrawal")
    shown = part.text.partition("Choices")[2].partition("Carries")[0]
    followed = re.search(r"follow_ups: \[(.*)\]", (find_responses() / "en" / "withdrawal.md").read_text("utf-8"))
    assert followed
    topics = followed[1].split(", ")
    assert [f"#{topic}" for topic in topics] == [link for link in part.attributes("href") if link[1:] in topics]
    assert ("(not served)" in shown) == ("detox" in topics or "grief" in topics)


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        ("relapse", "served author: 2026-01-05 · second reader: 2026-01-05 · clinician: 2026-06-01"),
        ("relapse", "review due 2027-01-05"),
        ("someone-down", "clinician: none"),
        ("grief", "not served author: not read yet · second reader: not read yet · clinician: none"),
        ("grief", "Never signed"),
        ("detox", "not served author: not read yet"),
    ],
)
def test_a_text_says_who_has_read_it_when_and_until_when_that_holds(
    topic: str, told: str, pages: Mapping[str, str]
) -> None:
    assert told in article(pages["en.html"], topic).text


@pytest.mark.parametrize(
    ("days", "told"), [(-31, ""), (-30, "due soon"), (-1, "due soon"), (0, "past due"), (1, "past due")]
)
def test_a_review_that_ends_is_told_thirty_days_before(days: int, told: str) -> None:
    assert due_state(TODAY, TODAY + timedelta(days)) == told


def test_a_review_past_its_day_is_told_in_words_of_texts_and_of_territories(
    late: Mapping[str, str], signed: Path
) -> None:
    assert "served past due author: 2026-01-05" in article(late["es.html"], "detox").text
    assert "past due" not in article(late["en.html"], "grief").text
    due = read_yaml(signed / "directory.yaml", DIRECTORY, "directory.yaml")["KZ"].checked + timedelta(182)
    assert f"due {due} past due" in place(late["en.html"], "KZ").text


def test_where_a_clinician_is_required_texts_without_one_are_shown_as_not_served(signed: Path) -> None:
    page = make_pages(signed, ReviewKind.CLINICIAN, TODAY, None)["en.html"]
    assert "clinician: not read yet" in article(page, "someone-down").text
    assert article(page, "relapse").text.count("not served author") == 0
    assert "clinician: not read yet" not in article(page, "last-resort").text


def test_what_was_changed_after_it_was_signed_is_shown_word_by_word(pages: Mapping[str, str]) -> None:
    part = article(pages["en.html"], "detox")
    assert "Changed since the author and the second reader signed it on 2026-01-05 (commit " in part.text
    assert "One sentence was added." in part.html[part.html.index("<ins>") : part.html.rindex("</ins>")]
    assert "unchanged lines" in part.text
    assert "<ins>" not in article(pages["en.html"], "relapse").html


def test_without_git_a_change_is_told_and_that_it_cannot_be_shown(altered: Mapping[str, str]) -> None:
    part = article(altered["en.html"], "detox")
    assert "what it was then cannot be shown: this folder is not a git checkout" in part.text
    assert "<ins>" not in part.html


def test_git_finds_the_version_with_just_these_bytes_and_none_for_others(signed: Path) -> None:
    history = History(signed)
    assert history.lacking is None
    ledger = (signed / "en" / "ledger.yaml").read_text(encoding="utf-8")
    row = re.search(r"detox\.md, sha256: ([0-9a-f]{64})", ledger)
    assert row
    found = history.find("en/detox.md", row[1])
    assert found is not None
    assert ADDED not in found.text
    assert history.find("en/detox.md", "0" * 64) is None
    assert history.find("en/relapse.md", row[1]) is None


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ("a b\n", "a c\n", [("kept", "a "), ("removed", "b"), ("added", "c"), ("kept", "\n")]),
        ("a\n", "a\nb\n", [("kept", "a\n"), ("added", "b\n")]),
        ("", "a\n", [("added", "a\n")]),
        ("1\n2\n3\n4\n5\n", "1\n2\n3\n4\nsix\n",
         [("skipped", "3 unchanged lines"), ("kept", "4\n"), ("removed", "5"), ("added", "six"), ("kept", "\n")]),
        ("1\n2\n3\n", "1\n2\n3\n4\n", [("kept", "1\n"), ("kept", "2\n"), ("kept", "3\n"), ("added", "4\n")]),
    ],
)  # fmt: skip
def test_changes_are_told_by_words_and_far_lines_are_left_out(
    old: str, new: str, pieces: list[tuple[str, str]]
) -> None:
    assert word_changes(old, new) == tuple(Piece(Change(change), text) for change, text in pieces)


def test_facts_are_carried_by_their_statements_and_what_is_left_out_is_told(
    altered: Mapping[str, str], signed: Path
) -> None:
    claims = read_claims(signed).topics["relapse"]
    part = article(altered["en.html"], "relapse")
    carried = part.text.partition("Carries")[2].partition("Sources")[0]
    assert f"f1 fact {claims.facts['f1'].says}" in carried
    assert f"f2 fact not carried {claims.facts['f2'].says}" in carried
    assert f"m1 must say not carried {claims.must['m1']}" in carried
    assert "S14 seed claim" in carried
    assert "x9 unknown Not in claims.yaml." in carried
    assert "left-out" in part.attributes("data-marks")[0].split()


def test_sources_have_their_address_their_date_and_how_much_of_them_was_read(
    pages: Mapping[str, str], signed: Path
) -> None:
    part = article(pages["es.html"], "relapse")
    sources = part.text.partition("Sources")[2]
    source = read_yaml(signed / "sources.yaml", SOURCES, "sources.yaml")["strang2003"]
    assert f"strang2003 · {source.kind} · an excerpt was read · compared {source.checked} {source.url}" in sources
    assert source.url in part.attributes("href")


def test_a_source_that_is_not_known_and_a_choice_that_leads_nowhere_are_told(altered: Mapping[str, str]) -> None:
    shown = article(altered["en.html"], "relapse").text
    assert "nobody is not in sources.yaml" in shown
    assert "gone (no such text)" in shown


@pytest.mark.parametrize("name", ["en.html", "es.html", "ru.html"])
def test_every_seed_claim_leads_to_the_texts_that_answer_it(name: str, pages: Mapping[str, str], signed: Path) -> None:
    table = section(pages[name], "seed-claims")
    seed = read_claims(signed).seed
    assert len(seed) == 35
    for id_, claim in seed.items():
        row = table.html[table.html.index(f"<b>{id_}</b>") :].partition("</tr>")[0]
        assert {f"#{topic}" for topic in claim.topics} <= set(Part(row).attributes("href"))
        assert claim.verdict in row
        assert claim.answer in Part(row).text


def test_a_text_that_has_to_answer_a_seed_claim_and_does_not_name_it_is_told(altered: Mapping[str, str]) -> None:
    rows = [
        altered[name].partition('<tr data-find><th scope="row"><b>S14</b>')[2].partition("</tr>")[0]
        for name in ("en.html", "ru.html")
    ]
    assert ["does not name it" in row for row in rows] == [False, True]


@pytest.mark.parametrize("name", ["en.html", "es.html", "ru.html"])
def test_the_directory_has_every_territory_with_every_number_and_line(
    name: str, pages: Mapping[str, str], signed: Path
) -> None:
    countries = read_yaml(signed / "directory.yaml", DIRECTORY, "directory.yaml")
    for code, country in countries.items():
        row = place(pages[name], code)
        for number in country.emergency:
            assert number.number in row.text
        for line in country.lines:
            assert (line.phone or "") in row.text
            assert re.sub(r"\s+", " ", line.name) in row.text
        assert str(country.checked) in row.text
        low = sum(
            c == "low" for c in [n.confidence for n in country.emergency] + [li.confidence for li in country.lines]
        )
        assert row.text.count("LOW confidence") == low


def test_a_line_that_readers_do_not_get_yet_says_so_and_gaps_are_named(pages: Mapping[str, str]) -> None:
    row = place(pages["ru.html"], "KZ").text
    assert "not shown to readers yet" in row
    assert "Looked for and not found: poison centre, drug help line." in row
    assert "Казахстан" in row


def test_an_entry_whose_pointer_warns_shows_what_readers_are_told(pages: Mapping[str, str]) -> None:
    row = place(pages["en.html"], "AQ").text
    assert "no number found" in row
    assert "We have no checked number for Antarctica" in row
    assert "pointer warns" not in place(pages["en.html"], "KZ").text


def test_where_the_last_resort_is_not_signed_the_page_says_why_nothing_is_served(altered: Mapping[str, str]) -> None:
    page = altered["en.html"]
    assert "Nothing of this language is served: en/last-resort.md: no review vouches for these bytes" in Part(page).text
    assert "its language is not served" in article(page, "someone-down").text


def test_the_command_writes_the_pages_and_names_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["library", "page", "--out", str(tmp_path / "made"), "--country", "kz"]) == 0
    named = capsys.readouterr().out.split()
    assert named == [str(tmp_path / "made" / name) for name in (INDEX, "en.html", "es.html", "ru.html")]
    assert all(Path(name).read_text(encoding="utf-8").startswith("<!doctype html>") for name in named)


@pytest.mark.parametrize(("arguments", "told"), [(["--country", "ZZ"], "--country"), (["--out", "/dev/null"], "--out")])
def test_what_cannot_be_made_is_told_in_one_line(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["library", "page", "--out", str(tmp_path), *arguments])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("name", [INDEX, "en.html", "ru.html"])
@pytest.mark.parametrize("script", [True, False])
def test_a_narrow_phone_never_scrolls_sideways(name: str, script: bool, written: Path, see: See) -> None:
    def look(browser: Browser) -> float:
        page = browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=script).new_page()
        page.goto((written / name).as_uri())
        page.mouse.wheel(500, 0)
        box = page.locator("h1").bounding_box()
        return box["x"] if box else -1

    assert see(look) == 12


def test_without_script_the_page_is_whole_and_shows_no_search(written: Path, see: See) -> None:
    def look(browser: Browser) -> tuple[bool, bool, bool]:
        page = browser.new_context(java_script_enabled=False).new_page()
        page.goto((written / "en.html").as_uri())
        return (
            page.locator("#filter").is_visible(),
            page.locator("#relapse").is_visible(),
            page.locator("nav li >> nth=1").is_visible(),
        )

    assert see(look) == (False, True, True)


def test_the_search_narrows_texts_and_directory_and_a_choice_leads_out_of_it(written: Path, see: See) -> None:
    def look(browser: Browser) -> list[object]:
        page = browser.new_page()
        page.goto((written / "ru.html").as_uri())
        page.fill("#words", "казахстан телефон")
        seen: list[object] = [page.locator("#in-KZ").is_visible(), page.locator("#in-FR").is_visible()]
        page.fill("#words", "")
        page.goto((written / "en.html").as_uri())
        page.select_option("#mark", "changed")
        seen.append(page.locator("article:visible").evaluate_all("found => found.map(one => one.id)"))
        page.evaluate("location.hash = '#relapse'")
        page.locator("#relapse").wait_for(state="visible")
        return seen

    assert see(look) == [False, False, ["detox"]]


def test_no_rule_of_accessibility_is_broken(written: Path, see: See) -> None:
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

    def look(browser: Browser) -> list[str]:
        page = browser.new_context(bypass_csp=True).new_page()
        page.goto((written / "ru.html").as_uri())
        page.evaluate(FEWER)
        page.evaluate(axe)
        return [str(found["id"]) for found in page.evaluate("axe.run()")["violations"]]

    assert see(look) == []


def test_paper_gets_no_search_and_each_group_begins_on_a_new_page(written: Path, see: See) -> None:
    def look(browser: Browser) -> tuple[bool, str, bytes]:
        page = browser.new_page()
        page.goto((written / "en.html").as_uri())
        page.emulate_media(media="print")
        breaks = page.locator("#group-2").evaluate("group => getComputedStyle(group).breakBefore")
        return page.locator("#filter").is_visible(), breaks, page.pdf(prefer_css_page_size=True)

    seen = see(look)
    assert isinstance(seen, tuple)
    assert seen[:2] == (False, "page")
    assert re.search(rb"MediaBox \[0 0 59[45][.\d]* 84[12][.\d]*\]", seen[2])
