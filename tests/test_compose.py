"""What the proxy says by itself is what the bot says, and what an operator sets reaches the bot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bot.conversation.library import Library
from bot.markup import plain
from bot.settings import Settings

ROOT = Path(__file__).parent.parent
COMPOSE = ROOT / "compose.yaml"


def test_where_no_replica_answers_the_proxy_shows_the_pointer_in_each_language(library: Library) -> None:
    proxy = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["configs"]["proxy"]["content"]
    page = re.search(r"handle_errors \{.*?respond `(.*?)` \{err\.status_code\}", proxy, re.DOTALL)
    assert page
    said = dict(re.findall(r'<p lang="(\w+)">(.*)</p>', page[1]))
    assert {language: re.sub(r"<.*?>", "", text) for language, text in said.items()} == {
        language: plain(library.pointer(language, None).text) for language in library.languages
    }


def test_every_setting_is_a_secret_or_decided_here_or_taken_from_the_file_of_settings() -> None:
    bot = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["x-bot"]
    told = set(re.findall(r"^\| `(OVERDOSE_BOT_\w+)`", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert told == {*bot["secrets"], *bot["environment"]} - {"FORWARDED_ALLOW_IPS"}
    passed = {name for name, value in bot["environment"].items() if value == f"${{{name}:-}}"}
    assert told - passed == {*bot["secrets"], "OVERDOSE_BOT_TELEGRAM_MODE", "OVERDOSE_BOT_PUBLIC_URL"}


def test_a_setting_that_is_passed_on_empty_is_as_if_it_was_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    unset = Settings(_env_file=None)
    for name in ("TELEGRAM_API_URL", "WEBHOOK_SECRET", "EMBED_ORIGINS", "REQUIRED_REVIEW", "LOG_LEVEL"):
        monkeypatch.setenv(f"OVERDOSE_BOT_{name}", "")
    assert Settings(_env_file=None) == unset
