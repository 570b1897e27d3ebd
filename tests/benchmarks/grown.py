"""
The library, grown: real files copied under new names, some of their words changed, with reviews and a model of the size.

Copies of topics have texts, titles and signals of their own and a row of the topic head each; copies of phrases stand
beside the phrases of signals and tables, a word of each exchanged for another of the same language; copies of
languages have words of their own (letters exchanged one for another), so that each has to be told from all others.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bot.content.encoder import read_heads_card
from bot.content.formats import Loader
from bot.conversation.language import words
from bot.conversation.triage import pattern

SHARED = ("sources.yaml", "directory.yaml", "languages.yaml")
ROLES = ("author", "second-reader")
DAY = "2026-11-25"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ALPHABETS = ("aeiou", "bcdfghjklmnpqrstvwxyz", "аеиоуыэюя", "бвгджзклмнпрстфхцчшщ")
"""Letters that take each other's places in the words of a copied language."""
TELLING = "āăąćĉċčďđēĕėęěĝğġģĥħĩīĭįıĵķĺļľłńņňŋōŏőŕŗřśŝşšţťŧũūŭůűųŵŷźżž"
PLAIN = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Growth:
    """How many times as many topics, phrases and languages."""

    topics: int = 1
    phrases: int = 1
    languages: int = 1

    def __str__(self) -> str:
        named = {"topics": self.topics, "phrases": self.phrases, "languages": self.languages}
        return ", ".join(f"{name} x{times}" for name, times in named.items() if times > 1) or "as it is"


def grow(root: Path, out: Path, growth: Growth) -> None:
    """Write a folder of responses, grown."""
    out.mkdir(parents=True)
    for name in SHARED:
        shutil.copy(root / name, out)
    topics = read(root / "topics.yaml")
    copied = {name: [name, *(copy_of(name, n) for n in range(1, growth.topics))] for g in topics.values() for name in g}
    grown = {g: {copy: topic for name, topic in m.items() for copy in copied[name]} for g, m in topics.items()}
    write(out / "topics.yaml", grown)
    own = sorted(path.parent.name for path in root.glob("*/language.yaml"))
    grow_model(root / "model", out / "model", growth, own)
    for code in own:
        first = out / code
        grow_language(root / code, first, growth, copied)
        for number in range(2, growth.languages + 1):
            copy_language(first, out / f"{code}{number}", number)
    sign(out, SHARED)


def read(path: Path) -> Any:
    """YAML, as the bot reads it."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)


def write(path: Path, content: object) -> None:
    """JSON, which is YAML too."""
    path.write_text(json.dumps(content, ensure_ascii=False, default=str, indent=0), encoding="utf-8")


def sign(folder: Path, names: tuple[str, ...]) -> None:
    """Both readings of files of the folder."""
    hashes = {name: sha256((folder / name).read_bytes()).hexdigest() for name in names}
    rows = [{"file": n, "sha256": h, "role": role, "date": DAY} for n, h in hashes.items() for role in ROLES]
    write(folder / "ledger.yaml", rows)


def letters(number: int) -> str:
    """A number in letters: no digit may stand in a text."""
    rest, last = divmod(number, len(LETTERS))
    return (letters(rest) if rest else "") + LETTERS[last]


def copy_of(name: str, number: int) -> str:
    """What a copied topic is called."""
    return f"{name}-{letters(number)}"


def grow_language(source: Path, folder: Path, growth: Growth, copied: Mapping[str, list[str]]) -> None:
    """One language with more texts and phrases."""
    folder.mkdir()
    for name in ("web.yaml", "telegram.yaml", "names.txt"):
        shutil.copy(source / name, folder)
    for path in source.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        for number, topic in enumerate(copied[path.stem]):
            (folder / f"{topic}.md").write_text(copied_text(text, number) if number else text, encoding="utf-8")
    vocabulary = sorted({w for path in source.glob("questions/*.txt") for w in words(path.read_text("utf-8"))[:4000]})
    dice = random.Random(source.name)
    vary = partial(varied, vocabulary=[w for w in vocabulary if PLAIN.fullmatch(w)], dice=dice)
    signals = read(source / "signals.yaml")
    more = {topic: more_signals(entries, growth.phrases, vary) for topic, entries in signals.items()}
    for topic, entries in signals.items():
        more |= {copy: [changed(entry, vary) for entry in entries] for copy in copied[topic][1:]}
    write(folder / "signals.yaml", more)
    write(folder / "language.yaml", more_phrases(read(source / "language.yaml"), growth.phrases, vary))
    places = read(source / "places.yaml")
    for place in places.values():
        for kind in ("words", "cities", "ambiguous"):
            extra = [f"{name} {letters(n)}" for name in place.get(kind, ()) for n in range(1, growth.phrases)]
            place[kind] = [*place.get(kind, ()), *extra]
    write(folder / "places.yaml", places)
    sign_language(folder)


def sign_language(folder: Path) -> None:
    """Both readings of all that a language needs."""
    texts = sorted(path.name for path in folder.glob("*.md"))
    sign(folder, ("language.yaml", "places.yaml", "web.yaml", "telegram.yaml", *texts))


def copied_text(text: str, number: int) -> str:
    """A response with another title and one sentence more."""
    found = re.search(r"^title: (.*)$", text, re.MULTILINE)
    assert found
    title = f"{str(yaml.safe_load(found[1]))[:50].rstrip()} {letters(number)}"
    return text.replace(found[0], f"title: {json.dumps(title, ensure_ascii=False)}", 1) + f"\n\n{letters(number)}."


def varied(phrase: str, vocabulary: list[str], dice: random.Random) -> str:
    """A phrase, one of its words exchanged for another of the language; one word alone gets a second."""
    found = list(PLAIN.finditer(phrase))
    word = dice.choice(vocabulary)
    if len(found) < 2:
        return f"{phrase} {word}"
    place = dice.choice(found)
    return phrase[: place.start()] + word + phrase[place.end() :]


def changed(entry: Mapping[str, Any], vary: Callable[[str], str]) -> dict[str, Any]:
    """A signal whose phrases are others."""
    phrases = [vary(phrase) for phrase in entry["phrases"]]
    for phrase in phrases:
        pattern(phrase)
    return {**entry, "phrases": phrases}


def more_signals(entries: list[dict[str, Any]], times: int, vary: Callable[[str], str]) -> list[dict[str, Any]]:
    """So many times as many signals."""
    return [*entries, *(changed(entry, vary) for _ in range(1, times) for entry in entries)]


def more_phrases(language: dict[str, Any], times: int, vary: Callable[[str], str]) -> dict[str, Any]:
    """A language's tables with so many times as many phrases."""

    def more(phrases: list[str]) -> list[str]:
        return [*phrases, *(vary(phrase) for _ in range(1, times) for phrase in phrases)]

    shortcuts = dict(language["shortcuts"])
    for phrase, topic in list(shortcuts.items()):
        shortcuts |= {vary(phrase): topic for _ in range(1, times)}
    tables = {name: more(language[name]) for name in ("leaning", "openings", "switch")}
    tables |= {name: {k: more(p) for k, p in language[name].items()} for name in ("steps", "audience")}  # type: ignore[misc]
    return {**language, **tables, "shortcuts": shortcuts}


def copy_language(source: Path, folder: Path, number: int) -> None:
    """A language of the same texts, with words of its own."""
    shutil.copytree(source, folder)
    table: dict[int, str] = {}
    for alphabet in ALPHABETS:
        mixed = list(alphabet)
        random.Random(number).shuffle(mixed)
        table |= dict(zip(map(ord, alphabet), mixed, strict=True))

    def other(value: Any) -> Any:
        if isinstance(value, list):
            return [other(one) for one in value]
        return value.translate(table) if isinstance(value, str) else value

    signals = read(source / "signals.yaml")
    for entries in signals.values():
        for entry in entries:
            entry |= {name: other(entry.get(name, [])) for name in ("phrases", "near", "unless")}
    write(folder / "signals.yaml", signals)
    language = read(source / "language.yaml")
    for name in ("common", "latin", "leaning", "openings", "places", "switch"):
        language[name] = other(language.get(name, []))
    for name in ("audience", "steps"):
        language[name] = {key: other(phrases) for key, phrases in language[name].items()}
    language["shortcuts"] = {other(phrase): topic for phrase, topic in language["shortcuts"].items()}
    language["letters"] = random.Random(number).sample(TELLING, 3)
    language["name"] += f" {letters(number)}"
    write(folder / "language.yaml", language)
    sign_language(folder)


def grow_model(source: Path, folder: Path, growth: Growth, own: list[str]) -> None:
    """The model, with heads for every topic and thresholds for every language; the encoder is the same."""
    folder.mkdir()
    for name in ("encoder.onnx", "tokenizer.json", "card.json", "words.json", "glance.npz"):
        (folder / name).symlink_to(source / name)
    card = read_heads_card(source)
    dice = np.random.default_rng(1)
    with np.load(source / "heads.npz", allow_pickle=False) as weights:
        heads = dict(weights)
    topic, talk, names = [heads["topic"]], [heads["talk"]], list(card.topics)
    for number in range(1, growth.topics):
        for grown, own_heads in ((topic, heads["topic"]), (talk, heads["talk"])):
            mixed = dice.permuted(own_heads[:, :-1], axis=1)
            grown.append(np.hstack([mixed, own_heads[:, -1:] - 3]).astype(own_heads.dtype))
        names += [copy_of(name, number) for name in card.topics]
    np.savez(folder / "heads.npz", **{**heads, "topic": np.vstack(topic), "talk": np.vstack(talk)})
    thresholds = {f"{c}{n}" if n > 1 else c: card.thresholds[c] for c in own for n in range(1, growth.languages + 1)}
    content = (folder / "heads.npz").read_bytes()
    made = card.model_copy(
        update={"topics": tuple(names), "thresholds": thresholds, "weights_sha256": sha256(content).hexdigest()}
    )
    (folder / "heads.json").write_text(made.model_dump_json(), encoding="utf-8")
