"""The network: BERT with one vector for a message, and the heads that it is trained with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.desk.encoder.base import Base, Shape
from bot.desk.encoder.file import EPSILON, MAX_TOKENS, Floats

URGENCIES: Final = ("emergency", "self_harm", "safeguarding")


class Layer(nn.Module):
    """One layer of BERT: attention and two matrices, each with the norm after it."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads, self.head_width = shape.heads, shape.width // shape.heads
        self.queries_keys_values = nn.Linear(shape.width, 3 * shape.width)
        self.attended = nn.Linear(shape.width, shape.width)
        self.attended_norm = nn.LayerNorm(shape.width, eps=EPSILON)
        self.widen = nn.Linear(shape.width, shape.hidden)
        self.narrow = nn.Linear(shape.hidden, shape.width)
        self.narrow_norm = nn.LayerNorm(shape.width, eps=EPSILON)
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
        self.norm = nn.LayerNorm(shape.width, eps=EPSILON)
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
