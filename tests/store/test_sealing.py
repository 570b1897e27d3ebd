"""The secret key and what is made from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.store.errors import SecretKeyError
from bot.store.sealing import Sealing, secret_beside


def test_a_secret_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    made = secret_beside(folder)
    assert secret_beside(folder) == made
    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["secret.key"]


def test_a_secret_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    secret_beside(tmp_path)
    (tmp_path / "secret.key").chmod(0o644)
    with pytest.raises(SecretKeyError, match="chmod 600"):
        secret_beside(tmp_path)


def test_a_short_secret_key_is_refused() -> None:
    with pytest.raises(SecretKeyError):
        Sealing("short")


def test_pseudonyms_depend_on_the_key_and_do_not_run_into_each_other() -> None:
    one, other = Sealing("a" * 20), Sealing("b" * 20)
    assert one.pseudonym("telegram", "1") != other.pseudonym("telegram", "1")
    assert one.pseudonym("ab", "c") != one.pseudonym("a", "bc")
    assert one.derived("webhook") != one.derived("web")
