"""
The encoder that ships, trained further: what has been asked since is learnt in half an hour, on a processor.

It begins with the shipped files, weights and heads, and rehearses a share of all questions beside those that are new and
the turns of the conversations, so that nothing is forgotten.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from tokenizers import Tokenizer

from bot.content.encoder import read_heads_card
from bot.content.questions import Question
from bot.conversation.language import folded
from bot.desk.encoder.base import Shape
from bot.desk.encoder.file import read_weights, sha256
from bot.desk.encoder.lessons import Recipe, lessons_of, read_talk
from bot.desk.encoder.network import Heads, Network
from bot.desk.encoder.training import Say, fingerprint, learn_averaged, ship
from bot.desk.training import fresh_among

FURTHER: Final = Recipe(
    epochs=3, rate=1e-4, head_rate=3e-4, share=0.25, turns=1, frozen=4, group_weight=0.0, average=2, follows=0.2
)
"""Slower than at first, and only the upper layers: the lower ones know the words already."""
KEPT: Final = 0.5
"""
The share of the weights before in those that are written, so that one run does not undo what several had in common. Of
.3, .5 and .75 the middle one raised the fewest false alarms on our labelled questions, by little.
"""


def start_heads(heads: Heads, topics: Sequence[str], folder: Path) -> None:
    """Put what the shipped heads have learnt into those of the training; a topic that is new begins with nothing."""
    known = read_heads_card(folder).topics
    with np.load(folder / "heads.npz", allow_pickle=False) as fitted, torch.no_grad():
        places = [topics.index(topic) for topic in known if topic in topics]
        kept = [place for place, topic in enumerate(known) if topic in topics]
        for head, rows, into in (
            (heads.urgency, fitted["urgency"], slice(None)),
            (heads.dosing, fitted["dosing"], slice(None)),
            (heads.topic, fitted["topic"][kept], places),
        ):
            head.weight[into] = torch.from_numpy(rows[:, :-1] / heads.scale)
            head.bias[into] = torch.from_numpy(rows[:, -1])


def train_further(rows: Sequence[Question], folder: Path, cache: Path, say: Say, runs: int) -> None:
    """
    Train the encoder in `folder` further on the rows; write its files and their card anew.

    Args:
        folder: of the model, within the responses.
        cache: where the checkpoints go. A run of the same rows on the same model goes on from its own.
        runs: how many runs, each with the next seed, to average.
    """
    start, recipe = time.monotonic(), FURTHER
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    before = sha256(folder / "encoder.onnx")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    weights = {name: torch.from_numpy(table) for name, table in read_weights(folder / "encoder.onnx").items()}
    talk = read_talk(folder.parent)
    fresh = fresh_among(rows, talk.titles, folder, cache)
    say(f"{len(fresh)} of {len(rows)} questions are new")
    lessons = replace(lessons_of(rows, tokenizer, folded, talk), fresh=fresh)
    torch.manual_seed(recipe.seed)
    network = Network(Shape(), len(weights["words.weight"]), recipe.dropout)
    network.load_state_dict(weights)
    heads = Heads(Shape().width, len(lessons.topics), len(lessons.groups))
    start_heads(heads, lessons.topics, folder)
    losses = learn_averaged(
        network,
        heads,
        lessons,
        recipe,
        runs,
        lambda ours: cache / "encoder" / f"{before[:16]}-{fingerprint(rows, ours)}",
        say,
    )
    after = network.state_dict()
    network.load_state_dict({name: KEPT * weights[name] + (1 - KEPT) * after[name] for name in after})
    card |= ship(network, lessons, folder)
    card.setdefault("further", []).append(
        {
            "from": before,
            "turns": sum(row.is_turn for row in rows),
            "fresh": len(fresh),
            "fingerprint": fingerprint(rows, recipe),
            "recipe": asdict(recipe),
            "kept": KEPT,
            "runs": runs,
            "losses": [[round(loss, 4) for loss in run] for run in losses],
            "minutes": round((time.monotonic() - start) / 60, 1),
        }
    )
    (folder / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
