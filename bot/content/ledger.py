"""Which exact file (by SHA-256) was vetted, in which role, when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Literal

import yaml

from bot.content.formats import LEDGER, FileFault, ReviewFile, UnusableFileError, read_yaml
from bot.vocabulary import ReviewKind

LEDGER_FILE = "ledger.yaml"
HEADER = (
    "# Reviews of the files in this folder: a role vetted exactly these bytes. A changed byte makes a review lapse, and the text\n"
    "# is no longer served. `library sign` writes here. second-reader: somebody other than the author, against the fact sheet.\n"
)
Role = Literal["second-reader", "clinician"]
GIVES: Mapping[Role, ReviewKind] = {
    "second-reader": ReviewKind.SOURCE_CHECKED,
    "clinician": ReviewKind.CLINICIAN,
}


@dataclass(frozen=True)
class Ledger:
    """The reviews of one folder."""

    folder: Path
    reviews: tuple[ReviewFile, ...]

    def review(self, name: str) -> ReviewKind | None:
        """The strongest review of the file's present bytes, or None."""
        content = hash_of(self.folder / name)
        found = [r.review for r in self.reviews if r.file == name and r.sha256 == content]
        return max(found, key=lambda review: review.strength, default=None)


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
    new = [
        ReviewFile(file=name, sha256=hash_of(folder / name), role=role, review=GIVES[role], date=day) for name in names
    ]
    rows = [r.model_dump(mode="json") for r in sorted((*kept, *new), key=lambda r: (r.file, r.role))]
    body = "".join(
        "- " + yaml.safe_dump(row, default_flow_style=True, sort_keys=False, width=1000, allow_unicode=True)
        for row in rows
    )
    path.write_text(HEADER + body, encoding="utf-8")
    return len(new)
