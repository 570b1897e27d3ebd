"""Which exact file (by SHA-256) was read, in which role, when: what may be served, and until when that reading holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import get_args

import yaml

from bot.content.formats import LEDGER, FileFault, ReviewFile, Role, UnusableFileError, read_yaml
from bot.vocabulary import ReviewKind

LEDGER_FILE = "ledger.yaml"
HEADER = (
    "# Reviews of the files in this folder: a role read exactly these bytes. A changed byte makes a review lapse, and a text is\n"
    "# served only when its author has checked it and a second reader has too. `library sign` writes here.\n"
    "#   author: who wrote it, line by line against the fact sheet.   second-reader: somebody else, likewise.\n"
    "#   clinician: a second reader who treats people; raises the kind of review.\n"
)
ROLES: tuple[Role, ...] = get_args(Role)
LIFETIME = timedelta(days=365)
LIFETIMES: Mapping[str, timedelta] = {"directory.yaml": timedelta(days=182)}
"""How long a reading holds, by file: numbers change sooner than sentences."""


@dataclass(frozen=True)
class Readings:
    """Who has read the present bytes of one file, and on which day."""

    name: str
    days: Mapping[Role, date]

    @property
    def second(self) -> date | None:
        """The day of the second reading; a clinician's counts as one."""
        return max((day for role, day in self.days.items() if role != "author"), default=None)

    @property
    def kind(self) -> ReviewKind | None:
        """What the two readings amount to; None where one is lacking."""
        if self.lacking(ReviewKind.SOURCE_CHECKED):
            return None
        return ReviewKind.CLINICIAN if "clinician" in self.days else ReviewKind.SOURCE_CHECKED

    def lacking(self, required: ReviewKind) -> tuple[Role, ...]:
        """The roles whose reading is missing for the file to be served."""
        second: Role = "clinician" if required is ReviewKind.CLINICIAN else "second-reader"
        has_second = second in self.days or (required is ReviewKind.SOURCE_CHECKED and self.second is not None)
        missing: Mapping[Role, bool] = {"author": "author" not in self.days, second: not has_second}
        return tuple(role for role, lacks in missing.items() if lacks)

    @property
    def due(self) -> date | None:
        """The day from which on the file has to be read again, counted from the older reading; None before both."""
        if self.second is None or "author" not in self.days:
            return None
        return min(self.days["author"], self.second) + LIFETIMES.get(self.name, LIFETIME)


@dataclass(frozen=True)
class Ledger:
    """The reviews of one folder."""

    folder: Path
    reviews: tuple[ReviewFile, ...]

    @cached_property
    def _by_file(self) -> Mapping[str, Sequence[ReviewFile]]:
        found: dict[str, list[ReviewFile]] = {}
        for review in self.reviews:
            found.setdefault(review.file, []).append(review)
        return found

    def readings(self, name: str) -> Readings:
        """Who has read the file as it is now; of a role that read it twice, the later day."""
        content = hash_of(self.folder / name)
        valid = [r for r in self._by_file.get(name, ()) if r.sha256 == content]
        days = {role: max((r.date for r in valid if r.role == role), default=None) for role in ROLES}
        return Readings(name, {role: day for role, day in days.items() if day})

    def review(self, name: str) -> ReviewKind | None:
        """The review of the file's present bytes; None where they are not to be served."""
        return self.readings(name).kind


def hash_of(path: Path) -> str:
    """The SHA-256 of a file's bytes; of nothing where it cannot be read, which no review has."""
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def read_ledger(folder: Path, shown: str) -> tuple[Ledger, tuple[FileFault, ...]]:
    """A folder's ledger; an empty one, and why, where it cannot be used: then nothing of the folder is served."""
    try:
        return Ledger(folder, read_yaml(folder / LEDGER_FILE, LEDGER, f"{shown}{LEDGER_FILE}")), ()
    except UnusableFileError as error:
        return Ledger(folder, ()), error.faults


def sign(folder: Path, names: tuple[str, ...], role: Role, day: date) -> int:
    """
    Enter a review of each file's present bytes, in place of earlier reviews by the same role.

    Returns:
        How many files were entered.

    Raises:
        UnusableFileError: the ledger is there and cannot be read, or a file is not there.
    """
    path = folder / LEDGER_FILE
    known = read_yaml(path, LEDGER, str(path)) if path.exists() else ()
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise UnusableFileError(tuple(FileFault(name, 0, "no such file") for name in missing))
    kept = [r for r in known if not (r.file in names and r.role == role)]
    new = [ReviewFile(file=name, sha256=hash_of(folder / name), role=role, date=day) for name in names]
    rows = [r.model_dump(mode="json") for r in sorted((*kept, *new), key=lambda r: (r.file, ROLES.index(r.role)))]
    body = "".join(
        "- " + yaml.safe_dump(row, default_flow_style=True, sort_keys=False, width=1000, allow_unicode=True)
        for row in rows
    )
    path.write_text(HEADER + body, encoding="utf-8")
    return len(new)
