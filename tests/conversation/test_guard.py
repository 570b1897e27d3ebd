"""Every rule of the guard is noticed when just that rule is broken; words of dosing, and honest sentences that pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.conversation.guard import Fault, Vouched, clear, dosing_in, dosing_in_reviewed, faults
from bot.conversation.library import Library, digest
from bot.conversation.reply import last_resort
from bot.vocabulary import Choice, Contact, Passage, PassageKind, Profile, Reply, Urgency
from tests.conftest import Talk

HEARD = "my friend zanzibar wont wake up"


@pytest.fixture(scope="module")
def sound(library: Library) -> Reply:
    """A reply to an emergency in Kazakhstan, in the order that the guard wants."""
    return Talk(library).say(HEARD, told=Profile("en", "KZ")).reply


@pytest.fixture(scope="module")
def vouched(library: Library) -> Vouched:
    """What the library's reviews vouch for."""
    return Vouched(library.manifest, library.directory)


def vouching(vouched: Vouched, *texts: str) -> Vouched:
    """The same, and for these texts too: so that a mutated reply breaks one rule alone."""
    return replace(vouched, manifest=vouched.manifest | {digest(text) for text in texts})


def with_passage(reply: Reply, kind: PassageKind, text: str) -> Reply:
    """The reply with one passage more at its end."""
    return replace(reply, passages=(*reply.passages, Passage(kind, text)))


def of_kind(reply: Reply, *kinds: PassageKind) -> tuple[Passage, ...]:
    """The passages of some kinds."""
    return tuple(p for p in reply.passages if p.kind in kinds)


def test_a_sound_reply_passes_as_it_is(sound: Reply, vouched: Vouched, library: Library) -> None:
    clearance = clear(sound, HEARD, last_resort(Profile("en", "KZ"), library), vouched)
    assert clearance.faults == ()
    assert clearance.reply == sound


def test_in_danger_a_line_that_marks_a_repeat_may_stand_before_the_pointer(
    sound: Reply, vouched: Vouched, library: Library
) -> None:
    mark = Passage(PassageKind.MARK, library.words["en"].notes["again"])
    assert faults(replace(sound, passages=(mark, *sound.passages)), HEARD, vouched) == ()


STRANGE = "Call **555** at once."
LONG = "word " * 1000
Mutation = Callable[[Reply], tuple[Reply, tuple[str, ...]]]
"""A reply -> one that breaks a rule, and the texts to vouch for so that it breaks no other."""
MUTATIONS: list[tuple[str, Fault, Mutation]] = [
    ("no pointer", Fault.NO_POINTER, lambda r: (replace(r, passages=r.passages[1:]), ())),
    ("pointer last in danger", Fault.NO_POINTER, lambda r: (replace(r, passages=(*r.passages[1:], r.passages[0])), ())),
    (
        "a note before the pointer in danger",
        Fault.NO_POINTER,
        lambda r: (replace(r, passages=(Passage(PassageKind.NOTE, "Well."), *r.passages)), ("Well.",)),
    ),
    (
        "an amount in a mark",
        Fault.DOSING,
        lambda r: (replace(r, passages=(Passage(PassageKind.MARK, "Two pills."), *r.passages)), ("Two pills.",)),
    ),
    ("two pointers", Fault.NO_POINTER, lambda r: (replace(r, passages=(r.passages[0], *r.passages)), ())),
    ("another contact", Fault.NO_POINTER, lambda r: (replace(r, contact=Contact("911", "ambulance")), ())),
    (
        "a strange number in the lines",
        Fault.NUMBER,
        lambda r: (with_passage(r, PassageKind.LINES, STRANGE), (STRANGE,)),
    ),
    (
        "an amount",
        Fault.DOSING,
        lambda r: (with_passage(r, PassageKind.BODY, "Take two tablets."), ("Take two tablets.",)),
    ),
    ("a digit", Fault.DOSING, lambda r: (with_passage(r, PassageKind.NOTE, "Take 50."), ("Take 50.",))),
    (
        "an amount on a button",
        Fault.DOSING,
        lambda r: (replace(r, choices=(Choice("Two pills", "/help"),)), ("Two pills",)),
    ),
    ("a changed byte", Fault.UNVETTED, lambda r: (with_passage(r, PassageKind.BODY, "Keep quiet."), ())),
    ("their own words", Fault.ECHO, lambda r: (with_passage(r, PassageKind.BODY, "Zanzibar, keep quiet."), ())),
    ("a book", Fault.TOO_LONG, lambda r: (with_passage(r, PassageKind.BODY, LONG), (LONG,))),
    ("the pointer alone", Fault.EMPTY, lambda r: (replace(r, passages=of_kind(r, PassageKind.POINTER)), ())),
    ("a strange button", Fault.CHOICE, lambda r: (replace(r, choices=(Choice("Look here", "/help"),)), ())),
    ("a button with a link", Fault.CHOICE, lambda r: (replace(r, choices=(Choice("Ok", "https://x"),)), ("Ok",))),
    (
        "a button too heavy",
        Fault.CHOICE,
        lambda r: (replace(r, choices=(Choice("Ok", "/answer " + "a" * 60),)), ("Ok",)),
    ),
    (
        "their own words, scrubbed",
        Fault.QUOTE,
        lambda r: (with_passage(r, PassageKind.QUOTE, "Zanzibar, keep quiet."), ()),
    ),
]


def test_the_table_of_mutations_breaks_every_rule() -> None:
    assert {fault for _, fault, _ in MUTATIONS} == set(Fault)


@pytest.mark.parametrize(("fault", "mutate"), [row[1:] for row in MUTATIONS], ids=[row[0] for row in MUTATIONS])
def test_a_broken_rule_is_found_and_the_last_resort_goes_out(
    fault: Fault, mutate: Mutation, sound: Reply, vouched: Vouched, library: Library
) -> None:
    broken, texts = mutate(sound)
    # An echo is of an unvouched text, so it never comes alone.
    expected = (Fault.UNVETTED, Fault.ECHO) if fault is Fault.ECHO else (fault,)
    assert faults(broken, HEARD, vouching(vouched, *texts)) == expected
    fallback = last_resort(Profile("en", "KZ"), library)
    clearance = clear(broken, HEARD, fallback, vouching(vouched, *texts))
    assert clearance.reply == fallback
    assert clearance.faults == expected


def test_one_changed_byte_of_any_passage_is_noticed(sound: Reply, vouched: Vouched) -> None:
    for place, passage in enumerate(sound.passages):
        changed = replace(passage, text=passage.text[:-1] + chr(ord(passage.text[-1]) ^ 1))
        passages = (*sound.passages[:place], changed, *sound.passages[place + 1 :])
        assert Fault.UNVETTED in faults(replace(sound, passages=passages), HEARD, vouched)


def test_the_pointer_of_another_country_is_noticed(sound: Reply, vouched: Vouched) -> None:
    assert Fault.NO_POINTER in faults(replace(sound, country="BR"), HEARD, vouched)


def test_the_pointer_may_come_last_where_there_is_no_danger(sound: Reply, vouched: Vouched) -> None:
    calm = replace(sound, urgency=Urgency.NONE, passages=(*sound.passages[1:], sound.passages[0]))
    assert faults(calm, HEARD, vouched) == ()


def test_the_last_resort_passes_in_every_language_and_country(library: Library, vouched: Vouched) -> None:
    for language in library.languages:
        for country in (None, "ZZ", *library.directory.countries):
            assert faults(last_resort(Profile(language, country), library), "", vouched) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Take two tablets.",
        "take one more dose",
        "a couple of pills",
        "couple of the pills",
        "eleven pills",
        "fifteen hours",
        "пара капель",
        "пятнадцать таблеток",
        "одиннадцать часов",
        "вторую таблетку",
        "quince pastillas",
        "veinte horas",
        "half a pill",
        "every six hours",
        "wait three days",
        "twice a day",
        "a quarter of a tablet",
        "four milligrams",
        "50 mg",
        "5",
        "٥",
        "５",
        "²",
        "①",
        "₂",
        "½",
        "inject it",
        "snort it",
        "crush them",
        "under your tongue",
        "buy it from him",
        "on the darknet",
        "to beat the block",
        "get around the block",
        "прими две таблетки",
        "одна доза",
        "полтаблетки",
        "половина таблетки",
        "каждые шесть часов",
        "через три дня",
        "два раза в день",
        "пять миллиграмм",
        "внутривенно",
        "под язык",
        "вколи",
        "занюхай",
        "купить у барыги",
        "закладка",
        "чтобы обойти блок",
        "toma dos pastillas",
        "media pastilla",
        "una dosis",
        "cada seis horas",
        "espera tres días",
        "dos veces al día",
        "cinco miligramos",
        "inyéctalo",
        "debajo de la lengua",
        "por la vena",
        "tritura",
        "en la web oscura",
        "para vencer el bloqueo",
        # Bold type, line ends and hyphens between the words.
        "take **two** pills",
        "take **two pills**",
        "two **pills**",
        "half of **one** tablet",
        "wait **two**\nhours",
        "inject **it**",
        "under your\ntongue",
        "**две** таблетки",
        "**раз** в день",
        "под **язык**",
        "**dos** pastillas",
        "debajo **de la** lengua",
        "a two-hour wait",
        "two‑hour",
        "dark-web",
        # How often, without a number.
        "once daily",
        "twice **daily**",
        "twice-daily",
        "twice each night",
        "дважды в день",
        "трижды в сутки",
        "раз ежедневно",
        "una vez diaria",
        "una vez a la semana",
        "dos veces diarias",
    ],
)
def test_words_of_dosing_are_found(text: str) -> None:
    assert dosing_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "Call the emergency number. Put the phone on speaker.",
        "Llame a una línea de crisis.",
        "Call a crisis line.",
        "Naloxone is a medicine that can wake somebody who has overdosed.",
        "Ask your doctor; only they can say what is safe for you.",
        "Give naloxone as the pack says.",
        "1. Call.\n2. Roll them on their side.",
        "One person can call while another stays.",
        "Tell one person whom you trust.",
        "Naltrexone blocks opioids.",
        "Позвони по номеру экстренной помощи.",
        "Налоксон может вернуть дыхание.",
        "Скажи об этом одному человеку, которому веришь.",
        "Спроси врача: только он знает, что тебе можно.",
        "Llama al número de emergencias.",
        "La naloxona puede devolver la respiración.",
        "Díselo a una persona en quien confíes.",
        "Pregunta a tu médico.",
        "Call **a crisis line**. **Day** and night somebody answers.",
        "**One person** can call while another stays.",
    ],
)
def test_honest_sentences_pass(text: str) -> None:
    assert dosing_in(text) == ()


def test_no_text_that_can_be_served_is_stopped_for_dosing(library: Library) -> None:
    stopped = {
        (language, topic): [breach.words for breach in dosing_in(text)]
        for (language, topic), response in library.responses.items()
        for text in (*response.voices.values(), response.title)
        if dosing_in(text)
    }
    notes = {
        (language, name): [breach.words for breach in dosing_in(note)]
        for language, spoken in library.words.items()
        for name, note in spoken.notes.items()
        if dosing_in(note)
    }
    assert stopped | notes == {}


def test_a_breach_tells_its_rule_and_place() -> None:
    (breach,) = dosing_in("Then take two tablets.")
    assert (breach.rule, breach.words, breach.at) == ("amount or interval", "two tablets", 10)
    (breach,) = dosing_in("**Then** take **two** tablets.")
    assert (breach.rule, breach.words, breach.at) == ("amount or interval", "two** tablets", 16)


def test_what_no_review_vouches_for_is_searched_for_dosing_and_not_remembered(sound: Reply, vouched: Vouched) -> None:
    faults(sound, HEARD, vouched)
    before = dosing_in_reviewed.cache_info()
    assert before.currsize
    assert Fault.DOSING in faults(with_passage(sound, PassageKind.NOTE, "My zanzibar took two pills."), HEARD, vouched)
    assert dosing_in_reviewed.cache_info().currsize == before.currsize
