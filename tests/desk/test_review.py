"""What waits for a review, what is due for one, and signing it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.cli import main
from bot.content.formats import UnusableFileError
from bot.desk.review import Waiting, reviewed_files, sign_files, waiting
from bot.vocabulary import ReviewKind
from tests.conftest import NOON

DAY = NOON.date()


def shown(root: Path, required: ReviewKind = ReviewKind.SOURCE_CHECKED, today: date = DAY) -> set[str]:
    """What `library waiting` prints."""
    return {str(entry) for entry in waiting(root, required, today)}


def test_a_changed_file_waits_until_both_roles_have_signed_it(responses_copy: Path) -> None:
    before = shown(responses_copy)
    path = responses_copy / "ru" / "help.md"
    path.write_text(path.read_text(encoding="utf-8") + "\nЕщё.\n", encoding="utf-8")
    (responses_copy / "directory.yaml").write_bytes((responses_copy / "directory.yaml").read_bytes() + b"\n")
    files = ["ru/help.md", "directory.yaml"]
    assert shown(responses_copy) - before == {f"{file}: lacks author, second-reader" for file in files}
    assert sign_files(responses_copy, files, "author", DAY) == 2
    assert shown(responses_copy) - before == {f"{file}: lacks second-reader" for file in files}
    assert sign_files(responses_copy, files, "second-reader", DAY) == 2
    assert shown(responses_copy) == before


def test_where_a_clinician_is_required_every_text_but_the_programs_own_waits_for_one(responses_copy: Path) -> None:
    told = shown(responses_copy, ReviewKind.CLINICIAN)
    assert "en/someone-down.md: lacks clinician" in told
    assert "en/last-resort.md: lacks clinician" not in told
    assert "directory.yaml: lacks clinician" not in told
    sign_files(responses_copy, ["en/someone-down.md"], "clinician", DAY)
    assert "en/someone-down.md: lacks clinician" not in shown(responses_copy, ReviewKind.CLINICIAN)


@pytest.mark.parametrize(
    ("file", "days", "told"),
    [
        ("en/help.md", 334, None),
        ("en/help.md", 335, "en/help.md: due on 2027-01-01"),
        ("en/help.md", 364, "en/help.md: due on 2027-01-01"),
        ("en/help.md", 365, "en/help.md: past due since 2027-01-01"),
        ("directory.yaml", 151, None),
        ("directory.yaml", 152, "directory.yaml: due on 2026-07-02"),
        ("directory.yaml", 182, "directory.yaml: past due since 2026-07-02"),
    ],
)
def test_a_review_is_told_thirty_days_before_it_is_due(
    file: str, days: int, told: str | None, responses_copy: Path
) -> None:
    for role in ("author", "second-reader"):
        sign_files(responses_copy, [file], role, DAY)
    found = {line for line in shown(responses_copy, today=DAY + timedelta(days)) if line.startswith(file)}
    assert found == ({told} if told else set())


def test_what_lacks_a_reading_stands_before_what_is_due(responses_copy: Path) -> None:
    path = responses_copy / "en" / "help.md"
    path.write_bytes(path.read_bytes() + b"\n")
    entries = waiting(responses_copy, ReviewKind.SOURCE_CHECKED, DAY + timedelta(900))
    assert Waiting("en/help.md", ("author", "second-reader"), None) in entries
    assert [bool(entry.lacking) for entry in entries] == sorted((bool(e.lacking) for e in entries), reverse=True)
    dates = [entry.due for entry in entries if entry.due]
    assert dates == sorted(dates)


def test_the_operator_is_told_at_the_start_how_many_texts_wait_for_a_clinician(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERDOSE_BOT_REQUIRED_REVIEW", "clinician")
    assert main(["ask", "he is not breathing", "--country", "KZ"]) == 0
    shown_to = capsys.readouterr()
    assert re.search(r"\d+ texts wait for a clinician and are not served", shown_to.err)
    assert "the last resort answers for it" in shown_to.err
    assert "103" in shown_to.out
    assert "clinician" not in shown_to.out
    assert main(["library", "waiting"]) == 0
    assert "en/someone-down.md: lacks clinician" in capsys.readouterr().out


def test_all_that_people_see_is_reviewed(responses_copy: Path) -> None:
    names = {folder.name: set(files) for folder, files in reviewed_files(responses_copy).items()}
    assert names[responses_copy.name] == {"directory.yaml", "languages.yaml"}
    assert {"someone-down.md", "language.yaml", "places.yaml"} <= names["en"]


@pytest.mark.parametrize("name", ["en/nowhere.md", "nowhere/help.md", "en"])
def test_what_is_not_there_cannot_be_signed(name: str, responses_copy: Path) -> None:
    with pytest.raises(UnusableFileError):
        sign_files(responses_copy, [name], "clinician", DAY)
