"""What is written into the encoder's file is what was trained, as near as seven bits come to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from bot.desk.encoder.file import EPSILON, HEADS, LEVELS, Doubles, Encoder, Floats, read_weights, rounded, write_model

WIDTH, HIDDEN, LAYERS, PIECES = 48, 96, 2, 40
MATRICES = {"queries_keys_values": (3 * WIDTH, WIDTH), "attended": (WIDTH, WIDTH),
            "widen": (HIDDEN, WIDTH), "narrow": (WIDTH, HIDDEN)}  # fmt: skip


def trained(dice: np.random.Generator) -> dict[str, Floats]:
    """The weights of a small network, as the trainer names them."""
    shapes: dict[str, tuple[int, ...]] = {"words.weight": (PIECES, WIDTH), "positions.weight": (256, WIDTH)}
    for layer in range(LAYERS):
        for part, shape in MATRICES.items():
            shapes |= {f"layers.{layer}.{part}.weight": shape, f"layers.{layer}.{part}.bias": shape[:1]}
    weights = {name: dice.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    for norm in ["norm", *(f"layers.{n}.{part}_norm" for n in range(LAYERS) for part in ("attended", "narrow"))]:
        weights[f"{norm}.weight"] = dice.normal(1, 0.1, WIDTH).astype(np.float32)
        weights[f"{norm}.bias"] = dice.normal(0, 0.1, WIDTH).astype(np.float32)
    return weights


def moments(dice: np.random.Generator) -> dict[str, Doubles]:
    """Of inputs that have nothing to do with each other."""
    found: dict[str, Doubles] = {}
    for part, (_, width) in MATRICES.items():
        rows = dice.normal(size=(400, width))
        found |= {f"layers.{layer}.{part}": rows.T @ rows for layer in range(LAYERS)}
    return found


def normed(states: Floats, weights: dict[str, Floats], name: str) -> Floats:
    even = (states - states.mean(-1, keepdims=True)) / np.sqrt(states.var(-1, keepdims=True) + EPSILON)
    return np.asarray(even * weights[f"{name}.weight"] + weights[f"{name}.bias"], np.float32)


def reckoned(ids: list[int], weights: dict[str, Floats]) -> Floats:
    """The vector of a message by the formulas of BERT, in floats."""

    def times(name: str, states: Floats) -> Floats:
        return states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    states = normed(weights["words.weight"][ids] + weights["positions.weight"][: len(ids)], weights, "norm")
    for layer in (f"layers.{number}" for number in range(LAYERS)):
        joined = times(f"{layer}.queries_keys_values", states).reshape(len(ids), 3, HEADS, -1).transpose(1, 2, 0, 3)
        queries, keys, values = joined
        scores = np.exp(queries @ keys.transpose(0, 2, 1) / np.sqrt(WIDTH / HEADS))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ values
        attended = times(f"{layer}.attended", mixed.transpose(1, 0, 2).reshape(len(ids), WIDTH))
        states = normed(states + attended, weights, f"{layer}.attended_norm")
        wide = times(f"{layer}.widen", states)
        # GELU by its usual approximation, which is near enough here.
        wide = 0.5 * wide * (1 + np.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)))
        states = normed(states + times(f"{layer}.narrow", wide), weights, f"{layer}.narrow_norm")
    mean = states.mean(0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


@pytest.fixture
def dice() -> np.random.Generator:
    return np.random.default_rng(7)


def test_the_file_reckons_what_the_network_does(tmp_path: Path, dice: np.random.Generator) -> None:
    weights = trained(dice)
    tokenizer = Tokenizer(models.WordLevel({f"w{id}": id for id in range(PIECES)}, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    write_model(weights, moments(dice), tokenizer, tmp_path)
    encode = Encoder(tmp_path)
    for ids in ([3], [5, 9, 2], list(range(39))):
        assert encode(" ".join(f"w{id}" for id in ids)) @ reckoned(ids, weights) > 0.995


def test_what_was_written_is_read_back_to_be_trained_further(tmp_path: Path, dice: np.random.Generator) -> None:
    weights = trained(dice)
    write_model(weights, moments(dice), Tokenizer(models.WordLevel({"a": 0}, unk_token="a")), tmp_path)
    read = read_weights(tmp_path / "encoder.onnx")
    assert read.keys() == weights.keys()
    for name, values in weights.items():
        if not name.endswith(".weight") or "norm" in name or name == "positions.weight":
            assert (read[name] == values).all()
        else:
            assert np.abs(read[name] - values).max() < np.abs(values).max() * 4 / LEVELS


def test_what_rounding_changes_in_one_input_the_others_make_up_for(dice: np.random.Generator) -> None:
    rows = dice.normal(size=(2000, 20)) @ dice.normal(size=(20, 200)) + 0.1 * dice.normal(size=(2000, 200))
    matrix = dice.normal(size=(200, 30)).astype(np.float32)
    levels, scales = rounded(matrix, rows.T @ rows)
    assert np.abs(levels).max() <= LEVELS
    alone = np.round(matrix / scales) * scales
    lost, lost_alone = (np.linalg.norm(rows @ (matrix - kept)) for kept in (levels * scales, alone))
    assert lost < lost_alone / 3
