"""Only what was vetted is served; whatever is broken is told, and what is sound goes on."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from bot.content.formats import UnusableFileError
from bot.content.ledger import ROLES, hash_of, read_ledger, sign
from bot.content.loader import ContentError, find_responses, load
from bot.content.rules import check
from bot.conversation.library import Library
from bot.markup import plain_reply
from bot.vocabulary import PassageKind, Profile, ReviewKind, Urgency
from tests.conftest import NOON, Talk

UNVETTED = "no review vouches for these bytes: not served"


def change_a_byte(path: Path) -> None:
    """Another last letter."""
    content = path.read_bytes().rstrip()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) + b"\n")


@pytest.fixture
def english_copy(responses_copy: Path) -> Path:
    """A copy in one language, which is read in a third of the time."""
    for language in ("es", "ru"):
        shutil.rmtree(responses_copy / language)
    return responses_copy


def own_model(root: Path) -> Path:
    """A folder of the model in which single files can be broken."""
    real = find_responses() / "model"
    (root / "model").unlink()
    (root / "model").mkdir()
    for path in real.iterdir():
        (root / "model" / path.name).symlink_to(path)
    return root / "model"


def replaced(path: Path, content: bytes) -> None:
    """The file in place of a link to another."""
    path.unlink()
    path.write_bytes(content)


def assert_helps(library: Library) -> None:
    """Whatever else is broken, an emergency gets a pointer first, in each language that is served."""
    for language in library.languages:
        reply = Talk(library).say("/emergency", told=Profile(language, "KZ")).reply
        assert reply.passages[0].kind is PassageKind.POINTER
        assert "103" in reply.passages[0].text


def test_an_untouched_copy_is_as_sound_as_the_original(responses_copy: Path, library: Library) -> None:
    copy = load(responses_copy).library
    assert copy.manifest == library.manifest
    assert set(copy.responses) == set(library.responses)


@pytest.mark.parametrize(
    ("language", "topic", "text"),
    [("en", "naloxone-what-is", "what is naloxone"), ("ru", "overdose-signs", "какие признаки передозировки"),
     ("es", "naltrexone-what-is", "qué es la naltrexona")],
)  # fmt: skip
def test_a_response_with_one_byte_changed_is_not_served_but_told_and_a_reply_still_comes(
    language: str, topic: str, text: str, responses_copy: Path
) -> None:
    path = responses_copy / language / f"{topic}.md"
    change_a_byte(path)
    loaded = load(responses_copy)
    assert f"{language}/{topic}.md: {UNVETTED}" in [str(fault) for fault in loaded.faults]
    assert (language, topic) not in loaded.library.responses
    for asked in (text, f"/answer {topic}"):
        turn = Talk(loaded.library).say(asked, told=Profile(language))
        assert turn.reply.topic == "out-of-scope"
        assert turn.reply.abstained
        assert turn.faults == ()
        assert f"/answer {topic}" not in [choice.send for choice in turn.reply.choices]
    assert_helps(loaded.library)


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_an_emergency_answer_that_lapsed_gives_way_to_the_last_resort(language: str, responses_copy: Path) -> None:
    change_a_byte(responses_copy / language / "someone-down.md")
    loaded = load(responses_copy)
    turn = Talk(loaded.library).say("/emergency", told=Profile(language, "KZ"))
    assert turn.reply.topic == "last-resort"
    assert_helps(loaded.library)


def test_a_date_that_the_calendar_lacks_costs_its_file_alone(english_copy: Path) -> None:
    path = english_copy / "en" / "naloxone-what-is.md"
    text = re.sub("(?m)^checked: .*$", "checked: 2026-11-31", path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    loaded = load(english_copy)
    line = text[: text.index("checked: ")].count("\n") + 1
    assert f"en/naloxone-what-is.md:{line}: no YAML: day is out of range for month" in map(str, loaded.faults)
    assert ("en", "naloxone-what-is") not in loaded.library.responses
    assert_helps(loaded.library)


def test_a_language_whose_words_or_last_resort_lapsed_is_not_served(responses_copy: Path) -> None:
    change_a_byte(responses_copy / "ru" / "last-resort.md")
    change_a_byte(responses_copy / "es" / "places.yaml")
    loaded = load(responses_copy)
    assert loaded.library.languages == ("en",)
    told = [str(fault) for fault in loaded.faults]
    assert f"ru/last-resort.md: {UNVETTED}" in told
    assert f"es/places.yaml: {UNVETTED}" in told
    reply = Talk(loaded.library).say("он не дышит").reply
    assert reply.language == "en"
    assert_helps(loaded.library)


@pytest.mark.parametrize(
    "content", ["", "- {", "- {file: a}", "a: 1", "\x00", "- {file: a, sha256: b, role: c, review: d, date: e}"]
)
def test_a_broken_ledger_serves_nothing_of_its_folder(content: str, responses_copy: Path) -> None:
    (responses_copy / "es" / "ledger.yaml").write_text(content, encoding="utf-8")
    loaded = load(responses_copy)
    assert loaded.library.languages == ("en", "ru")
    assert any(fault.path == "es/ledger.yaml" for fault in loaded.faults)
    assert any(str(fault) == f"es/someone-down.md: {UNVETTED}" for fault in loaded.faults)
    assert_helps(loaded.library)


@pytest.mark.parametrize("name", ["topics.yaml", "sources.yaml", "directory.yaml", "ledger.yaml"])
@pytest.mark.parametrize("content", [None, "a: [", "a: 1\n", "\x00"])
def test_without_what_everything_needs_the_bot_does_not_start_and_says_why(
    name: str, content: str | None, english_copy: Path
) -> None:
    if content is None:
        (english_copy / name).unlink()
    else:
        (english_copy / name).write_text(content, encoding="utf-8")
    with pytest.raises(ContentError) as raised:
        load(english_copy)
    assert any(fault.path == name for fault in raised.value.faults)
    assert name in str(raised.value)


def test_every_fault_is_told_and_not_the_first_alone(english_copy: Path) -> None:
    (english_copy / "topics.yaml").write_text("a: [", encoding="utf-8")
    (english_copy / "sources.yaml").unlink()
    change_a_byte(english_copy / "directory.yaml")
    with pytest.raises(ContentError) as raised:
        load(english_copy)
    assert {fault.path for fault in raised.value.faults} >= {"topics.yaml", "sources.yaml", "directory.yaml"}


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError):
        load(tmp_path)
    with pytest.raises(ContentError):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["language.yaml", "places.yaml"])
@pytest.mark.parametrize("content", [None, "a: [", "colour: blue\n"])
def test_a_missing_or_broken_language_file_costs_that_language_alone(
    name: str, content: str | None, responses_copy: Path
) -> None:
    path = responses_copy / "es" / name
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="utf-8")
    loaded = load(responses_copy)
    assert loaded.library.languages == ("en", "ru")
    if not (content is None and name == "language.yaml"):  # then there is no sign that es was to be a language
        assert any(fault.path == f"es/{name}" for fault in loaded.faults)
    assert_helps(loaded.library)


def signed_with(root: Path, name: str, old: str, new: str) -> None:
    """A file with other words, which two readers have signed all the same."""
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    for role in ROLES:
        sign(path.parent, (path.name,), role, NOON.date())


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("\n  crisis: ", "\n  crises: ", "lines: 'crisis' is missing; 'crises' is not known"),
        ("{place}: {numbers}", "{plase}: {numbers}", "{place} is missing"),
        ("\n  ambulance: ", "\n  ambulence: ", "services: no word for 'ambulance'"),
        ("\n  kept-language: ", "\n  kept-lenguage: ", "notes: 'kept-language' is missing"),
    ],
)
def test_a_word_that_replies_need_and_a_language_lacks_costs_that_language_alone(
    old: str, new: str, fault: str, responses_copy: Path
) -> None:
    signed_with(responses_copy, "es/language.yaml", old, new)
    loaded = load(responses_copy)
    assert loaded.library.languages == ("en", "ru")
    (told,) = [told for told in loaded.faults if told.path == "es/language.yaml"]
    assert fault in told.what
    assert told.line
    assert told in check(responses_copy)


@pytest.mark.parametrize(
    ("name", "old", "new", "faults"),
    [
        ("directory.yaml", "\nunknown:\n", "\nXX:\n", ["directory.yaml: no entry `unknown` with a number"]),
        ("directory.yaml", "for: police,", "for: polise,", ["en/language.yaml:10: services: no word for 'polise'"]),
    ],
)
def test_a_directory_that_no_language_can_show_is_told_without_a_traceback(
    name: str, old: str, new: str, faults: list[str], english_copy: Path
) -> None:
    signed_with(english_copy, name, old, new)
    with pytest.raises(ContentError) as raised:
        load(english_copy)
    assert [str(fault) for fault in raised.value.faults] == faults
    assert set(raised.value.faults) <= set(check(english_copy))


def test_web_words_that_cannot_be_filled_in_are_not_served(english_copy: Path) -> None:
    signed_with(english_copy, "en/web.yaml", "{number}", "{numbr}")
    loaded = load(english_copy)
    assert [str(fault) for fault in loaded.faults] == [
        "en/web.yaml:4: call: {number} is missing; a brace where nothing is filled in"
    ]
    assert loaded.library.words["en"].web == {}


def test_foreign_languages_without_a_sentence_for_the_unknown_keep_the_one_that_is_always_there(
    english_copy: Path,
) -> None:
    signed_with(english_copy, "languages.yaml", "\nunknown:\n", "\nxx:\n")
    assert load(english_copy).library.foreign_sentences["unknown"]


@pytest.mark.parametrize("content", [None, "a: [", "someone-down:\n- {about: x, phrases: [he ..]}\n"])
def test_broken_signals_are_told_and_the_language_goes_on(content: str | None, responses_copy: Path) -> None:
    path = responses_copy / "en" / "signals.yaml"
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="utf-8")
    loaded = load(responses_copy)
    assert any(fault.path == "en/signals.yaml" for fault in loaded.faults)
    assert loaded.library.languages == ("en", "es", "ru")
    # The model hears what the signals do not.
    assert Talk(loaded.library).say("my friend is not breathing").reply.urgency is Urgency.EMERGENCY


def test_missing_foreign_languages_cost_their_sentences_alone(responses_copy: Path) -> None:
    (responses_copy / "languages.yaml").unlink()
    loaded = load(responses_copy)
    assert loaded.library.languages == ("en", "es", "ru")
    turn = Talk(loaded.library).say("bonjour je ne sais pas quoi faire pour mon ami")
    assert turn.reply.passages
    assert_helps(loaded.library)


# The model.


def assert_without_model(root: Path) -> None:
    """It starts, says so, and signals, shortcuts and commands go on."""
    loaded = load(root)
    assert loaded.library.encoder is None
    assert loaded.library.heads is None
    assert any(fault.path.startswith("model") for fault in loaded.faults)
    assert_helps(loaded.library)
    assert Talk(loaded.library).say("he is not breathing").reply.urgency is Urgency.EMERGENCY
    assert Talk(loaded.library).say("narcan").reply.topic == "naloxone-what-is"
    reply = Talk(loaded.library).say("what is the difference between those two medicines").reply
    assert reply.abstained
    assert "112" in plain_reply(reply.passages)


def test_a_missing_model_is_told_and_signals_go_on(english_copy: Path) -> None:
    (english_copy / "model").unlink()
    assert_without_model(english_copy)


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json", "card.json", "heads.json", "heads.npz"])
@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff damaged"])
def test_a_damaged_file_of_the_model_is_told_and_signals_go_on(name: str, content: bytes, english_copy: Path) -> None:
    replaced(own_model(english_copy) / name, content)
    assert_without_model(english_copy)


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff damaged"])
def test_damaged_words_are_told_and_the_model_goes_on_without_them(content: bytes, english_copy: Path) -> None:
    replaced(own_model(english_copy) / "words.json", content)
    loaded = load(english_copy)
    assert [fault.path for fault in loaded.faults] == ["model/words.json"]
    assert loaded.library.heads
    assert not loaded.library.spelling.known


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff damaged"])
def test_a_damaged_glance_is_told_and_all_else_goes_on(content: bytes, english_copy: Path) -> None:
    replaced(own_model(english_copy) / "glance.npz", content)
    loaded = load(english_copy)
    assert [fault.path for fault in loaded.faults] == ["model/glance.npz"]
    assert loaded.library.heads
    assert loaded.library.glance is None
    assert_helps(loaded.library)


def test_where_the_encoder_is_damaged_dangers_without_a_signal_are_still_heard(english_copy: Path) -> None:
    replaced(own_model(english_copy) / "encoder.onnx", b"damaged")
    library = load(english_copy).library
    text = "he is not waking up"
    assert not library.all_signals.heard(text)
    assert Talk(library).say(text).reply.urgency is Urgency.EMERGENCY


def test_heads_of_another_encoder_are_refused(english_copy: Path) -> None:
    card = own_model(english_copy) / "heads.json"
    text = card.read_text(encoding="utf-8")
    start = text.index('"encoder_sha256"')
    replaced(card, (text[:start] + text[start:].replace(text[start + 19 : start + 83], "0" * 64, 1)).encode())
    assert_without_model(english_copy)


# The ledger and what suffices.


def test_where_a_clinician_is_required_and_none_has_signed_the_last_resort_answers_with_its_pointer(
    responses_copy: Path,
) -> None:
    loaded = load(responses_copy, ReviewKind.CLINICIAN)
    assert {topic for _, topic in loaded.library.responses} == {"last-resort"}
    assert loaded.library.languages == ("en", "es", "ru")
    count, card = loaded.warnings
    assert count.split()[0] == str(len(load(responses_copy).library.responses) - len(loaded.library.languages))
    assert "wait for a clinician and are not served" in count
    assert card == "no clinician has signed the emergency card in en, es, ru: the last resort answers for it"
    for text in ("my friend is not breathing", "/emergency", "what is naltrexone", "/start", "how much is safe"):
        for language in loaded.library.languages:
            turn = Talk(loaded.library).say(text, told=Profile(language, "KZ"))
            assert turn.reply.topic == "last-resort"
            assert turn.reply.review is ReviewKind.SOURCE_CHECKED
            assert turn.faults == ()
    assert_helps(loaded.library)


def test_where_a_clinician_is_required_what_one_has_signed_is_served(responses_copy: Path) -> None:
    sign(responses_copy / "en", ("someone-down.md", "step-breathing.md"), "clinician", NOON.date())
    loaded = load(responses_copy, ReviewKind.CLINICIAN)
    turn = Talk(loaded.library).say("my friend is not breathing")
    assert turn.reply.topic == "someone-down"
    assert turn.reply.passages[0].kind is PassageKind.POINTER
    assert [choice.send for choice in turn.reply.choices] == ["/answer step-breathing"]
    assert loaded.warnings[-1].startswith("no clinician has signed the emergency card in es, ru:")


def test_one_reading_of_two_is_told_by_name_and_not_enough(english_copy: Path) -> None:
    folder = english_copy / "en"
    change_a_byte(folder / "help.md")
    change_a_byte(folder / "privacy.md")
    sign(folder, ("help.md",), "author", NOON.date())
    sign(folder, ("privacy.md",), "second-reader", NOON.date())
    loaded = load(english_copy)
    told = [str(fault) for fault in loaded.faults]
    assert "en/help.md: one of two readings is there, the second-reader's is lacking: not served" in told
    assert "en/privacy.md: one of two readings is there, the author's is lacking: not served" in told
    assert ("en", "help") not in loaded.library.responses
    assert ("en", "privacy") not in loaded.library.responses


def test_both_signatures_make_changed_bytes_served_again(english_copy: Path) -> None:
    folder = english_copy / "en"
    change_a_byte(folder / "help.md")
    assert read_ledger(folder, "")[0].review("help.md") is None
    assert sign(folder, ("help.md",), "author", NOON.date()) == 1
    assert sign(folder, ("help.md",), "clinician", NOON.date()) == 1
    assert read_ledger(folder, "")[0].review("help.md") is ReviewKind.CLINICIAN
    assert load(english_copy).library.responses["en", "help"].review is ReviewKind.CLINICIAN


def test_what_is_past_its_review_date_is_served_and_only_the_operator_is_told(english_copy: Path) -> None:
    folder = english_copy / "en"
    for role in ("author", "second-reader"):
        sign(folder, ("help.md",), role, NOON.date())
    before, on_the_day = NOON.date() + timedelta(364), NOON.date() + timedelta(365)
    assert load(english_copy, today=before).warnings == ()
    loaded = load(english_copy, today=on_the_day)
    assert loaded.warnings == ("1 past the review date, en/help.md first: `library waiting` names all",)
    assert ("en", "help") in loaded.library.responses
    assert loaded.library.manifest == load(english_copy).library.manifest
    assert load(english_copy).warnings == ()


def test_what_is_not_there_cannot_be_signed(responses_copy: Path) -> None:
    before = (responses_copy / "en" / "ledger.yaml").read_bytes()
    with pytest.raises(UnusableFileError, match=r"nowhere\.md"):
        sign(responses_copy / "en", ("help.md", "nowhere.md"), "second-reader", NOON.date())
    assert (responses_copy / "en" / "ledger.yaml").read_bytes() == before


def test_signing_twice_leaves_one_review(responses_copy: Path) -> None:
    folder = responses_copy / "en"
    for _ in range(2):
        sign(folder, ("help.md",), "second-reader", NOON.date())
    reviews = read_ledger(folder, "")[0].reviews
    assert [(r.file, r.role) for r in reviews].count(("help.md", "second-reader")) == 1


def test_a_file_that_is_not_there_has_no_hash(tmp_path: Path) -> None:
    assert hash_of(tmp_path / "nowhere") == ""


def test_a_second_language_needs_no_code(english_copy: Path) -> None:
    shutil.copytree(english_copy / "en", english_copy / "zz")
    loaded = load(english_copy)
    assert "zz" in loaded.library.languages
    assert Talk(loaded.library).say("/language zz", "/emergency").reply.language == "zz"
