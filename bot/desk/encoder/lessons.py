"""What the encoder learns from: questions and turns of conversations -> batches, drawn and misspelled anew in each epoch."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor

from bot.content.loader import load
from bot.content.questions import Question
from bot.conversation.library import OUT_OF_SCOPE
from bot.desk.encoder.base import PADDING
from bot.desk.encoder.network import URGENCIES
from bot.desk.noise import noised

Fold = Callable[[str], str]
"""What the bot does to a message's spelling before it encodes it."""
FOLLOWING: Final = 14
"""Up to so many words a message may have that is taught as a follow-up."""


@dataclass(frozen=True)
class Recipe:
    """
    How to train.

    Args:
        layers: which of the base's twelve to keep.
        rate: the highest learning rate: reached after the `warm_up` share of the steps, and nothing at the end.
        noisy: the share of messages that are misspelled anew in each epoch.
        longer: the share that is joined with another message, so that the question is also found deep in a long one.
        average: of how many of the last epochs the weights are averaged.
        follows: the share of short messages that stand after a topic's title, as a follow-up is read when serving; the
            turns of conversations always do.
        share: of the questions that an epoch takes, drawn anew for each.
        turns: how often an epoch takes the turns of conversations.
        frozen: of how many layers, from the first on, and of the pieces before them, the weights stay as they are.
    """

    layers: tuple[int, ...] = tuple(range(12))
    epochs: int = 6
    batch: int = 64
    rate: float = 3e-4
    head_rate: float = 1e-3
    warm_up: float = 0.1
    weight_decay: float = 0.01
    dropout: float = 0.0
    smoothing: float = 0.05
    noisy: float = 0.4
    longer: float = 0.2
    average: int = 2
    words_per_language: int = 15_000
    urgency_weight: float = 1.0
    dosing_weight: float = 0.5
    topic_weight: float = 1.0
    group_weight: float = 0.3
    follows: float = 0.15
    share: float = 1.0
    turns: int = 1
    frozen: int = 0
    seed: int = 1
    threads: int = 2


class Batch(NamedTuple):
    input_ids: Tensor
    attention_mask: Tensor
    urgency: Tensor
    """Batch x urgencies, 0 or 1."""
    dosing: Tensor
    topic: Tensor
    """Place in the list of topics; -1 for none."""
    group: Tensor
    """Place in the list of sub-meanings; -1 for none."""


@dataclass(frozen=True)
class Talk:
    """What is said before a follow-up: titles by language and topic; by topic, the topics whose answers lead to it."""

    titles: Mapping[tuple[str, str], str] = field(default_factory=dict)
    before: Mapping[str, Sequence[str]] = field(default_factory=dict)


def read_talk(root: Path) -> Talk:
    """From the responses."""
    responses = load(root).library.responses
    before: dict[str, set[str]] = defaultdict(set)
    for (_, topic), response in responses.items():
        for follow_up in response.follow_ups:
            before[follow_up].add(topic)
    titles = {key: response.title for key, response in responses.items()}
    return Talk(titles, {topic: sorted(names) for topic, names in before.items()})


@dataclass(frozen=True)
class Lessons:
    """The rows and all that is counted from them once."""

    rows: Sequence[Question]
    topics: tuple[str, ...]
    groups: tuple[str, ...]
    tokenizer: Tokenizer
    fold: Fold
    talk: Talk = Talk()
    fresh: Sequence[Question] = ()
    """Questions among the rows that every epoch takes, whatever its share of them is."""

    @cached_property
    def companions(self) -> Mapping[str, Sequence[str]]:
        """By language: texts that say nothing of ours. By group: the texts of one sub-meaning."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self.rows:
            if not row.is_turn:
                found[row.group].append(row.text)
            if row.topic == OUT_OF_SCOPE and not row.urgencies and not row.dosing:
                found[row.language].append(row.text)
        return found

    def lengthened(self, row: Question, dice: random.Random) -> str:
        """The row's text beside one of its own meaning, or beside one that has nothing to do with us."""
        others = self.companions[row.group if dice.random() < 0.5 else row.language] or [row.text]
        pair = [row.text, dice.choice(others)]
        dice.shuffle(pair)
        return dice.choice((". ", ", ", " ", "\n")).join(pair)

    def text(self, row: Question, recipe: Recipe, dice: random.Random) -> str:
        text = self.lengthened(row, dice) if not row.after and dice.random() < recipe.longer else row.text
        text = noised(text, dice) if dice.random() < recipe.noisy else text
        if row.after:
            before = self.talk.titles.get((row.language, row.after))
        elif recipe.follows and dice.random() < recipe.follows and len(text.split()) <= FOLLOWING:
            before = self.said_before(row, dice)
        else:
            before = None
        return self.fold(f"{before} {text}" if before else text)

    def said_before(self, row: Question, dice: random.Random) -> str | None:
        """The title of the same topic, of one whose answer leads to it, or of any: its label is the row's all the same."""
        share, leading = dice.random(), self.talk.before.get(row.topic, ())
        topic = row.topic if share < 0.3 else dice.choice(leading if leading and share < 0.65 else self.topics)
        return self.talk.titles.get((row.language, topic)) if topic != OUT_OF_SCOPE else None

    def batches(self, recipe: Recipe, epoch: int) -> Iterator[Batch]:
        """An epoch's rows in its order and with its noise; like lengths together, so little is padding."""
        dice = random.Random(f"{recipe.seed} {epoch}")
        rows = self.taken(recipe, dice)
        texts = [self.text(row, recipe, dice) for row in rows]
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda at: len(ids[at]) * dice.uniform(0.8, 1.25))
        slices = [order[at : at + recipe.batch] for at in range(0, len(order), recipe.batch)]
        dice.shuffle(slices)
        for part in slices:
            yield self.batch([rows[at] for at in part], [ids[at] for at in part])

    def taken(self, recipe: Recipe, dice: random.Random) -> Sequence[Question]:
        """The rows of an epoch: a share of the questions, the fresh ones, and every turn so many times; always as many."""
        if (recipe.share, recipe.turns) == (1.0, 1):
            return self.rows
        questions = [row for row in self.rows if not row.is_turn]
        turns = [row for row in self.rows if row.is_turn]
        return [*dice.sample(questions, round(recipe.share * len(questions))), *self.fresh, *turns * recipe.turns]

    def batch(self, rows: Sequence[Question], ids: Sequence[Sequence[int]]) -> Batch:
        topics = {topic: place for place, topic in enumerate(self.topics)}
        groups = {group: place for place, group in enumerate(self.groups)}
        return Batch(
            *padded(ids),
            torch.tensor([[urgency in row.urgencies for urgency in URGENCIES] for row in rows], dtype=torch.float32),
            torch.tensor([row.dosing for row in rows], dtype=torch.float32),
            torch.tensor([-1 if row.topic is None else topics[row.topic] for row in rows]),
            torch.tensor([groups.get(row.group, -1) for row in rows]),
        )


def lessons_of(rows: Sequence[Question], tokenizer: Tokenizer, fold: Fold, talk: Talk) -> Lessons:
    """The rows with their topics and sub-meanings, each in order."""
    topics = tuple(sorted({row.topic for row in rows}))
    return Lessons(rows, topics, tuple(sorted({row.group for row in rows if not row.is_turn})), tokenizer, fold, talk)


def padded(ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    length = max(map(len, ids))
    filled = torch.tensor([[*part, *[PADDING] * (length - len(part))] for part in ids])
    return filled, torch.tensor([[1] * len(part) + [0] * (length - len(part)) for part in ids])
