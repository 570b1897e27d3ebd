"""What can be wrong with the store, for whoever only has to tell of it."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any


class StoreError(Exception):
    """The database cannot be used now; an operator mends it, and replies go out without it."""


class UnderWayError(StoreError):
    """The database did not answer in time and is still at it; `outcome` tells whether it will have been done."""

    def __init__(self, outcome: Future[Any]) -> None:
        self.outcome = outcome
        super().__init__("no answer in time")


class SecretKeyError(Exception):
    """The secret key cannot be used; an operator mends it."""
