"""A network between the bot and PostgreSQL that can be cut: packets vanish, and nobody is told."""

from __future__ import annotations

import ctypes
import itertools
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

NETWORK_NAMESPACE: Final = 0x40000000
"""CLONE_NEWNET of Linux's <sched.h>."""
NUMBERS = itertools.count(os.getpid() % 200 * 32)
"""Each network takes four addresses of its own."""


class Network:
    """A pair of joined interfaces, one here and one in a namespace of its own. Only root can make one."""

    def __init__(self) -> None:
        number = next(NUMBERS)
        self._block = f"10.213.{number // 64}"
        self._first = number % 64 * 4
        name = secrets.token_hex(3)
        self._space, self._here, self._there = f"bot-{name}", f"here-{name}", f"there-{name}"

    def __enter__(self) -> Self:
        ip("netns", "add", self._space)
        ip("link", "add", self._here, "type", "veth", "peer", "name", self._there, "netns", self._space)
        ip("address", "add", f"{self._block}.{self._first + 1}/30", "dev", self._here)
        ip("-n", self._space, "address", "add", f"{self.address}/30", "dev", self._there)
        ip("link", "set", self._here, "up")
        self.mend()
        return self

    def __exit__(self, *raised: object) -> None:
        ip("netns", "delete", self._space)

    @property
    def address(self) -> str:
        """Of the far end."""
        return f"{self._block}.{self._first + 2}"

    def cut(self) -> None:
        """Nothing passes any more, in either direction."""
        ip("-n", self._space, "link", "set", self._there, "down")

    def mend(self) -> None:
        """Everything passes."""
        ip("-n", self._space, "link", "set", self._there, "up")

    @contextmanager
    def far_end(self) -> Iterator[None]:
        """A socket that is made within belongs to the far end."""
        with Path("/proc/thread-self/ns/net").open() as home, Path("/run/netns", self._space).open() as there:
            enter(there.fileno())
            try:
                yield
            finally:
                enter(home.fileno())


def enter(namespace: int) -> None:
    """Take this thread into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, NETWORK_NAMESPACE):
        raise OSError(ctypes.get_errno(), "setns")


def ip(*words: str) -> None:
    """The command of iproute2."""
    subprocess.run(["ip", *words], check=True)
