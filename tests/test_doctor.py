"""The doctor says what is well and what to mend, against a real server that speaks the Bot API."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.doctor import examine, of_database
from bot.settings import Settings
from bot.store.database import Database
from bot.store.sealing import Sealing
from tests.store.filled import fill
from tests.telegram.bot_api import BotApi, Fault


@pytest.fixture
def api() -> Iterator[BotApi]:
    """Telegram."""
    with BotApi() as api:
        yield api


@pytest.fixture
def findings(tmp_path: Path, api: BotApi) -> Any:
    """What the doctor finds with these settings, by what was looked at: True where it is well."""

    def look(**settings: str) -> dict[str, bool]:
        given: dict[str, Any] = {
            "database_url": f"sqlite:///{tmp_path}/bot.sqlite3",
            "telegram_token": api.token,
            "telegram_api_url": api.root,
            **settings,
        }
        return {finding.what: finding.mend is None for finding in examine(Settings(_env_file=None, **given))}

    return look


def test_all_is_well_with_a_new_installation(findings: Any) -> None:
    found = findings()
    assert all(found.values()), found
    assert {"library", "model", "secret key", "database", "disk", "token", "polling"} <= set(found)


def test_nothing_is_left_open_at_the_end(findings: Any, caplog: pytest.LogCaptureFixture) -> None:
    findings()
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_a_refused_token_is_named(findings: Any, api: BotApi) -> None:
    api.fault("getMe", Fault.unauthorized())
    assert findings()["token"] is False


def test_a_telegram_that_cannot_be_reached_is_named(findings: Any) -> None:
    assert findings(telegram_api_url="http://127.0.0.1:9")["Telegram"] is False


def test_a_webhook_that_points_elsewhere_is_named(findings: Any) -> None:
    found = findings(telegram_mode="webhook", public_url="https://bot.example")
    assert found["webhook"] is False


def test_a_database_of_an_older_version_is_named(findings: Any, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/bot.sqlite3")
    database.upgrade("0001")
    database.close()
    assert findings()["database"] is False


def test_a_database_that_a_newer_version_has_brought_further_is_well(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.sqlite3"
    database = Database(url)
    database.upgrade()
    database.run_now(lambda db: db.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    database.close()
    found = {finding.what: finding for finding in of_database(Settings(_env_file=None, database_url=url), None)}
    assert found["database"].mend is None
    assert "newer" in found["database"].found
    assert "mailbox" in found


def test_a_database_that_is_away_is_named(findings: Any) -> None:
    found = findings(database_url="postgresql://nobody@127.0.0.1:9/none", secret_key="k" * 32)
    assert found["database"] is False


def test_a_database_that_the_disk_does_not_give_is_named(findings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = findings(database_url=f"sqlite:///{tmp_path}/file/data/bot.sqlite3", secret_key="k" * 32)
    assert (found["database"], found["disk"]) == (False, False)
    assert "token" in found


def test_a_secret_key_that_others_can_read_is_named(findings: Any, tmp_path: Path) -> None:
    findings()
    (tmp_path / "secret.key").chmod(0o644)
    assert findings()["secret key"] is False


def test_without_a_token_only_the_web_is_spoken_of(findings: Any) -> None:
    found = findings(telegram_token=None)
    assert found["Telegram"] is True
    assert "token" not in found


def test_what_waits_under_another_key_is_named_before_it_is_dropped(findings: Any, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/bot.sqlite3")
    database.upgrade()
    fill(database, Sealing("k" * 32))
    database.close()
    assert "sealed" not in findings(secret_key="k" * 32)
    assert findings(secret_key="l" * 32)["sealed"] is False
