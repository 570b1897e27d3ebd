"""The clock of a process that runs with libfaketime."""

from __future__ import annotations

from pathlib import Path

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""The system's library, None where it is not installed."""


class Clock:
    """A wall clock alone, as when it is set anew: what a process measures its waits by goes on."""

    def __init__(self, folder: Path) -> None:
        """
        Make a clock that goes right.

        Args:
            folder: it is kept there; made where it is not there.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "clock"
        self.set(0)
        self.around = {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: int) -> None:
        """So far ahead of the machine's clock, or behind it."""
        self._file.write_text(f"{seconds:+d}\n", encoding="utf-8")
