"""
The sentence encoder: base weights -> our vocabulary -> fine-tuned on our questions -> int8 ONNX.

A rare command (`library train --encoder`), which needs the extra `encoder`. What it writes, `encoder.onnx` and
`tokenizer.json`, is all that the bot loads; their card says what was tried and measured.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from wordfreq import top_n_list

from bot.content.questions import Question
from bot.conversation.language import folded
from bot.desk.encoder.base import (
    BASE_LICENCE,
    BASE_MODEL,
    BASE_PACKAGE,
    build_tokenizer,
    cut,
    cut_vocabulary,
    read_base,
)
from bot.desk.encoder.file import (
    MAX_TOKENS,
    PARTS,
    QUANTISATION,
    Doubles,
    Encoder,
    evened,
    sha256,
    write_model,
)
from bot.desk.encoder.lessons import Batch, Fold, Lessons, Recipe, Talk, lessons_of, padded, read_talk
from bot.desk.encoder.network import URGENCIES, Answers, Heads, Network, by_our_names
from bot.desk.noise import in_latin_letters

Card = dict[str, object]
"""Facts about a model, as JSON can hold them."""

Say = Callable[[str], None]
"""Where progress goes, line by line."""

ROUNDED_BY: Final = 1000
"""Messages by which the weights are rounded: how they flow through the network tells which inputs go together."""


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


def learn_averaged(
    network: Network,
    heads: Heads,
    lessons: Lessons,
    recipe: Recipe,
    runs: int,
    folder: Callable[[Recipe], Path],
    say: Say,
) -> list[list[float]]:
    """
    Train both in place so many times from where they are, each with the next seed, and average the weights.

    The average tells other people's messages better apart than any run of it: of four runs with 81 % of topics right
    first the average had 85 % (the card says on what).

    Args:
        folder: of a run's checkpoints, by its recipe.

    Returns:
        The mean loss of every epoch, by run.
    """
    begun = copy.deepcopy((network.state_dict(), heads.state_dict()))
    mean: tuple[dict[str, Tensor], dict[str, Tensor]] = ({}, {})
    losses: list[list[float]] = []
    for run in range(runs):
        say(f"run {run + 1} of {runs}")
        ours = replace(recipe, seed=recipe.seed + run)
        network.load_state_dict(begun[0])
        heads.load_state_dict(begun[1])
        losses.append(learn(network, heads, lessons, ours, folder(ours), say))
        take_average(folder(ours), network, heads, ours)
        for part, learnt in zip(mean, (network.state_dict(), heads.state_dict()), strict=True):
            for name, value in learnt.items():
                part[name] = part.get(name, torch.zeros_like(value)) + value / runs
    network.load_state_dict(mean[0])
    heads.load_state_dict(mean[1])
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
    losses = learn_averaged(network, heads, lessons, recipe, runs, lambda ours: scratch / fingerprint(rows, ours), say)
    return {
        "base": {"model": BASE_MODEL, "licence": BASE_LICENCE, "from": f"PyPI {BASE_PACKAGE}", "sha256": base.sha256},
        **ship(network, lessons, folder),
        "pieces": len(base.pieces),
        "layers": list(recipe.layers),
        "width": base.shape.width,
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
    network.eval()
    texts = [lessons.fold(row.text) for row in lessons.rows[:: 1 + len(lessons.rows) // ROUNDED_BY]]
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    names = write_model(weights, moments_of(network, lessons.tokenizer, texts), lessons.tokenizer, folder)
    files = {name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size} for name in names}
    rows = dict(Counter(row.language for row in lessons.rows))
    return {"files": files, "int8_cosine": agreement(network, Encoder(folder), texts[::3]), "rows": rows}


def moments_of(network: Network, tokenizer: Tokenizer, texts: Sequence[str]) -> dict[str, Doubles]:
    """By matrix: of what flows into it where the texts are read, the sums of products, input x input."""
    found: dict[str, Doubles] = {}

    def add(name: str, _: nn.Module, states: tuple[Tensor]) -> None:
        rows = evened(name, states[0].flatten(0, 1).numpy())
        found[name] = found.get(name, np.zeros(())) + rows.T @ rows

    listening = [
        part.register_forward_pre_hook(partial(add, name))
        for name, part in network.named_modules()
        if name.endswith(PARTS)
    ]
    # Those of one length together: none is padded then.
    for _, alike in groupby(sorted((tokenizer.encode(text).ids for text in texts), key=len), key=len):
        with torch.no_grad():
            network(*padded(list(alike)))
    for one in listening:
        one.remove()
    return found


def agreement(network: Network, encoder: Encoder, texts: Sequence[str]) -> float:
    """Mean cosine between the vectors that were trained and those that serve."""
    cosines = []
    with torch.no_grad():
        for text in texts:
            trained = network(*padded([encoder.tokenizer.encode(text).ids]))[0].numpy()
            cosines.append(float(trained @ encoder(text)))
    return round(sum(cosines) / len(cosines), 4)
