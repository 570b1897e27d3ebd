"""List what waits for review, and sign it into the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from bot.content.ledger import Role, read_ledger, sign

REVIEWED = ("*.md", "language.yaml", "places.yaml", "directory.yaml", "languages.yaml")
"""Files whose words or numbers people see."""


def reviewed_files(root: Path) -> dict[Path, tuple[str, ...]]:
    """Names of the files that people see, by folder."""
    folders = (root, *sorted(path.parent for path in root.glob("*/language.yaml")))
    return {
        folder: tuple(sorted(path.name for pattern in REVIEWED for path in folder.glob(pattern))) for folder in folders
    }


def waiting(root: Path) -> tuple[str, ...]:
    """Files whose present bytes no review vouches for."""
    found = []
    for folder, names in reviewed_files(root).items():
        ledger, _ = read_ledger(folder, "")
        found += [(folder / name).relative_to(root).as_posix() for name in names if ledger.review(name) is None]
    return tuple(found)


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
