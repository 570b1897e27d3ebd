"""
The encoder's file: trained weights -> int8 ONNX that the bot runs, and back to weights to train further.

The graph is written node by node: what runs is what stands here, with the operators that onnxruntime has for BERT.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

MAX_TOKENS: Final = 256
"""Longer messages are cut by the tokenizer; the caller has judged both ends by then."""
FILES: Final = ("encoder.onnx", "tokenizer.json")
QUANTISATION: Final = (
    "seven bits a weight, rounded by column one input after another (GPTQ); what flows into the feed-forward matrices by "
    "row; pieces in eight bits by row"
)
LEVELS: Final = 63
"""
Of a weight, either way: two products of a weight and a value of eight bits then fit into sixteen bits, in which processors
without VNNI add them. With more levels they would overflow there, and the same message have another vector on another
machine.
"""
PIECE_LEVELS: Final = 127
"""Of a piece's vector, either way; it is only looked up."""
DAMPING: Final = 0.01
"""Share of the mean square of an input that is added to each, so that inputs which are never met cost nothing (GPTQ's own)."""
TOGETHER: Final = 128
"""Inputs after which what was lost is made up for in all that follow: the same sums as one by one, in a tenth of the time."""
HEADS: Final = 12
MICROSOFT: Final = "com.microsoft"
"""Where onnxruntime keeps its own operators."""
MULTIPLY: Final = "DynamicQuantizeMatMul"
PARTS: Final = ("queries_keys_values", "attended", "widen", "narrow")
"""The matrices of a layer, in the order in which the file reckons with them."""
UNEVEN: Final = ("widen", "narrow")
"""
Those into which some rows flow that are far louder than others. Each row is first divided by its largest value:
onnxruntime has one scale for all rows, so the quiet ones would lose all but two or three bits of theirs.
"""
EPSILON: Final = 1e-12
OPSET: Final = 20
IR_VERSION: Final = 9


class Encoder:
    """The written files, run as the bot runs them."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(folder / "encoder.onnx"), options, ["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def __call__(self, text: str) -> Floats:
        vectors: Floats = self.session.run(
            ["vector"], {"input_ids": np.array([self.tokenizer.encode(text).ids], np.int64)}
        )[0]
        return np.asarray(vectors[0], np.float32)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_model(
    weights: Mapping[str, Floats], moments: Mapping[str, Doubles], tokenizer: Tokenizer, folder: Path
) -> tuple[str, ...]:
    """
    Write `encoder.onnx` and `tokenizer.json` into the folder; their names.

    The file takes `input_ids` (int64, 1 x length) and gives `vector` (float32, 1 x width, of length 1).

    Args:
        weights: as the network names them.
        moments: by matrix, such as `layers.0.widen`: of what flows into it the sums of products, input x input. Of an
            uneven one of its rows as they are divided.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    layers = sum(name.endswith(".attended.bias") for name in weights)
    onnx.save(Graph(weights, moments).model(layers), folder / "encoder.onnx")
    return FILES


class Graph:
    """The nodes and tables of a model file, as they are written one after another."""

    def __init__(self, weights: Mapping[str, Floats], moments: Mapping[str, Doubles]) -> None:
        self._weights = weights
        self._moments = moments
        self._nodes: list[NodeProto] = []
        self._tables: dict[str, npt.NDArray[np.generic]] = {}

    def model(self, layers: int) -> onnx.ModelProto:
        """The whole network: ids of pieces -> the mean of the last layer's states, of length 1."""
        states = self._norm("norm", self._embedded("input_ids"))
        for layer in range(layers):
            states = self._layer(f"layers.{layer}", states)
        mean = self._node("ReduceMean", [states, self._table("all_rows", np.array([1]))], "mean", keepdims=0)
        self._node("LpNormalization", [mean], "vector", axis=-1, p=2)
        width = len(self._weights["norm.weight"])
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "length"])],
            [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, width])],
            [numpy_helper.from_array(np.ascontiguousarray(table), name) for name, table in self._tables.items()],
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)

    def _embedded(self, ids: str) -> str:
        """The vectors of pieces and of their places, added up."""
        words = self._weights["words.weight"]
        scales: Floats = np.abs(words).max(1, keepdims=True).clip(1e-8) / PIECE_LEVELS
        rows = self._table("words.rows", np.round(words / scales).astype(np.int8))
        levels = self._node("Cast", [self._node("Gather", [rows, ids], "levels")], "float_levels", to=TensorProto.FLOAT)
        scale = self._node("Gather", [self._table("words.scales", scales), ids], "scale")
        zero, positions = self._table("zero", np.array([0])), self._kept("positions.weight")
        length = self._node("Shape", [ids], "length", start=1)
        places = self._node("Slice", [positions, zero, length, zero], "places")
        return self._node("Add", [self._node("Mul", [levels, scale], "pieces"), places], "embedded")

    def _layer(self, name: str, states: str) -> str:
        """One layer of BERT: attention and two matrices, each with the norm after it."""
        joined = self._multiplied(f"{name}.queries_keys_values", states, biased=True)
        parts = [f"{name}.{part}" for part in ("queries", "keys", "values")]
        self._nodes.append(helper.make_node("Split", [joined], parts, axis=-1, num_outputs=3))
        mixed = self._ours("MultiHeadAttention", parts, f"{name}.mixed", num_heads=HEADS)
        attended = self._multiplied(f"{name}.attended", mixed, biased=True)
        states = self._norm(f"{name}.attended_norm", states, attended)
        widened = self._multiplied(f"{name}.widen", states)
        widened = self._ours("BiasGelu", [widened, self._kept(f"{name}.widen.bias")], f"{name}.widened")
        narrowed = self._multiplied(f"{name}.narrow", widened)
        return self._norm(f"{name}.narrow_norm", states, narrowed, self._kept(f"{name}.narrow.bias"))

    def _norm(self, name: str, states: str, *added: str) -> str:
        """
        States, and what is added to them, with the norm after it.

        Node by node, for onnxruntime's own SkipLayerNormalization takes five times as long: a seventh of a whole message.
        """
        for number, more in enumerate(added):
            states = self._node("Add", [states, more], f"{name}.sum{number}")
        gain, shift = self._kept(f"{name}.weight"), self._kept(f"{name}.bias")
        return self._node("LayerNormalization", [states, gain, shift], f"{name}.states", epsilon=EPSILON, axis=-1)

    def _multiplied(self, name: str, rows: str, *, biased: bool = False) -> str:
        """Rows times a matrix, in int8."""
        levels, scales = rounded(self._weights[f"{name}.weight"].T, self._moments[name])
        matrix = [
            self._table(f"{name}.levels", levels),
            self._table(f"{name}.scales", scales),
            self._table(f"{name}.zeros", np.zeros(scales.shape, np.int8)),
        ]
        bias = [self._kept(f"{name}.bias")] if biased else []
        if not name.endswith(UNEVEN):
            return self._ours(MULTIPLY, [rows, *matrix, *bias], f"{name}.product")
        size = self._node("Abs", [rows], f"{name}.size")
        loudest = self._node(
            "ReduceMax", [size, self._table("last_axis", np.array([-1]))], f"{name}.loudest", keepdims=1
        )
        even = self._node("Div", [rows, loudest], f"{name}.even")
        return self._node(
            "Mul", [self._ours(MULTIPLY, [even, *matrix], f"{name}.levelled"), loudest], f"{name}.product"
        )

    def _kept(self, name: str) -> str:
        """A table of floats as it was trained."""
        return self._table(name, self._weights[name])

    def _table(self, name: str, values: npt.NDArray[np.generic]) -> str:
        self._tables[name] = values.astype(np.float32) if values.dtype == np.float64 else values
        return name

    def _node(self, operator: str, inputs: Sequence[str], output: str, domain: str = "", **how: Any) -> str:
        self._nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **how))
        return output

    def _ours(self, operator: str, inputs: Sequence[str], output: str, **how: Any) -> str:
        """A node of an operator of onnxruntime's own."""
        return self._node(operator, inputs, output, MICROSOFT, **how)


def rounded(matrix: Floats, moments: Doubles) -> tuple[npt.NDArray[np.int8], Floats]:
    """
    A matrix (inputs x outputs) in levels, and of each column what one level is worth.

    One input after another is rounded, and what that changes is made up for by the inputs that follow it, as far as they
    go together with it in what flows in (Frantar et al., GPTQ, 2022). The vectors then come to a cosine of .999 to those
    that were trained; rounded each for itself, to .995.
    """
    left = matrix.astype(np.float64)
    scales = np.abs(left).max(axis=0).clip(1e-12) / LEVELS
    damped = moments + np.eye(len(moments)) * DAMPING * np.diag(moments).mean()
    share = np.linalg.cholesky(np.linalg.inv(damped)).T
    levels = np.zeros(matrix.shape, np.int8)
    for start in range(0, len(left), TOGETHER):
        block, lost = range(len(left))[start : start + TOGETHER], np.zeros((0, matrix.shape[1]))
        for row in block:
            left[row] -= share[start:row, row] @ lost
            levels[row] = np.clip(np.round(left[row] / scales), -LEVELS, LEVELS)
            lost = np.vstack([lost, (left[row] - levels[row] * scales) / share[row, row]])
        left[block.stop :] -= share[block.start : block.stop, block.stop :].T @ lost
    return levels, scales.astype(np.float32)


def evened(name: str, rows: Floats) -> Floats:
    """Rows (any x inputs) that flow into a matrix, as the file multiplies them with it."""
    return rows / np.abs(rows).max(axis=-1, keepdims=True) if name.endswith(UNEVEN) else rows


def read_weights(model: Path) -> dict[str, Floats]:
    """The weights of a model file as the network names them: float again, less what was rounded off."""
    tables = {one.name: numpy_helper.to_array(one) for one in onnx.load(model).graph.initializer}
    weights = {name: table.copy() for name, table in tables.items() if name.endswith((".weight", ".bias"))}
    weights["words.weight"] = (tables["words.rows"] * tables["words.scales"]).astype(np.float32)
    for name, levels in tables.items():
        matrix, _, part = name.rpartition(".")
        if part == "levels":
            weights[f"{matrix}.weight"] = (levels * tables[f"{matrix}.scales"]).astype(np.float32).T.copy()
    return weights
