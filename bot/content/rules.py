"""The rules that the files of `responses/` must keep: `library check`. The guard's are among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from bot.content.carried import carried, cited, registry, seed_claims
from bot.content.completeness import completeness, follow_ups, labels, numbers
from bot.content.formats import FileFault
from bot.content.loader import ContentError, load
from bot.content.readability import readability
from bot.content.repetition import questions, sentences
from bot.content.shape import endings, lengths, markup
from bot.content.shelf import Shelf, read_shelf
from bot.content.tongues import mixtures, scripts, untranslated
from bot.content.wording import dignity, dosing, must_not, register

Rule: TypeAlias = Callable[[Shelf], Iterator[FileFault]]

RULES: Mapping[str, Rule] = {
    # What is said.
    "no dosing guidance, in words or digits": dosing,
    "no label, blame, fright, false comfort, promise, number or shouting": dignity,
    "nothing that a topic of its own must not say": must_not,
    # How it is said.
    "lengths fit a phone and a frightened reader": lengths,
    "a next step closes the text": endings,
    "paragraphs, lists and bold alone": markup,
    "readable by the language's formula": readability,
    "teens and others each in their register": register,
    # In its own language.
    "one script": scripts,
    "no word of another language": mixtures,
    "no sentence as in another language": untranslated,
    # With its ground.
    "the registry of claims is whole": registry,
    "texts carry what their topic must say, the same in each language": carried,
    "each claim of the seed article is answered": seed_claims,
    "each fact carried has a source cited": cited,
    # Nothing missing, nothing twice.
    "every topic in every language, for every reader": completeness,
    "every follow-up and shortcut leads somewhere": follow_ups,
    "every service and place has its words": labels,
    "every number has a source": numbers,
    "no sentence in two topics, but on purpose": sentences,
    "no question under two topics, heads fitted on these": questions,
}
"""What every file keeps. Another rule is another row. That two readings vouch for a file is the loader's to say."""


def check(root: Path) -> tuple[FileFault, ...]:
    """Every breach of every rule by any file below `root`, by file and line."""
    shelf, unreadable = read_shelf(root)
    faults = list(unreadable)
    try:
        faults += load(root).faults
    except ContentError as error:
        faults += error.faults
    for rule in RULES.values():
        faults += rule(shelf)
    return tuple(sorted(set(faults), key=lambda fault: (fault.path, fault.line, fault.what)))
