"""The shapes of files; faults with the line on which to mend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.content.formats import (
    DIRECTORY,
    DIRECTORY_SOURCES,
    LANGUAGE,
    LEDGER,
    SIGNALS,
    SOURCES,
    FileFault,
    TopicFile,
    UnusableFileError,
    parsed,
    read_response,
)
from bot.content.loader import find_responses
from bot.content.questions import questions_of
from bot.vocabulary import Audience, Urgency

HEAD = "---\ntitle: T\nsources: [a]\nchecked: 2026-11-25\ncarries: []\nfollow_ups: []\n---\n"


def written(tmp_path: Path, text: str) -> Path:
    """A response file."""
    path = tmp_path / "topic.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_response_has_a_head_and_voices_with_their_lines(tmp_path: Path) -> None:
    read = read_response(written(tmp_path, HEAD + "\nFor all.\n\n[teen]\nYou.\n\n[parent]\nYour child.\n"), "x")
    assert read.head.title == "T"
    assert read.voices == {None: "For all.", Audience.TEEN: "You.", Audience.PARENT: "Your child."}
    assert [read.lines[voice] for voice in (Audience.TEEN, Audience.PARENT)] == [12, 15]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "no head"),
        ("Just text.", 1, "no head"),
        (HEAD, 8, "no text"),
        (HEAD + "\n\n", 8, "no text"),
        (HEAD + "[teen]\n\n", 8, "no text"),
        (HEAD + "[teen]\na\n[teen]\nb\n", 10, "two texts for teen"),
        (HEAD.replace("title: T\n", ""), 0, "title"),
        (HEAD.replace("title: T", "title: ''"), 2, "title"),
        (HEAD.replace("sources: [a]", "sources: []"), 3, "sources"),
        (HEAD.replace("checked: 2026-11-25", "checked: soon"), 4, "checked"),
        (HEAD.replace("checked: 2026-11-25", "checked: 2026-11-31"), 4, "day is out of range"),
        (HEAD.replace("title: T", "title: 0x_"), 2, "invalid literal"),
        (HEAD.replace("carries: []", "colour: blue\ncarries: []"), 5, "colour"),
        (HEAD.replace("sources: [a]", "sources: [a"), 4, "no YAML"),
        (HEAD.replace("follow_ups: []", "follow_ups: [Not An Id]"), 6, "follow_ups"),
    ],
)
def test_a_fault_of_a_response_is_told_with_its_line(text: str, line: int, what: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableFileError) as raised:
        read_response(
            written(tmp_path, text + ("Text.\n" if text.startswith("---") and what != "no text" else "")), "x.md"
        )
    found = [(fault.path, fault.line) for fault in raised.value.faults if what in fault.what]
    assert ("x.md", line) in found


def test_a_file_that_is_no_text_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "topic.md"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UnusableFileError, match="cannot be read"):
        read_response(path, "x.md")


def test_no_and_on_are_words_and_not_booleans() -> None:
    signals = parsed("a:\n- {about: x, phrases: [no, on, yes], calm: true}\n", SIGNALS, "x", 1)
    assert signals["a"][0].phrases == ("no", "on", "yes")
    assert signals["a"][0].calm is True


SOURCE = "a: {{organisation: A, title: T, url: '{url}', kind: other, seen: full, checked: 2026-01-01}}"


@pytest.mark.parametrize("url", ["", "https://who.int/a?b=c#d", "http://www.bmj.com/content/326/7396/959"])
def test_a_source_has_an_address_of_the_web_or_none(url: str) -> None:
    assert parsed(SOURCE.format(url=url), SOURCES, "sources.yaml", 1)["a"].url == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript://x",
        "data:text/html,x",
        "//who.int",
        "/about",
        "who.int",
        "https://",
        "https://a b",
    ],
)
def test_what_is_no_address_of_the_web_is_no_address_of_a_source(url: str) -> None:
    text = SOURCE.format(url=url)
    with pytest.raises(UnusableFileError, match="url"):
        parsed(text, SOURCES, "sources.yaml", 1)
    of_the_directory = text.replace(", seen: full, checked: 2026-01-01", "")
    with pytest.raises(UnusableFileError, match="url"):
        parsed(of_the_directory, DIRECTORY_SOURCES, "directory-sources.yaml", 1)


@pytest.mark.parametrize("number", ["", "12a", "+1", " 112", "call"])
def test_an_emergency_number_is_digits(number: str) -> None:
    text = f"""
KZ:
  name: K
  checked: 2026-01-01
  emergency:
  - {{number: '{number}', for: ambulance, confidence: high, sources: [a]}}
"""
    with pytest.raises(UnusableFileError, match="number"):
        parsed(text, DIRECTORY, "directory.yaml", 1)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("\n  known: ", "\n  knwon: ", "pointer: 'known' is missing; 'knwon' is not known"),
        ("{place}: {numbers}", "{place}: {numbers", "'known': {numbers} is missing; 'known': a brace where"),
        ("{place}: {numbers}", "{place}: {{numbers}}", "'known': a brace where nothing is filled in"),
        ("911 in", "{numbers} in", "'unknown': a brace where nothing is filled in"),
        ("\n  child-elsewhere: ", "\n  child-else: ", "lines: 'child-elsewhere' is missing"),
        ("Crisis line: {line}", "Crisis line", "'crisis': {line} is missing"),
        ("\n  ask-country: ", "\n  ask-land: ", "notes: 'ask-country' is missing; 'ask-land' is not known"),
        ("Last topic: {topic}", "Last topic: {title}", "'kept-topic': {topic} is missing"),
    ],
)
def test_a_language_has_every_sentence_that_replies_need_with_its_blanks(old: str, new: str, fault: str) -> None:
    text = (find_responses() / "en" / "language.yaml").read_text(encoding="utf-8")
    assert parsed(text, LANGUAGE, "x", 1)
    with pytest.raises(UnusableFileError, match=re.escape(fault)):
        parsed(text.replace(old, new), LANGUAGE, "x", 1)


@pytest.mark.parametrize("sha", ["", "a" * 63, "A" * 64, "g" * 64])
def test_a_review_names_exact_bytes(sha: str) -> None:
    with pytest.raises(UnusableFileError, match="sha256"):
        parsed(f"- {{file: a, sha256: '{sha}', role: clinician, date: 2026-01-01}}", LEDGER, "ledger.yaml", 1)


@pytest.mark.parametrize(
    ("fault", "shown"), [(FileFault("a.md", 4, "x"), "a.md:4: x"), (FileFault("a.md", 0, "x"), "a.md: x")]
)
def test_a_fault_is_shown_with_its_place(fault: FileFault, shown: str) -> None:
    assert str(fault) == shown


TOPICS = {
    "someone-down": TopicFile(**{"for": "anyone", "urgency": "emergency", "about": "x"}),
    "small-talk": TopicFile(**{"for": "anyone", "about": "x"}),
}


def test_questions_take_their_labels_from_the_file_its_head_and_its_sections() -> None:
    plain = list(
        questions_of("hi\n\n# thanks\nthx\n# down @ someone-down\nblue\n", "small-talk", "en", "x.txt", TOPICS)
    )
    assert [(q.text, q.topic, q.group, q.line) for q in plain] == [
        ("hi", "small-talk", "en/small-talk/", 1),
        ("thx", "small-talk", "en/small-talk/thanks", 4),
        ("blue", "someone-down", "en/small-talk/down", 6),
    ]
    (down,) = questions_of("he is blue", "someone-down", "en", "x.txt", TOPICS)
    assert down.urgencies == {Urgency.EMERGENCY}
    (headed,) = questions_of("urgency: []\ndosing: true\ntopic: small-talk\n---\nhow much", "d", "en", "x.txt", TOPICS)
    assert (headed.dosing, headed.urgencies, headed.line) == (True, frozenset(), 5)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hi", "nothing"),
        ("# a @ nothing\nhi", "small-talk"),
        ("dosing: maybe\n---\nhi", "d"),
        ("---\nhi", "d"),
    ],
)
def test_questions_without_sound_labels_are_a_fault(text: str, name: str) -> None:
    with pytest.raises(UnusableFileError):
        list(questions_of(text, name, "en", "x.txt", TOPICS))
