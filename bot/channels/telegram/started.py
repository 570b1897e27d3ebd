"""Which rows of the inbox were started on by this process, so that none is started on twice."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import takewhile

KNOWN = 60.0
"""Seconds for which a row is known to have been started on, though it is no longer there."""


class Started:
    """Rows, in the order in which they were started on."""

    def __init__(self) -> None:
        self._rows: dict[int, float] = {}

    def __contains__(self, row: int) -> bool:
        return row in self._rows

    def note(self, row: int) -> None:
        """A row is started on now, or still under way; it goes to the end, for the oldest are let go of first."""
        self._rows.pop(row, None)
        self._rows[row] = time.monotonic()

    def undo(self, row: int) -> None:
        """A row was not started on after all."""
        del self._rows[row]

    def old(self) -> set[int]:
        """Those that were started on long ago: what is done with of them will not be met again."""
        now = time.monotonic()
        return set(takewhile(lambda row: now - self._rows[row] >= KNOWN, self._rows))

    def forget(self, rows: Iterable[int]) -> None:
        """These will not be met again."""
        for row in rows:
            del self._rows[row]
