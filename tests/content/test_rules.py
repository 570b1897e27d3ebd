"""Each rule of `library check` finds its breach, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content.rules import check


def edit(path: Path, old: str, new: str) -> None:
    """One edit of a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def append(path: Path, text: str) -> None:
    """More text at the end."""
    path.write_text(path.read_text(encoding="utf-8").rstrip() + "\n\n" + text + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Take two tablets.", "amount or interval: 'two tablets'"),
        ("Take 50.", "digit: '50'"),
        ("word " * 200, "at most 900"),
        ("You are a junkie.", "unwelcome words: 'junkie'"),
        ("Help is coming.", "unwelcome words: 'Help is coming'"),
        ("Hurry!", "unwelcome words: '!'"),
        ("- a\n- b\n- c\n- d\n- e\n- f", "points, at most 5"),
        ("1. " + "long " * 20, "a step of"),
    ],
)
def test_a_text_that_breaks_a_rule_is_told(text: str, what: str, responses_copy: Path) -> None:
    append(responses_copy / "en" / "help.md", text)
    found = [fault for fault in check(responses_copy) if fault.path == "en/help.md" and what in fault.what]
    assert found
    assert all(fault.line > 0 for fault in found)


def test_what_is_missing_or_leads_nowhere_is_told(responses_copy: Path) -> None:
    (responses_copy / "ru" / "naloxone-get.md").unlink()
    edit(responses_copy / "en" / "help.md", "follow_ups: [", "follow_ups: [no-such-topic, ")
    edit(responses_copy / "en" / "language.yaml", "  od: overdose-signs", "  od: no-such-topic")
    edit(responses_copy / "es" / "language.yaml", "  ask-country:", "  ask-land:")
    told = "\n".join(str(fault) for fault in check(responses_copy))
    assert "ru/naloxone-get.md: missing in this language" in told
    assert "en/help.md: follow_ups: no response 'no-such-topic'" in told
    assert any(line.startswith("en/language.yaml") and "'no-such-topic'" in line for line in told.splitlines())
    assert "es/language.yaml: notes: 'ask-country' is missing" in told


def test_heads_fitted_on_other_questions_are_told(responses_copy: Path) -> None:
    folder = responses_copy / "en" / "questions"
    folder.mkdir()
    (folder / "small-talk.txt").write_text("hello there\n", encoding="utf-8")
    assert "model/heads.json: was fitted on other questions: run `library train`" in map(str, check(responses_copy))


def test_one_question_under_two_topics_is_told_with_its_line(responses_copy: Path) -> None:
    folder = responses_copy / "en" / "questions"
    folder.mkdir()
    (folder / "privacy.txt").write_text("is it anon\n", encoding="utf-8")
    (folder / "small-talk.txt").write_text("hi\nIs it ANON?\n", encoding="utf-8")
    assert "en/questions/small-talk.txt:2: also stands at en/questions/privacy.txt:1 with other labels" in map(
        str, check(responses_copy)
    )


def test_a_check_never_raises(tmp_path: Path) -> None:
    assert check(tmp_path)
