"""Words that no text may use: dosing (the guard's own table), labels, blame, fright, false comfort, help numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from bot.content.formats import FileFault
from bot.content.must_not import MUST_NOT
from bot.content.shelf import Shelf
from bot.conversation.guard import dosing_in
from bot.vocabulary import Audience

UNWELCOME: Mapping[str, Mapping[str, str]] = {
    "a label; name the person first": {
        "en": r"addicts?|junkies?|druggies?|abusers?|(?:drug|substance) abuse|users?|clean|dirty|habit",
        "ru": r"наркоман\w*|нарик\w*|торч[оо]?к\w*|алкаш\w*|алкоголик\w*",
        "es": r"drogadict\w+|yonquis?|adict[oa]s?|vicios[oa]?s?|toxic[oó]man\w+|suci[oa]s?|limpi[oa]s?",
    },
    "blame": {
        "en": r"(?<!not )(?<!never )(?<!n't )your (?:own )?fault|you should have (?:known|seen|done|been|\w+ed)|shame on|how could you|you only have yourself",
        "ru": r"сам[аи]? виноват\w*|(?<!не )(?:ты|вы) виноват\w*|как (?:ты|вы) могл[аи]?|должно быть стыдно",
        "es": r"(?<!no )es (?:tu|su) culpa|deber[ií]as? haber|qu[eé] verg[uü]enza|c[oó]mo pudiste",
    },
    "fright without a way to act": {
        "en": r"corpses?|coffins?|morgues?|dead bod(?:y|ies)|you(?:'ll| will| are going to) die|horrible death",
        "ru": r"труп\w{0,2}|гроб\w{0,2}|морг[еау]?|сдохн\w+|(?:ты умр[её]шь|вы умр[её]те)|мучительн\w+ смерт\w+",
        "es": r"cad[aá]ver(?:es)?|ata[uú]d(?:es)?|morgue|(?:te )?vas a morir|va usted a morir|muerte horrible",
    },
    "false comfort or a promise that nobody can keep": {
        "en": r"help is (?:coming|on)|will be (?:fine|safe|okay|ok|all right)|you are safe|do(?: not|n't) worry|nothing to worry about|"
        r"nothing (?:bad )?will happen|everything will be|(?:we|i) (?:promise|guarantee)|(?:completely|totally|perfectly) safe",
        "ru": r"вс[её] будет (?:хорошо|в порядке)|помощь (?:уже )?(?:едет|в пути)|(?:ты|вы) в безопасности|ничего (?:страшного|плохого) не (?:случится|будет)|"
        r"не (?:волнуй|переживай|беспокой)\w*|(?:обещаем|гарантируем|обещаю|гарантирую)|(?:полностью|совершенно) безопас\w+",
        "es": r"todo (?:va a salir|saldr[aá]|estar[aá]|va a estar) bien|la ayuda (?:ya )?(?:viene|va en camino|est[aá] en camino)|est[aá]s? a salvo|"
        r"no (?:te|se) preocup\w+|no (?:te|le) pasar[aá] nada|(?:te|le|se lo) (?:prometemos|garantizamos|prometo|garantizo)|(?:completamente|totalmente) segur[oa]",
    },
    "a help number; the program adds the pointer": {
        "en": r"nine[- ](?:one[- ]one|eleven)|one[- ]one[- ]two|one[- ](?:twelve|oh[- ]three)",
        "ru": r"(?:девять|один)[- ]один[- ](?:один|два)|сто (?:двенадцать|три)|ноль[- ]три",
        "es": r"nueve[- ](?:uno[- ]uno|once)|uno[- ]uno[- ]dos|ciento (?:doce|tres)",
    },
}
"""What no text says, why, and its words by language. Another rule is another row."""
SHOUTING = re.compile(r"[!¡]|[\u2600-\u27bf\U0001f000-\U0001faff]")
PATTERNS: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    why: {language: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for language, words in rows.items()}
    for why, rows in UNWELCOME.items()
}
REGISTER: Mapping[tuple[str, bool], re.Pattern[str]] = {
    (language, familiar): re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for (language, familiar), words in {
        # «у вас» is where somebody lives, also among friends.
        ("ru", True): r"вы|(?<!у )вас|вам|вами|ваш\w{0,3}",
        ("ru", False): r"ты|тебя|тебе|тобой|тво(?:й|я|ё|е|и|их|им|ей|ю|его|ему|ими)",
        ("es", True): r"usted(?:es)?",
        ("es", False): r"t[uú]|tus|te|ti|contigo|tuy[oa]s?",
    }.items()
}
"""What a text does not say to a reader whom it addresses familiarly (teens), or does not."""
QUOTED = re.compile(r"«[^»]*»|\"[^\"]*\"|“[^”]*”")


def dosing(shelf: Shelf) -> Iterator[FileFault]:
    """No text says anything of dosing, a title or a note as little as a body."""
    for text in shelf.texts():
        for breach in dosing_in(text.body):
            yield text.at(breach.at, f"{breach.rule}: {breach.words!r}")
    for _, line, at in titles_and_notes(shelf):
        for breach in dosing_in(line):
            yield at(f"{breach.rule}: {breach.words!r}")


def dignity(shelf: Shelf) -> Iterator[FileFault]:
    """No label, blame, fright, false comfort, promise, help number or shouting, in a title as little as in a body."""
    for text in shelf.texts():
        for at, words, why in unwelcome(text.language, text.body):
            yield text.at(at, f"unwelcome words {words!r}: {why}")
    for language, line, at_line in titles_and_notes(shelf):
        for _, words, why in unwelcome(language, line):
            yield at_line(f"unwelcome words {words!r}: {why}")


def unwelcome(language: str, text: str) -> Iterator[tuple[int, str, str]]:
    """Where unwelcome words stand, which, and why not."""
    for why, patterns in PATTERNS.items():
        for found in patterns[language].finditer(text) if language in patterns else ():
            yield found.start(), found[0], why
    for found in SHOUTING.finditer(text):
        yield found.start(), found[0], "shouting; say it calmly"


def titles_and_notes(shelf: Shelf) -> Iterator[tuple[str, str, Callable[[str], FileFault]]]:
    """What people read beside the bodies: its language, its words, and what makes a fault at it."""
    for (language, topic), response in shelf.responses.items():
        yield language, response.head.title, partial(shelf.at_key, language, topic, "title")
    for language, file in shelf.languages.items():
        for name, note in file.notes.items():
            yield language, note, partial(shelf.at_note, language, name)


def must_not(shelf: Shelf) -> Iterator[FileFault]:
    """What a topic of its own must not say, so far as words can tell."""
    for text in shelf.texts():
        pattern = MUST_NOT.get(text.topic, {}).get(text.language)
        for found in pattern.finditer(text.body) if pattern else ():
            yield text.at(found.start(), f"words that this topic must not use: {found[0]!r}")


def register(shelf: Shelf) -> Iterator[FileFault]:
    """Teens are addressed as ты and tú, all others as вы and usted; what stands in quotes is somebody else's speech."""
    written_for = {name: topic.audience for members in shelf.topics.values() for name, topic in members.items()}
    for text in shelf.texts():
        familiar = text.voice is Audience.TEEN or (text.voice is None and written_for.get(text.topic) == "teen")
        pattern = REGISTER.get((text.language, familiar))
        bare = QUOTED.sub(lambda found: " " * len(found[0]), text.body)
        for found in pattern.finditer(bare) if pattern else ():
            yield text.at(
                found.start(), f"{found[0]!r}: {'teens are' if familiar else 'this reader is not'} addressed familiarly"
            )
