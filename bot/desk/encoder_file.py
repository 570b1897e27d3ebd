"""
The encoder's file: a trained network -> int8 ONNX that the bot runs, and back to weights to train further.

Needs the extra `encoder`.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnx import NodeProto, helper, numpy_helper
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

Floats = npt.NDArray[np.float32]

MAX_TOKENS: Final = 256
"""Longer messages are cut by the tokenizer; the caller has judged both ends by then."""
FILES: Final = ("encoder.onnx", "tokenizer.json")
QUANTISATION: Final = "int8: matrices by column, what flows into the feed-forward ones by row, pieces by row"
LEVELS: Final = 127
"""Of a weight, either way. With half as many the cosine to the vectors that were trained fell from .999 to .986."""
ZERO: Final = 128
"""
What stands for nothing. The levels have no sign: of signed ones, processors without VNNI add two products in sixteen
bits, which they overflow, and the same message would have another vector on another machine.
"""
MICROSOFT: Final = "com.microsoft"
"""Where onnxruntime keeps its own operators."""
MULTIPLY: Final = "DynamicQuantizeMatMul"
PARTS: Final = ("queries_keys_values", "attended", "widen", "narrow")
"""The matrices of a layer, in the order in which the file reckons with them."""
UNEVEN: Final = ("widen", "narrow")
"""Those into which some rows flow that are far louder than others."""


class QuantisedEmbedding(nn.Module):
    """A table of int8 rows, each with its own scale: a quarter of the size, for reading only."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        scales = table.abs().amax(1, keepdim=True).clamp_min(1e-8) / 127
        self.register_buffer("scales", scales)
        self.register_buffer("rows", (table / scales).round().to(torch.int8))

    rows: Tensor
    scales: Tensor

    def forward(self, ids: Tensor) -> Tensor:
        return functional.embedding(ids, self.rows).float() * functional.embedding(ids, self.scales)


class Encoder:
    """The written files, run as the bot runs them."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(folder / "encoder.onnx"), options, ["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def __call__(self, text: str) -> Floats:
        ids = np.array([self.tokenizer.encode(text).ids], np.int64)
        vectors: Floats = self.session.run(["vector"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]
        return np.asarray(vectors[0], np.float32)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_model(network: nn.Module, tokenizer: Tokenizer, folder: Path) -> tuple[str, ...]:
    """
    Write `encoder.onnx` (int8) and `tokenizer.json` into the folder; their names.

    The file takes `input_ids` and `attention_mask` (int64, batch x length) and gives `vector` (float32, batch x
    width, each of length 1).

    Args:
        network: from ids and mask to vectors, with a table `words` of all pieces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    network = copy.deepcopy(network).cpu().float().eval()
    network.words = QuantisedEmbedding(network.get_parameter("words.weight").detach())
    with TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.onnx"
        export(network, whole)
        quantise(whole, folder / "encoder.onnx")
    return FILES


def export(network: nn.Module, path: Path) -> None:
    ids, mask = torch.ones(2, 8, dtype=torch.int64), torch.ones(2, 8, dtype=torch.int64)  # two: one would be merged
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=MAX_TOKENS)}
    torch.onnx.export(
        network,
        (ids, mask),
        path,
        input_names=["input_ids", "attention_mask"],
        output_names=["vector"],
        dynamic_shapes=(sizes, sizes),
        opset_version=20,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def quantise(source: Path, target: Path) -> None:
    """
    Turn the matrices of a model file into int8, multiplied in int8 too.

    Each row that flows into an uneven one is first divided by its largest value: the first token is twenty times as loud
    as the others, and onnxruntime has one scale for all rows, so those others would lose all but two or three bits of
    theirs (cosine to the float vectors .989 for .998). It costs a twentieth of the time. Blocks with scales of their own
    (MatMulNBits) come to .9997 but, without VNNI, take as long as float: nearly twice this.
    """
    model = onnx.load(source)
    model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    graph = model.graph
    matrices = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    nodes: list[NodeProto] = []
    done: set[str] = set()
    graph.initializer.append(numpy_helper.from_array(np.array([-1], np.int64), "last_axis"))
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[1] not in matrices:
            nodes.append(node)
            continue
        part = PARTS[len(done) % len(PARTS)]
        done.add(node.input[1])
        for name, values in quantised(matrices[node.input[1]]).items():
            graph.initializer.append(numpy_helper.from_array(values, f"{node.name}.{name}"))
        nodes += multiplied_by_row(node) if part in UNEVEN else [multiplied(node, node.input[0], node.output[0])]
    kept = [one for one in graph.initializer if one.name not in done]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    onnx.save(model, target)


def quantised(matrix: Floats) -> Mapping[str, npt.NDArray[np.generic]]:
    """A matrix in int8, and of each column what one level is worth and which level is zero."""
    scales = (np.abs(matrix).max(axis=0).clip(1e-12) / LEVELS).astype(np.float32)
    levels = (np.round(matrix / scales) + ZERO).astype(np.uint8)
    return {"levels": levels, "scales": scales, "zeros": np.full(scales.shape, ZERO, np.uint8)}


def multiplied_by_row(node: NodeProto) -> Iterator[NodeProto]:
    """The nodes in place of one that multiplies with a matrix that is now quantised, row by row."""
    rows, (out,), name = node.input[0], node.output, node.name
    loudest, even, product = f"{name}.loudest", f"{name}.even", f"{name}.product"
    yield helper.make_node("Abs", [rows], [f"{name}.size"])
    yield helper.make_node("ReduceMax", [f"{name}.size", "last_axis"], [loudest], keepdims=1)
    yield helper.make_node("Div", [rows, loudest], [even])
    yield multiplied(node, even, product)
    yield helper.make_node("Mul", [product, loudest], [out])


def multiplied(node: NodeProto, rows: str, out: str) -> NodeProto:
    """Rows times the matrix of a node that is now quantised."""
    matrix = [f"{node.name}.{part}" for part in ("levels", "scales", "zeros")]
    return helper.make_node(MULTIPLY, [rows, *matrix], [out], domain=MICROSOFT)


def read_weights(model: Path) -> dict[str, Tensor]:
    """The weights of a model file as the network names them: float again, less what was rounded off."""
    graph = onnx.load(model).graph
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    weights = {name: torch.from_numpy(values[name].copy()) for name in values if name.endswith((".weight", ".bias"))}
    weights["words.weight"] = torch.from_numpy(values["words.rows"].astype(np.float32) * values["words.scales"])
    for place, node in enumerate(node for node in graph.node if node.op_type == MULTIPLY):
        matrix = (values[node.input[1]].astype(np.float32) - ZERO) * values[node.input[2]]
        name = f"layers.{place // len(PARTS)}.{PARTS[place % len(PARTS)]}.weight"
        weights[name] = torch.from_numpy(matrix.T.copy())
    return weights
