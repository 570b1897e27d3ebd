"""A question is left for the editors only as it was shown, only by a second tap, and never instead of help."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.conversation.guard import Vouched, faults
from bot.conversation.leaving import HOW, KEPT, REFUSED, SHOWN, WAY
from bot.conversation.library import Library, digest
from bot.conversation.turn import take_again, take_turn
from bot.markup import plain_reply
from bot.vocabulary import Danger, Message, Passage, PassageKind, Profile, Reply, Session, Turn, Urgency
from tests.conftest import NOON

ASKED = "is it true that my friend sasha can grow purple mushrooms under the stairs"
WRITTEN = {
    "en": (ASKED, "is it true that my friend … can grow purple mushrooms under the stairs"),
    "ru": ("правда ли, что мой друг саша выращивает грибы под лестницей", "правда ли, что мой друг … выращивает грибы под лестницей"),
    "es": ("es verdad que mi amigo pepe cultiva setas bajo la escalera", "es verdad que mi amigo … cultiva setas bajo la escalera"),
}  # fmt: skip


@dataclass
class Keeping:
    """A talk on a channel that has a store, and all that it would have kept."""

    library: Library
    session: Session = field(default_factory=lambda: Session(Profile("en", "KZ"), country_asked=True))
    kept: list[str] = field(default_factory=list)

    def say(self, *texts: str) -> Turn:
        """The turn of the last of the texts."""
        for text in texts:
            turn = take_turn(Message(text, NOON, can_keep=True), self.session, self.library)
            self.session = turn.session or Session()
            self.kept += [turn.left] if turn.left is not None else []
        return turn


@pytest.fixture
def keeping(library: Library) -> Keeping:
    """A talk that begins."""
    return Keeping(library)


def sends(reply: Reply) -> list[str]:
    """What the buttons send."""
    return [choice.send for choice in reply.choices]


def quotes(reply: Reply) -> list[str]:
    """What a reply quotes."""
    return [p.text for p in reply.passages if p.kind is PassageKind.QUOTE]


@pytest.mark.parametrize("text", ["/feedback", "who won the football match in nineteen seventy"])
def test_where_no_answer_was_found_one_button_offers_to_leave_the_question(text: str, keeping: Keeping) -> None:
    assert sends(keeping.say(text).reply).count("/leave") == 1


@pytest.mark.parametrize("text", ["/feedback", "who won the football match in nineteen seventy", "/leave"])
def test_a_channel_without_a_store_never_offers_it(text: str, library: Library) -> None:
    turn = take_turn(Message(text, NOON), Session(Profile("en")), library)
    assert "/leave" not in sends(turn.reply)
    assert turn.reply.topic not in WAY
    assert turn.session is not None
    assert not turn.session.leaving


@pytest.mark.parametrize("text", ["what is naloxone", "my friend wont wake up", "/help", "how much heroin can i take"])
def test_where_there_is_an_answer_it_is_not_offered(text: str, keeping: Keeping) -> None:
    assert "/leave" not in sends(keeping.say(text).reply)


@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_it_is_shown_scrubbed_and_kept_by_the_second_tap(language: str, library: Library) -> None:
    keeping = Keeping(library, Session(Profile(language, "KZ"), country_asked=True))
    written, scrubbed = WRITTEN[language]
    assert keeping.say("/leave").reply.topic == HOW
    assert keeping.session.leaving
    shown = keeping.say(written)
    assert shown.reply.topic == SHOWN
    assert shown.faults == ()
    assert quotes(shown.reply) == [scrubbed]
    assert sends(shown.reply)[:2] == ["/keep", "/drop"]
    assert keeping.session.draft == scrubbed
    assert keeping.kept == []
    kept = keeping.say("/keep")
    assert kept.reply.topic == KEPT
    assert keeping.kept == [scrubbed]
    assert keeping.session == replace(keeping.session, draft=None, leaving=False)


def test_a_question_that_has_an_answer_can_be_left_too(keeping: Keeping) -> None:
    assert keeping.say("/leave", "what is naloxone").reply.topic == SHOWN


def test_what_is_dropped_is_gone(keeping: Keeping) -> None:
    assert keeping.say("/leave", ASKED, "/drop").reply.topic == "help"
    assert keeping.say("/keep").reply.topic == "help"
    assert keeping.kept == []


def test_a_second_tap_keeps_nothing_more(keeping: Keeping) -> None:
    keeping.say("/leave", ASKED, "/keep", "/keep")
    assert len(keeping.kept) == 1


@pytest.mark.parametrize("between", ["what is naloxone", "/help", "/start", "/country KZ", "thanks", "im in Canada", "/leave", "/forget",
                                     "/answer leave-shown", "/answer overdose-signs", "???"])  # fmt: skip
def test_any_other_message_drops_what_was_shown(between: str, keeping: Keeping) -> None:
    keeping.say("/leave", ASKED, between)
    assert keeping.session.draft is None
    keeping.say("/keep")
    assert keeping.kept == []


@pytest.mark.parametrize("text", ["my friend wont wake up", "i want to die", "my stepdad touches me at night"])
def test_a_danger_is_answered_as_ever_and_ends_it(text: str, keeping: Keeping, library: Library) -> None:
    turn = keeping.say("/leave", text)
    usual = take_turn(Message(text, NOON), Session(Profile("en", "KZ"), country_asked=True), library)
    assert turn.reply.urgency is not Urgency.NONE
    assert replace(turn.reply, choices=()) == replace(usual.reply, choices=())
    assert not keeping.session.leaving
    assert keeping.session.draft is None


def test_dosing_is_declined_as_ever_and_ends_it(keeping: Keeping) -> None:
    turn = keeping.say("/leave", "how much heroin can i take on naltrexone")
    assert turn.reply.topic == "no-dosing"
    assert (keeping.session.leaving, keeping.session.draft) == (False, None)


def test_a_command_is_no_question(keeping: Keeping) -> None:
    assert keeping.say("/leave", "/privacy").reply.topic == "privacy"
    assert not keeping.session.leaving


def test_an_emergency_that_lasts_is_not_left_behind(library: Library) -> None:
    danger = Danger(Urgency.EMERGENCY, "someone-down")
    keeping = Keeping(library, Session(Profile("en", "KZ"), "someone-down", danger, country_asked=True))
    assert keeping.say("/leave", "ok").reply.urgency is Urgency.EMERGENCY
    assert keeping.session.draft is None


@pytest.mark.parametrize("text", ["???", "+7 701 123 45 67", "sasha", "my friend says the purple mushrooms grow. " * 20,
                                  "they sell purple mushrooms on the darknet, is that fair"])  # fmt: skip
def test_what_is_empty_too_long_or_says_something_of_dosing_is_refused(text: str, library: Library) -> None:
    # Without the model, so that no guess at the topic stands between.
    keeping = Keeping(replace(library, encoder=None, heads=None))
    turn = keeping.say("/leave", text)
    assert turn.reply.topic in {REFUSED, "no-dosing"}
    assert quotes(turn.reply) == []
    assert keeping.session.draft is None
    keeping.say("/keep")
    assert keeping.kept == []


def test_after_a_refusal_it_can_be_tried_again(keeping: Keeping) -> None:
    assert "/leave" in sends(keeping.say("/leave", "???").reply)


def test_a_reply_that_shows_a_question_is_the_same_when_sent_again(keeping: Keeping, library: Library) -> None:
    before = keeping.session
    shown = keeping.say("/leave", ASKED)
    assert shown.session is not None
    again = take_again(shown.understanding, replace(before, draft=shown.session.draft), library)
    assert again == shown.reply


def test_a_text_of_the_way_says_nothing_outside_it(keeping: Keeping) -> None:
    for topic in WAY:
        assert keeping.say(f"/answer {topic}").reply.topic == "help"


@pytest.mark.parametrize("without", WAY)
def test_nothing_is_offered_where_a_text_of_the_way_is_not_served(without: str, library: Library) -> None:
    responses = {key: response for key, response in library.responses.items() if key != ("en", without)}
    keeping = Keeping(replace(library, responses=responses))
    assert "/leave" not in sends(keeping.say("/feedback").reply)
    assert keeping.say("/leave").reply.topic == "help"


def test_nothing_is_offered_where_nothing_can_scrub(library: Library) -> None:
    keeping = Keeping(replace(library, scrub=None))
    assert "/leave" not in sends(keeping.say("/feedback").reply)
    keeping.session = replace(keeping.session, leaving=True)
    assert keeping.say(ASKED).reply.topic not in WAY


def test_what_the_guard_keeps_back_does_not_wait_for_a_tap(library: Library) -> None:
    keeping = Keeping(replace(library, scrub=lambda _: "write @somebody about it"))
    turn = keeping.say("/leave", ASKED)
    assert turn.reply.topic == "last-resort"
    assert turn.faults == ("QUOTE",)
    assert keeping.session.draft is None
    keeping.say("/keep")
    assert keeping.kept == []


@pytest.fixture(scope="module")
def shown(library: Library) -> Reply:
    """A reply that shows a question."""
    return Keeping(library).say("/leave", ASKED).reply


SOUND = WRITTEN["en"][1]


@pytest.mark.parametrize(
    "quote",
    ["call 911", "1. a list", "write @somebody", "see https://x.y", "see www.x", "it is on evil.ru", "[a](b)", "**loud**", "<b>x</b>",
     "two\nlines", "٣ pieces", "take two tablets", "crush them", "a" * 501],
)  # fmt: skip
def test_a_quote_that_is_not_scrubbed_is_noticed(quote: str, shown: Reply, library: Library) -> None:
    passages = tuple(replace(p, text=quote) if p.kind is PassageKind.QUOTE else p for p in shown.passages)
    assert "QUOTE" in {f.name for f in faults(replace(shown, passages=passages), ASKED, vouched(library))}


def test_a_second_quote_is_noticed(shown: Reply, library: Library) -> None:
    twice = replace(shown, passages=(*shown.passages, Passage(PassageKind.QUOTE, "hello")))
    assert [f.name for f in faults(twice, ASKED, vouched(library))] == ["QUOTE"]


def test_a_quote_in_danger_is_noticed(shown: Reply, library: Library) -> None:
    pointer = next(p for p in shown.passages if p.kind is PassageKind.POINTER)
    first = (pointer, *(p for p in shown.passages if p is not pointer))
    grave = replace(shown, urgency=Urgency.EMERGENCY, passages=first)
    assert [f.name for f in faults(grave, ASKED, vouched(library))] == ["QUOTE"]


@pytest.mark.parametrize("kind", [k for k in PassageKind if k not in {PassageKind.QUOTE, PassageKind.POINTER}])
def test_the_same_words_in_any_other_passage_are_an_echo(kind: PassageKind, shown: Reply, library: Library) -> None:
    passages = tuple(replace(p, kind=kind) if p.kind is PassageKind.QUOTE else p for p in shown.passages)
    found = {f.name for f in faults(replace(shown, passages=passages), ASKED, vouched(library))}
    assert {"UNVETTED", "ECHO"} <= found


def test_a_quote_does_not_vouch_for_what_stands_beside_it(shown: Reply, library: Library) -> None:
    beside = replace(shown, passages=(*shown.passages, Passage(PassageKind.NOTE, "Keep quiet.")))
    assert [f.name for f in faults(beside, ASKED, vouched(library))] == ["UNVETTED"]


def test_a_quote_needs_the_pointer_as_every_text_does(shown: Reply, library: Library) -> None:
    bare = tuple(p for p in shown.passages if p.kind is not PassageKind.POINTER)
    assert [f.name for f in faults(replace(shown, passages=bare), ASKED, vouched(library))] == ["NO_POINTER"]


def vouched(library: Library) -> Vouched:
    """What the library's reviews vouch for."""
    return Vouched(library.manifest, library.directory)


PIECES = [
    "/leave", "/keep", "/drop", "/feedback", "/help", "/forget", "/answer leave-shown", ASKED, "my friend wont wake up", "im in Almaty",
    "how much heroin can i take", "саша продаёт грибы", "mi amigo pepe vende setas", "write @me or http://x.y or 8 701 123 45 67",
    "il ne respire plus du tout", "hi", "???", "you gave a wrong answer", "\x00", "\ud800",
]  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=40)), min_size=1, max_size=7))
def test_only_what_was_shown_last_is_kept_and_all_else_is_vetted(said: list[str], library: Library) -> None:
    keeping = Keeping(library)
    shown: list[str] = []
    for text in said:
        turn = keeping.say(text)
        assert turn.faults == ()
        assert {digest(p.text) for p in turn.reply.passages if p.kind is not PassageKind.QUOTE} <= library.manifest
        assert {digest(choice.label) for choice in turn.reply.choices} <= library.manifest
        assert (turn.reply.topic == SHOWN) is bool(quotes(turn.reply))
        assert keeping.session.draft == next(iter(quotes(turn.reply)), None)
        assert turn.left in {None, *shown}
        assert turn.left is None or text.strip().lower().startswith("/keep")
        assert plain_reply(turn.reply.passages)
        shown = quotes(turn.reply)
