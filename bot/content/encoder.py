"""The model's files -> Encoder and Heads, checked by hash against the cards that came with them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from hashlib import blake2b, sha256
from io import BytesIO
from pathlib import Path
from secrets import token_bytes
from threading import Lock

import numpy as np
import onnxruntime
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from tokenizers import Tokenizer

from bot.content.formats import Closed, FileFault, UnusableFileError
from bot.conversation.glance import Glance
from bot.conversation.matching import URGENCIES, Heads
from bot.conversation.spelling import Spelling
from bot.conversation.triage import Thresholds
from bot.vocabulary import Encoder, Urgency, Vector

MAX_TOKENS = 128
"""Of a longer message both ends are read: half of the tokens from each."""

REMEMBERED = 1024
"""So many texts that were read last are not read again: many people write the same few words."""


class FileCard(BaseModel):
    """What the encoder's card says of one file."""

    model_config = ConfigDict(extra="ignore")
    sha256: str
    bytes: int


class EncoderCard(BaseModel):
    """model/card.json: what the encoder was made from and how, with figures for people to read."""

    model_config = ConfigDict(extra="ignore")
    files: dict[str, FileCard]


WORDS = TypeAdapter(dict[str, dict[str, int]])


class LanguageThresholds(Closed):
    """From which probability on a danger or dosing is taken as meant, in one language."""

    emergency: float
    self_harm: float
    safeguarding: float
    dosing: float


class GlanceCard(Closed):
    """What model/heads.json says of the glance: from which probabilities on it may hear, and hears, without the model."""

    weights_sha256: str
    hasty: float
    asking: float
    thresholds: LanguageThresholds


class HeadsCard(Closed):
    """model/heads.json: what the heads were fitted on, and the decisions fitted with them."""

    questions_sha256: str
    encoder_sha256: str
    weights_sha256: str
    words_sha256: str
    rows: int
    topics: tuple[str, ...]
    thresholds: dict[str, LanguageThresholds]
    answer_from: float
    offer_from: float
    aside_from: float
    witnesses: dict[Urgency, tuple[str, ...]] = Field(default_factory=dict)
    dosing_witnesses: tuple[str, ...] = ()
    glance: GlanceCard
    figures: dict[str, float]


def load_encoder(folder: Path) -> Encoder:
    """
    The encoder: folded text -> unit vector. One thread: a message is too short for two.

    Raises:
        UnusableFileError: a file is missing, damaged, or not the one that the card names.
    """
    try:
        card = EncoderCard.model_validate_json((folder / "card.json").read_bytes())
        for name, file in card.files.items():
            if sha256((folder / name).read_bytes()).hexdigest() != file.sha256:
                raise UnusableFileError((FileFault(f"model/{name}", 0, "is not the file that card.json names"),))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        network = onnxruntime.InferenceSession(
            str(folder / "encoder.onnx"), options, providers=["CPUExecutionProvider"]
        )
    except (OSError, ValueError, ValidationError) as error:
        raise UnusableFileError(
            (FileFault("model", 0, f"the encoder cannot be used: {type(error).__name__}"),)
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def encode(text: str) -> Vector:
        ids = tokenizer.encode(text).ids
        if len(ids) > MAX_TOKENS:
            ids = ids[: MAX_TOKENS // 2] + ids[-MAX_TOKENS // 2 :]
        (vectors,) = network.run(["vector"], {"input_ids": np.array([ids], dtype=np.int64)})
        vector: Vector = vectors[0]
        return vector

    return remembering(encode, REMEMBERED)


def remembering(encode: Encoder, count: int) -> Encoder:
    """
    An encoder that does not read again what it read lately: "hi", "what is naloxone".

    It holds no text. A vector is found by a keyed hash, whose key is drawn anew and never leaves the process.
    """
    key, lock, known = token_bytes(32), Lock(), OrderedDict[bytes, Vector]()

    def remember(text: str) -> Vector:
        name = blake2b(text.encode(), digest_size=16, key=key).digest()
        with lock:
            if name in known:
                known.move_to_end(name)
                return known[name]
        vector = encode(text)
        vector.setflags(write=False)
        with lock:
            known[name] = vector
            if len(known) > count:
                known.popitem(last=False)
        return vector

    return remember


def read_heads_card(folder: Path) -> HeadsCard:
    """
    model/heads.json.

    Raises:
        UnusableFileError: it is missing or not in its shape.
    """
    try:
        return HeadsCard.model_validate_json((folder / "heads.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise UnusableFileError(
            (FileFault("model/heads.json", 0, f"cannot be used: {type(error).__name__}"),)
        ) from error


def read_named(folder: Path, name: str, expected: str) -> bytes:
    """
    A file of the model, by the hash that heads.json has for it.

    Raises:
        UnusableFileError: it cannot be read, or is another.
    """
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise UnusableFileError((FileFault(f"model/{name}", 0, f"cannot be used: {type(error).__name__}"),)) from error
    if sha256(content).hexdigest() != expected:
        raise UnusableFileError((FileFault(f"model/{name}", 0, "is not the file that heads.json names"),))
    return content


def load_spelling(folder: Path) -> Spelling:
    """
    The words of our questions.

    Raises:
        UnusableFileError: they are missing, damaged, or not those that heads.json names.
    """
    content = read_named(folder, "words.json", read_heads_card(folder).words_sha256)
    try:
        return Spelling(WORDS.validate_json(content))
    except ValidationError as error:
        raise UnusableFileError(
            (FileFault("model/words.json", 0, f"cannot be used: {type(error).__name__}"),)
        ) from error


def load_glance(folder: Path) -> Glance:
    """
    The glance, which needs no encoder.

    Raises:
        UnusableFileError: it is missing, damaged, or not the one that heads.json names.
    """
    card = read_heads_card(folder).glance
    content = read_named(folder, "glance.npz", card.weights_sha256)
    with np.load(BytesIO(content), allow_pickle=False) as file:
        weights = file["weights"].astype(np.float32)
    # It knows too little to outvote a signal.
    return Glance(weights, card.hasty, card.asking, replace(thresholds_of(card.thresholds), doubted=0.0))


def load_heads(folder: Path) -> Heads:
    """
    The heads.

    Raises:
        UnusableFileError: they are missing, damaged, or were fitted on another encoder.
    """
    card = read_heads_card(folder)
    content = read_named(folder, "heads.npz", card.weights_sha256)
    try:
        encoder_card = EncoderCard.model_validate_json((folder / "card.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise UnusableFileError(
            (FileFault("model", 0, f"the heads cannot be used: {type(error).__name__}"),)
        ) from error
    if encoder_card.files["encoder.onnx"].sha256 != card.encoder_sha256:
        raise UnusableFileError(
            (FileFault("model/heads.npz", 0, "was fitted on another encoder: run `library train`"),)
        )
    with np.load(BytesIO(content), allow_pickle=False) as weights:
        return Heads(
            weights["urgency"].astype(np.float64),
            weights["dosing"].astype(np.float64),
            weights["topic"].astype(np.float64),
            card.topics,
            {language: thresholds_of(values) for language, values in card.thresholds.items()},
            card.answer_from,
            card.offer_from,
            weights["aside"].astype(np.float64),
            card.aside_from,
            {urgency: frozenset(topics) for urgency, topics in card.witnesses.items()},
            frozenset(card.dosing_witnesses),
            weights["talk"].astype(np.float64),
        )


def thresholds_of(card: LanguageThresholds) -> Thresholds:
    """A language's thresholds by urgency."""
    return Thresholds({Urgency(u): float(getattr(card, u.value)) for u in URGENCIES}, card.dosing)
