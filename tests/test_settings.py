"""What the environment decides comes out as one thing, however it is spelt."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli import main
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


@pytest.mark.parametrize("port", ["abc", "", "-5", "٣", "5432,other:5432", "5:6"])
def test_a_port_of_the_database_that_is_no_number_is_refused(port: str) -> None:
    with pytest.raises(ValueError, match="PORT that is a number"):
        Settings(_env_file=None, database_url=f"postgresql://u:p@host:{port}/x", secret_key="k" * 32)


@pytest.mark.parametrize(
    "rest",
    ["u:p/w#:@host:5432/x", "host/x", "[::1]:5432/x", "u@host", "/x?host=/run/postgresql", "host:5432?sslmode=require"],
)
def test_every_way_to_spell_the_address_of_a_database_is_taken(rest: str) -> None:
    settings = Settings(_env_file=None, database_url=f"postgresql://{rest}", secret_key="k" * 32)
    Database(settings.database).close()


@pytest.mark.parametrize(
    "origins",
    [
        "https://школа.example",
        "school.example",
        "https://a.example; script-src *",
        "https://a.example/chat",
        "*",
        "https://",
    ],
)
def test_what_is_no_origin_is_refused_before_a_header_is_made_of_it(origins: str) -> None:
    with pytest.raises(ValueError, match="origins like"):
        Settings(_env_file=None, embed_origins=f"https://fine.example {origins}")


@pytest.mark.parametrize(
    "origins",
    [
        "",
        "https://a.example http://localhost:3000",
        "https://a.example/, https://*.b.example",
        "https://xn--80atbji.example",
    ],
)
def test_origins_are_taken_as_they_are(origins: str) -> None:
    assert Settings(_env_file=None, embed_origins=origins).embed_origins == origins


def test_settings_that_are_no_text_end_with_status_2_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"OVERDOSE_BOT_LOG_LEVEL=\xff\n")
    with pytest.raises(SystemExit) as ended:
        main(["library", "waiting"])
    assert ended.value.code == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("overdose-bot: .env")
