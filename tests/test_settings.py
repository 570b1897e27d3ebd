"""What the environment decides comes out as one thing, however it is spelt."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import Settings
from bot.store.database import Database


@pytest.mark.parametrize("path", ["~/x.sqlite3", "x.sqlite3", "~/deep/er/x.sqlite3", "{home}/x.sqlite3"])
def test_the_key_lies_beside_the_embedded_database(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    given = path.format(home=tmp_path)
    settings = Settings(_env_file=None, database_url=f"sqlite:///{given}")
    database = Database(settings.database)
    database.upgrade()
    database.close()
    assert (settings.data_folder / "x.sqlite3").is_file()
    assert settings.data_folder == (tmp_path / given.removeprefix("~/")).parent


@pytest.mark.parametrize("address", ["sqlite://x", "mysql://host/x", "x.sqlite3"])
def test_the_address_of_another_kind_of_database_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///PATH"):
        Settings(_env_file=None, database_url=address)
