"""The encoder's memory: what was read lately is not read again, and no text is held."""

from __future__ import annotations

import gc

import numpy as np

from bot.content.encoder import remembering
from bot.vocabulary import Vector


def test_what_was_read_lately_is_not_read_again_and_the_oldest_is_forgotten() -> None:
    read: list[str] = []

    def encode(text: str) -> Vector:
        read.append(text)
        return np.array([len(text)], dtype=np.float32)

    encoder = remembering(encode, 2)
    assert [float(encoder(text)[0]) for text in ("hi", "help", "hi", "hello", "help")] == [2, 4, 2, 5, 4]
    assert read == ["hi", "help", "hello", "help"]


def test_no_text_is_held() -> None:
    encoder = remembering(lambda _: np.zeros(1, np.float32), 8)
    encoder("".join(("zebra", "quagga")))
    gc.collect()
    held = [repr(found) for cell in encoder.__closure__ or () for found in (cell.cell_contents,)]
    assert not any("zebraquagga" in one for one in held)
