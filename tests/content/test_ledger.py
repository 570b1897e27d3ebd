"""What was read by whom amounts to a review or not, and holds for a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.content.formats import Role
from bot.content.ledger import Readings, read_ledger, sign
from bot.vocabulary import ReviewKind

DAY = date(2026, 3, 1)
LATER = DAY + timedelta(days=10)


@pytest.mark.parametrize(
    ("days", "kind", "lacking", "lacking_for_clinician"),
    [
        ({}, None, ("author", "second-reader"), ("author", "clinician")),
        ({"author": DAY}, None, ("second-reader",), ("clinician",)),
        ({"second-reader": DAY}, None, ("author",), ("author", "clinician")),
        ({"clinician": DAY}, None, ("author",), ("author",)),
        ({"author": DAY, "second-reader": DAY}, ReviewKind.SOURCE_CHECKED, (), ("clinician",)),
        ({"author": DAY, "clinician": DAY}, ReviewKind.CLINICIAN, (), ()),
        ({"author": DAY, "second-reader": DAY, "clinician": DAY}, ReviewKind.CLINICIAN, (), ()),
    ],
)
def test_two_readings_make_a_review_and_a_clinicians_raises_it(
    days: Mapping[Role, date],
    kind: ReviewKind | None,
    lacking: tuple[Role, ...],
    lacking_for_clinician: tuple[Role, ...],
) -> None:
    readings = Readings("help.md", days)
    assert readings.kind is kind
    assert readings.lacking(ReviewKind.SOURCE_CHECKED) == lacking
    assert readings.lacking(ReviewKind.CLINICIAN) == lacking_for_clinician


@pytest.mark.parametrize(
    ("name", "days", "due"),
    [
        ("help.md", {"author": DAY, "second-reader": LATER}, DAY + timedelta(days=365)),
        ("help.md", {"author": LATER, "second-reader": DAY}, DAY + timedelta(days=365)),
        ("help.md", {"author": LATER, "second-reader": DAY, "clinician": LATER}, LATER + timedelta(days=365)),
        ("language.yaml", {"author": DAY, "second-reader": DAY}, DAY + timedelta(days=365)),
        ("directory.yaml", {"author": DAY, "second-reader": DAY}, DAY + timedelta(days=182)),
        ("help.md", {"author": DAY}, None),
        ("help.md", {"second-reader": DAY}, None),
    ],
)
def test_a_review_holds_a_year_from_its_older_reading_and_numbers_half_a_year(
    name: str, days: Mapping[Role, date], due: date | None
) -> None:
    assert Readings(name, days).due == due


def test_a_reading_is_of_these_bytes_alone(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("one", encoding="utf-8")
    for role in ("author", "second-reader"):
        sign(tmp_path, ("a.md",), role, DAY)
    assert read_ledger(tmp_path, "")[0].review("a.md") is ReviewKind.SOURCE_CHECKED
    (tmp_path / "a.md").write_text("one.", encoding="utf-8")
    assert read_ledger(tmp_path, "")[0].readings("a.md").days == {}
    sign(tmp_path, ("a.md",), "author", LATER)
    assert read_ledger(tmp_path, "")[0].readings("a.md").days == {"author": LATER}
