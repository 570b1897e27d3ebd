"""What can be wrong with the store, for whoever only has to tell of it."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used now; an operator mends it, and replies go out without it."""


class SecretKeyError(Exception):
    """The secret key cannot be used; an operator mends it."""
