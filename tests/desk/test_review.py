"""What waits for a review, and signing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content.formats import UnusableFileError
from bot.desk.review import reviewed_files, sign_files, waiting
from tests.conftest import NOON


def test_a_changed_file_waits_until_it_is_signed(responses_copy: Path) -> None:
    before = waiting(responses_copy)
    path = responses_copy / "ru" / "help.md"
    path.write_text(path.read_text(encoding="utf-8") + "\nЕщё.\n", encoding="utf-8")
    (responses_copy / "directory.yaml").write_bytes((responses_copy / "directory.yaml").read_bytes() + b"\n")
    assert set(waiting(responses_copy)) - set(before) == {"ru/help.md", "directory.yaml"}
    assert sign_files(responses_copy, ["ru/help.md", "directory.yaml"], "second-reader", NOON.date()) == 2
    assert waiting(responses_copy) == before


def test_all_that_people_see_is_reviewed(responses_copy: Path) -> None:
    names = {folder.name: set(files) for folder, files in reviewed_files(responses_copy).items()}
    assert names[responses_copy.name] == {"directory.yaml", "languages.yaml"}
    assert {"someone-down.md", "language.yaml", "places.yaml"} <= names["en"]


@pytest.mark.parametrize("name", ["en/nowhere.md", "nowhere/help.md", "en"])
def test_what_is_not_there_cannot_be_signed(name: str, responses_copy: Path) -> None:
    with pytest.raises(UnusableFileError):
        sign_files(responses_copy, [name], "clinician", NOON.date())
