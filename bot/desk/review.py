"""List what waits for review or is due for one, and sign it into the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bot.content.formats import Role
from bot.content.ledger import read_ledger, sign
from bot.conversation.library import LAST_RESORT
from bot.vocabulary import ReviewKind

REVIEWED = ("*.md", "language.yaml", "places.yaml", "telegram.yaml", "web.yaml", "directory.yaml", "languages.yaml")
"""Files whose words or numbers people see."""
OWN = (
    "language.yaml",
    "places.yaml",
    "telegram.yaml",
    "web.yaml",
    "directory.yaml",
    "languages.yaml",
    f"{LAST_RESORT}.md",
)
"""The program's own: these are served without a clinician even where one is required."""
SOON = timedelta(days=30)


@dataclass(frozen=True)
class Waiting:
    """One file that has to be read: by whom, or by when where it was read before."""

    file: str
    lacking: tuple[Role, ...]
    due: date | None
    late: bool = False

    def __str__(self) -> str:
        if self.lacking:
            return f"{self.file}: lacks {', '.join(self.lacking)}"
        return f"{self.file}: {'past due since' if self.late else 'due on'} {self.due}"


def reviewed_files(root: Path) -> dict[Path, tuple[str, ...]]:
    """Names of the files that people see, by folder."""
    folders = (root, *sorted(path.parent for path in root.glob("*/language.yaml")))
    return {
        folder: tuple(sorted(path.name for pattern in REVIEWED for path in folder.glob(pattern))) for folder in folders
    }


def waiting(root: Path, required: ReviewKind, today: date) -> tuple[Waiting, ...]:
    """Files that a role has still to read as they are now; then those due within 30 days or past due, the oldest first."""
    found = tuple(read_or_due(root, required, today))
    return tuple(sorted(found, key=lambda entry: (not entry.lacking, entry.due or date.min, entry.file)))


def read_or_due(root: Path, required: ReviewKind, today: date) -> Iterator[Waiting]:
    """As `waiting`, folder by folder."""
    for folder, names in reviewed_files(root).items():
        ledger, _ = read_ledger(folder, "")
        for name in names:
            readings = ledger.readings(name)
            lacking = readings.lacking(ReviewKind.SOURCE_CHECKED if name in OWN else required)
            file = (folder / name).relative_to(root).as_posix()
            if lacking:
                yield Waiting(file, lacking, None)
            elif readings.due and readings.due <= today + SOON:
                yield Waiting(file, (), readings.due, readings.due <= today)


def sign_files(root: Path, files: Iterable[str], role: Role, day: date) -> int:
    """
    Enter a review of each file, named as "en/someone-down.md", by a role.

    Returns:
        How many were entered.

    Raises:
        UnusableFileError: a ledger cannot be read, or a file is not there.
    """
    by_folder: dict[Path, list[str]] = {}
    for name in files:
        path = root / name
        by_folder.setdefault(path.parent, []).append(path.name)
    return sum(sign(folder, tuple(names), role, day) for folder, names in by_folder.items())
