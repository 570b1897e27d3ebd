"""Each rule of `library check` finds its breach in a copy that was broken, with file, line and what to mend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.content.carried import carried, cited, registry, seed_claims
from bot.content.completeness import completeness, follow_ups, labels, numbers
from bot.content.repetition import questions, sentences
from bot.content.rules import RULES, Rule, check
from bot.content.shape import endings, lengths, markup
from bot.content.shelf import Text, read_shelf
from bot.content.tongues import mixtures, scripts, untranslated
from bot.content.wording import dignity, dosing, must_not, register

FIRST = 8
"""The line on which a body begins, below a head of five keys."""


def told(root: Path, rule: Rule) -> list[str]:
    """What a rule finds in the files below a folder."""
    return [str(fault) for fault in rule(read_shelf(root)[0])]


def rewrite(path: Path, pattern: str, new: str) -> None:
    """The first match of a pattern replaced."""
    text = path.read_text(encoding="utf-8")
    changed, count = re.subn(pattern, lambda _: new, text, count=1, flags=re.MULTILINE)
    assert count == 1, f"{path.name} has no {pattern}"
    path.write_text(changed, encoding="utf-8")


def with_body(path: Path, body: str) -> None:
    """Another body below the same head."""
    head = path.read_text(encoding="utf-8").split("---\n")[1]
    path.write_text(f"---\n{head}---\n{body}\n", encoding="utf-8")


def with_key(path: Path, key: str, value: str) -> int:
    """Another value of a key of the head, and the line on which it stands."""
    rewrite(path, rf"^{key}: .*$", f"{key}: {value}")
    return path.read_text(encoding="utf-8").splitlines().index(f"{key}: {value}") + 1


HELP, DOWN = "en/help", "en/someone-down"


@pytest.mark.parametrize(
    ("rule", "file", "body", "line", "what"),
    [
        # Dosing: the guard's own table, in words and digits and in each language.
        (dosing, HELP, "Take two tablets.", 0, "amount or interval: 'two tablets'"),
        (dosing, HELP, "One.\n\nTake 50.", 2, "digit: '50'"),
        (dosing, "ru/help", "Раз в день.", 0, "amount or interval: 'Раз в день'"),
        (dosing, "es/help", "Hola.\n\nMedia pastilla.", 2, "amount or interval: 'Media pastilla'"),
        # Labels, blame, fright, false comfort, promises, numbers to call, shouting.
        (dignity, HELP, "You are a junkie.", 0, "'junkie': a label"),
        (dignity, HELP, "He is clean now.", 0, "'clean': a label"),
        (dignity, "ru/help", "Он наркоман.", 0, "'наркоман': a label"),
        (dignity, "es/help", "Es un drogadicto.", 0, "'drogadicto': a label"),
        (dignity, HELP, "It is your fault.", 0, "'your fault': blame"),
        (dignity, "ru/help", "Сам виноват.", 0, "'Сам виноват': blame"),
        (dignity, "es/help", "Es tu culpa.", 0, "'Es tu culpa': blame"),
        (dignity, HELP, "Stop.\nYou will die.", 1, "'You will die': fright"),
        (dignity, "ru/help", "Ты умрёшь.", 0, "'Ты умрёшь': fright"),
        (dignity, "es/help", "Vas a morir.", 0, "'Vas a morir': fright"),
        (dignity, HELP, "Help is coming.", 0, "'Help is coming': false comfort"),
        (dignity, HELP, "We promise it.", 0, "'We promise': false comfort or a promise"),
        (dignity, "ru/help", "Всё будет хорошо.", 0, "'Всё будет хорошо': false comfort"),
        (dignity, "es/help", "No te preocupes.", 0, "'No te preocupes': false comfort"),
        (dignity, HELP, "Call nine-one-one.", 0, "'nine-one-one': a help number"),
        (dignity, "ru/help", "Звоните: сто двенадцать.", 0, "'сто двенадцать': a help number"),
        (dignity, "es/help", "Llame al uno uno dos.", 0, "'uno uno dos': a help number"),
        (dignity, HELP, "Hurry!", 0, "unwelcome words '!': shouting"),
        (dignity, HELP, "Good 🙂", 0, "unwelcome words '🙂': shouting"),
        # What single topics must not say.
        (must_not, "en/grief", "Sorry.\nAt least it was quick.", 1, "words that this topic must not use: 'At least'"),
        (must_not, "ru/threats-for-money", "Это шантаж.", 0, "'шантаж'"),
        (must_not, "es/naloxone-wears-off", "Dura unas horas.", 0, "'horas'"),
        (must_not, "en/block-wearing-off", "It holds for weeks.", 0, "'weeks'"),
        # Shape.
        (lengths, HELP, "word " * 200, 0, "999 characters, at most 900"),
        (lengths, HELP, "- " + "word " * 40, 0, "first sentence has 199 characters, at most 160"),
        (lengths, DOWN, "1. Call.\n2. " + "long " * 20, 1, "a step of 99 characters, at most 90"),
        (lengths, DOWN, "\n".join(f"{n}. Call." for n in range(1, 8)), 6, "7 steps, at most 6"),
        (lengths, HELP, "- a\n- b\n- c\n- d\n- e\n- f", 5, "6 points, at most 5"),
        (endings, HELP, "Yes.\n\n- One.\n- Two.", 3, "ends in a list: close with one next step"),
        (endings, HELP, "1. One.\n2. Two.", 1, "ends in numbered steps"),
        (markup, HELP, "Yes.\n# Title", 1, "markup or address '#'"),
        (markup, HELP, "See [this](x).", 0, "markup or address ']('"),
        (markup, HELP, "Write to me@example.org.", 0, "markup or address 'me@example'"),
        (markup, HELP, "Go to www.example.org.", 0, "markup or address 'www.'"),
        # Register.
        (register, "ru/peer-pressure", "[teen]\nСпросите, кто вы.\n[parent]\nСпросите.", 1, "'вы': teens are addressed"),
        (register, "ru/find-help", "Тебе помогут.", 0, "'Тебе': this reader is not"),
        (register, "es/peer-pressure", "[teen]\nPregunte usted.\n[parent]\nPregunte.", 1, "'usted': teens are addressed"),
        (register, "es/find-help", "Hay ayuda para ti.", 0, "'ti': this reader is not"),
        # Languages.
        (scripts, "ru/help", "Да.\nЭто нaлоксон.", 1, "'нaлоксон' mixes letters of CYRILLIC and LATIN"),
        (scripts, "ru/help", "Это naloxone.", 0, "'naloxone' is not in "),
        (scripts, HELP, "This is налоксон.", 0, "'налоксон' is not in "),
        (mixtures, "es/help", "Llame the ambulancia.", 0, "'the' is a word of 'en'"),
        (mixtures, HELP, "Call la ambulancia pero now.", 0, "'pero' is a word of 'es'"),
    ],
)  # fmt: skip
def test_a_text_that_breaks_a_rule_is_told_with_its_line(
    rule: Rule, file: str, body: str, line: int, what: str, responses_copy: Path
) -> None:
    with_body(responses_copy / f"{file}.md", body)
    place = f"{file}.md:{FIRST + line}: "
    found = [fault for fault in told(responses_copy, rule) if fault.startswith(f"{file}.md:")]
    assert any(fault.startswith(place) and what in fault for fault in found), found


@pytest.mark.parametrize(
    ("rule", "file", "body"),
    [
        (dignity, HELP, "It is not your fault. You should have naloxone near."),
        (dignity, "es/help", "No es su culpa."),
        (register, "ru/find-help", "Можно сказать: «Я с тобой»."),
        (register, "ru/peer-pressure", "[teen]\nСпроси, где у вас помогут.\n[parent]\nСпросите."),
        (scripts, "ru/help", "Это Narcan. Напишите /emergency."),
        (endings, DOWN, "1. Call.\n2. Stay."),
        (markup, HELP, "**Call.** Then stay."),
    ],
)
def test_what_only_looks_like_a_breach_is_none(rule: Rule, file: str, body: str, responses_copy: Path) -> None:
    with_body(responses_copy / f"{file}.md", body)
    assert [fault for fault in told(responses_copy, rule) if fault.startswith(f"{file}.md")] == []


@pytest.mark.parametrize(
    ("rule", "key", "value", "what"),
    [
        (dosing, "title", "Take two tablets", "title: amount or interval: 'two tablets'"),
        (dignity, "title", "Are you an addict", "title: unwelcome words 'addict'"),
        (lengths, "title", "w" * 41, "title: over 40 characters"),
        (mixtures, "title", "Para que", "title: 'para' is a word of 'es'"),
        (cited, "sources", "[no_such_source]", "sources: 'no_such_source' is not in sources.yaml"),
        (cited, "sources", "[project]", "sources: 'project' vouches for the bot alone"),
        (cited, "sources", "[project]", "sources: none for f1: cite one of "),
        (carried, "carries", "[f99]", "carries: 'f99' is not in claims.yaml"),
        (carried, "carries", "[nowhere.f1, S36]", "carries: 'nowhere.f1' is not in claims.yaml"),
        (carried, "carries", "[f1]", "carries: m1 is not claimed: "),
        (follow_ups, "follow_ups", "[no-such-topic]", "follow_ups: no response 'no-such-topic'"),
        (follow_ups, "follow_ups", "[detox, detox]", "follow_ups: each other topic once"),
        (follow_ups, "follow_ups", "[relapse]", "follow_ups: each other topic once"),
    ],
)
def test_a_head_that_breaks_a_rule_is_told_with_its_line(
    rule: Rule, key: str, value: str, what: str, responses_copy: Path
) -> None:
    line = with_key(responses_copy / "en" / "relapse.md", key, value)
    assert any(fault.startswith(f"en/relapse.md:{line}: {what}") for fault in told(responses_copy, rule))


def test_a_text_without_a_source_is_refused(responses_copy: Path) -> None:
    line = with_key(responses_copy / "en" / "relapse.md", "sources", "[]")
    _, unreadable = read_shelf(responses_copy)
    assert any(str(fault).startswith(f"en/relapse.md:{line}: sources") for fault in unreadable)


# What belongs together.


def test_languages_that_carry_different_facts_are_told(responses_copy: Path) -> None:
    line = with_key(responses_copy / "ru" / "relapse.md", "carries", "[f1, f2, f3, f4, f5, f6, m1, m2, m3]")
    with_key(responses_copy / "en" / "relapse.md", "carries", "[f1, f2, f3, f4, f5, f6, m1, m2, m3, S14]")
    assert f"ru/relapse.md:{line}: carries: other facts than in 'en': S14" in told(responses_copy, carried)


def test_a_claim_of_the_seed_article_that_no_text_answers_is_told(responses_copy: Path) -> None:
    for topic in ("relapse", "parent-guilt"):
        with_key(responses_copy / "es" / f"{topic}.md", "carries", "[m1, m2, m3]")
    found = [fault for fault in told(responses_copy, seed_claims) if "S14: no text in 'es' answers it" in fault]
    assert len(found) == 1
    assert re.match(r"claims\.yaml:\d+: ", found[0])


@pytest.mark.parametrize(
    ("pattern", "new", "what"),
    [
        (r"^  grief:$", "  mourning:", "topics: no entry for 'grief'"),
        (r"^  grief:$", "  mourning:", "topics: 'mourning' is not in topics.yaml"),
        (r"^      f2:", "      f12:", "someone-down: f1, f2 and so on, in a row"),
        (r"sources: \[hhs_overdose, ", "sources: [nobody, ", "someone-down.f1: 'nobody' is not in sources.yaml"),
        (r"topics: \[is-blocking-nonsense, ", "topics: [mourning, ", "S01: 'mourning' is not in topics.yaml"),
    ],
)
def test_a_registry_that_does_not_hold_together_is_told(
    pattern: str, new: str, what: str, responses_copy: Path
) -> None:
    rewrite(responses_copy / "claims.yaml", pattern, new)
    assert any(fault.startswith("claims.yaml") and what in fault for fault in told(responses_copy, registry))


@pytest.mark.parametrize("content", [None, "a: [", "topics: {}\n", "topics: {}\nseed: {S1: {}}\n"])
def test_a_registry_that_cannot_be_read_is_told(content: str | None, responses_copy: Path) -> None:
    path = responses_copy / "claims.yaml"
    path.unlink() if content is None else path.write_text(content, encoding="utf-8")
    assert any(fault.path == "claims.yaml" for fault in read_shelf(responses_copy)[1])


def test_a_topic_that_is_missing_in_a_language_is_told(responses_copy: Path) -> None:
    (responses_copy / "ru" / "naloxone-get.md").unlink()
    assert "ru/naloxone-get.md: missing in this language" in told(responses_copy, completeness)
    assert any("no response 'naloxone-get'" in fault and ".md:" in fault for fault in told(responses_copy, follow_ups))


def test_a_topic_that_no_language_has_is_told_in_each(responses_copy: Path) -> None:
    for language in ("en", "es", "ru"):
        (responses_copy / language / "grief.md").unlink()
    missing = [fault for fault in told(responses_copy, completeness) if "grief.md" in fault]
    assert len(missing) == 3


def test_a_text_for_some_readers_alone_is_told(responses_copy: Path) -> None:
    with_body(responses_copy / "en" / "help.md", "[teen]\nAsk.")
    assert f"en/help.md:{FIRST + 1}: has no text for some readers: give [anyone], or both voices" in told(
        responses_copy, completeness
    )


def test_words_of_a_language_that_lead_nowhere_or_lack_are_told_with_their_line(responses_copy: Path) -> None:
    rewrite(responses_copy / "en" / "language.yaml", "  od: overdose-signs", "  od: no-such-topic")
    rewrite(responses_copy / "es" / "language.yaml", "  ambulance:", "  ambulence:")
    leads = [fault for fault in told(responses_copy, follow_ups) if "shortcuts lead to no response" in fault]
    assert len(leads) == 1
    assert re.match(r"en/language\.yaml:[1-9]\d*: ", leads[0])
    (lacking,) = told(responses_copy, labels)
    assert re.fullmatch(r"es/language\.yaml:[1-9]\d*: services: no word for 'ambulance'", lacking)


@pytest.mark.parametrize(
    ("rule", "words", "what"),
    [
        (dosing, "Take two tablets.", "amount or interval: 'two tablets'"),
        (dignity, "You are safe.", "unwelcome words 'You are safe': false comfort"),
    ],
)
def test_a_note_that_breaks_a_rule_is_told_with_its_line(
    rule: Rule, words: str, what: str, responses_copy: Path
) -> None:
    rewrite(responses_copy / "en" / "language.yaml", r"^  ask-country: .*$", f'  ask-country: "{words}"')
    found = [fault for fault in told(responses_copy, rule) if "notes.ask-country: " + what in fault]
    assert len(found) == 1
    assert re.match(r"en/language\.yaml:[1-9]\d*: ", found[0])


def test_a_number_without_a_source_is_told(responses_copy: Path) -> None:
    rewrite(responses_copy / "directory.yaml", r"sources: \[\w+", "sources: [nobody")
    assert any(re.match(r"directory\.yaml:[1-9]\d*: .*no source 'nobody'", fault) for fault in told(responses_copy, numbers))  # fmt: skip


# What stands twice.

TWICE = "Nobody in the whole world has ever said this before now."


def test_a_sentence_in_two_topics_is_told_unless_on_purpose(responses_copy: Path) -> None:
    for topic in ("detox", "relapse"):
        with_body(responses_copy / "en" / f"{topic}.md", f"Yes.\n\n- {TWICE}\n\nAsk a doctor.")
    (found,) = [fault for fault in told(responses_copy, sentences) if "en/relapse.md" in fault]
    assert found.startswith(f"en/relapse.md:{FIRST + 2}: also in en/detox.md:{FIRST + 2}: {TWICE!r}; tell it otherwise")
    rewrite(responses_copy / "shared-sentences.yaml", "^en:$", f"en:\n- {TWICE}")
    assert [fault for fault in told(responses_copy, sentences) if TWICE in fault] == []


def test_a_sentence_of_an_emergency_answer_may_stand_anywhere(responses_copy: Path) -> None:
    for topic in ("someone-down", "relapse"):
        with_body(responses_copy / "en" / f"{topic}.md", TWICE)
    assert [fault for fault in told(responses_copy, sentences) if TWICE in fault] == []


def test_a_shared_sentence_that_is_not_shared_is_told(responses_copy: Path) -> None:
    rewrite(responses_copy / "shared-sentences.yaml", "^en:$", f"en:\n- {TWICE}")
    line = (responses_copy / "shared-sentences.yaml").read_text(encoding="utf-8").splitlines().index(f"- {TWICE}") + 1
    assert any(f.startswith(f"shared-sentences.yaml:{line}: en: ") for f in told(responses_copy, sentences))


def test_a_sentence_that_is_the_same_in_two_languages_is_told(responses_copy: Path) -> None:
    with_body(responses_copy / "en" / "relapse.md", "Uno.\n\nSi no despierta nadie.")
    with_body(responses_copy / "es" / "relapse.md", "Uno.\n\nSi no despierta nadie.")
    line = with_key(responses_copy / "es" / "detox.md", "title", "What is detox")
    with_key(responses_copy / "en" / "detox.md", "title", "What is detox")
    found = told(responses_copy, untranslated)
    assert f"es/relapse.md:{FIRST + 2}: untranslated: 'Si no despierta nadie.' is also in en/relapse.md" in found
    assert f"es/detox.md:{line}: title: untranslated: the same as in 'en'" in found


def test_one_question_under_two_topics_is_told_with_its_line(responses_copy: Path) -> None:
    folder = responses_copy / "en" / "questions"
    folder.mkdir()
    (folder / "privacy.txt").write_text("is it anon\n", encoding="utf-8")
    (folder / "small-talk.txt").write_text("hi\nIs it ANON?\n", encoding="utf-8")
    found = told(responses_copy, questions)
    assert "en/questions/small-talk.txt:2: also stands at en/questions/privacy.txt:1 with other labels" in found
    assert "model/heads.json: was fitted on other questions: run `library train`" in found


# The whole.


@pytest.mark.parametrize(
    "body", ["One. Two!\n\n- **Three.**\n- Four?  Five…\n\nSix", "1. One.\n2. Two", "", "\n\n", "A.B. C"]
)
def test_sentences_stand_where_they_are_said_to(body: str) -> None:
    text = Text("en", "help", "service", None, "en/help.md", FIRST, body)
    for offset, sentence in text.sentences():
        assert body[offset:].replace("**", "").startswith(sentence)
    assert "".join(sentence for _, sentence in text.sentences()).count("- ") == 0


def test_a_check_tells_the_breaches_of_all_rules_and_of_the_ledger(responses_copy: Path) -> None:
    with_body(responses_copy / "en" / "help.md", "Hurry! Take two tablets.\n\n- Now.")
    found = [str(fault) for fault in check(responses_copy) if fault.path == "en/help.md"]
    for what in ("shouting", "amount or interval", "ends in a list", "no review vouches"):
        assert any(what in fault for fault in found), what


def test_a_check_never_raises(tmp_path: Path) -> None:
    assert check(tmp_path)


def test_every_rule_says_what_it_keeps() -> None:
    assert all(rule.__doc__ for rule in RULES.values())
