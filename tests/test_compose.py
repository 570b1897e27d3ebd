"""What the proxy says by itself is what the bot says."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from bot.conversation.library import Library
from bot.markup import plain

COMPOSE = Path(__file__).parent.parent / "compose.yaml"


def test_where_no_replica_answers_the_proxy_shows_the_pointer_in_each_language(library: Library) -> None:
    proxy = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["configs"]["proxy"]["content"]
    page = re.search(r"handle_errors \{.*?respond `(.*?)` \{err\.status_code\}", proxy, re.DOTALL)
    assert page
    said = dict(re.findall(r'<p lang="(\w+)">(.*)</p>', page[1]))
    assert {language: re.sub(r"<.*?>", "", text) for language, text in said.items()} == {
        language: plain(library.pointer(language, None).text) for language in library.languages
    }
