"""What a text was when it was last signed, from the git history of the folder, and what has changed since, word by word."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from hashlib import sha256
from itertools import groupby
from pathlib import Path

NEAR = 1
"""Lines shown before and after a line that has changed."""
FEW = 2
"""So few unchanged lines take no more room than to say that they are left out."""
WORD = re.compile(r"\n|[^\S\n]+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Version:
    """A file as a commit has it."""

    commit: str
    text: str


@dataclass(frozen=True)
class Stored:
    """One content that a file once had: the commit that brought it, and git's name for the content."""

    commit: str
    blob: str


class History:
    """
    The contents that the files of a folder had, as git keeps them.

    `lacking` says why there is none: then nothing is found, and readers of the page are told so.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lacking: str | None = None
        self._stored: dict[str, list[Stored]] = {}
        try:
            log = git(
                folder, "log", "--format=%H", "--raw", "--no-abbrev", "--no-renames", "--relative", "-z", "--", "."
            )
        except FileNotFoundError:
            self.lacking = "git is not installed here"
        except subprocess.CalledProcessError:
            self.lacking = "this folder is not a git checkout"
        else:
            for name, stored in entries(log.decode("utf-8", "replace")):
                self._stored.setdefault(name, []).append(stored)
            if not self._stored:
                self.lacking = "git keeps no history of this folder"

    def find(self, name: str, digest: str) -> Version | None:
        """The last committed version of a file, named relative to the folder, that has this SHA-256."""
        for stored in self._stored.get(name, ()):
            content = git(self.folder, "cat-file", "blob", stored.blob)
            if sha256(content).hexdigest() == digest:
                return Version(stored.commit, content.decode("utf-8", "replace"))
        return None


def git(folder: Path, *arguments: str) -> bytes:
    """
    What git answers.

    Raises:
        FileNotFoundError: there is no git.
        subprocess.CalledProcessError: git failed.
    """
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True).stdout


def entries(log: str) -> Iterator[tuple[str, Stored]]:
    """Every file and content of `git log --raw -z`, the newest commit first; a deletion leaves no content."""
    commit, change = "", ""
    for part in log.split("\0"):
        part = part.strip("\n")
        if re.fullmatch(r"[0-9a-f]{40,64}", part):
            commit = part
        elif part.startswith(":"):
            change = part
        elif change:
            _, _, _, blob, status = change.split(" ")
            if status != "D":
                yield part, Stored(commit, blob)
            change = ""


class Change(StrEnum):
    """What happened to a piece of text."""

    KEPT = "kept"
    ADDED = "added"
    REMOVED = "removed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Piece:
    """A run of characters with one fate; a skipped one stands for unchanged lines that are not shown."""

    change: Change
    text: str


def word_changes(old: str, new: str) -> tuple[Piece, ...]:
    """How `old` became `new`: line by line, and word by word within the lines; unchanged lines far from any are skipped."""
    pieces: list[Piece] = []
    for before, after in pairs(old.splitlines(keepends=True), new.splitlines(keepends=True)):
        if before and after and before != after:
            pieces += (piece for words in pairs(WORD.findall(before), WORD.findall(after)) for piece in fate(*words))
        else:
            pieces += fate(before, after)
    return tuple(abridged(pieces))


def pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Runs of both that stand for each other, in order: equal, different, or one of them empty."""
    for _, start, end, begin, stop in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        yield "".join(old[start:end]), "".join(new[begin:stop])


def fate(before: str, after: str) -> Iterator[Piece]:
    """A run as pieces."""
    if before == after:
        yield Piece(Change.KEPT, before)
        return
    if before:
        yield Piece(Change.REMOVED, before)
    if after:
        yield Piece(Change.ADDED, after)


def abridged(pieces: list[Piece]) -> Iterator[Piece]:
    """The pieces without the unchanged lines that no change is near."""
    lines = [list(pair) for pair in split_lines(pieces)]
    changed = [any(piece.change is not Change.KEPT for piece in line) for line in lines]
    shown = [any(changed[max(0, at - NEAR) : at + NEAR + 1]) for at in range(len(lines))]
    for is_shown, group in groupby(zip(shown, lines, strict=True), key=lambda pair: pair[0]):
        members = [line for _, line in group]
        if is_shown or len(members) <= FEW:
            yield from (piece for line in members for piece in line)
        else:
            yield Piece(Change.SKIPPED, f"{len(members)} unchanged lines")


def split_lines(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """The pieces cut at ends of lines, a list for each line."""
    line: list[Piece] = []
    for piece in pieces:
        for part in piece.text.splitlines(keepends=True):
            line.append(Piece(piece.change, part))
            if part.endswith("\n"):
                yield line
                line = []
    if line:
        yield line
