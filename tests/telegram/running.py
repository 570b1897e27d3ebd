"""The bot as a process of its own, beside the server that speaks the Bot API: started, stopped and killed at will."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import httpx

from tests.telegram.bot_api import PATIENCE, BotApi

STARTS = 90.0
"""Seconds that a start may take on a machine that has other work too."""
BEGUN = "store ready"
SECRET = "a-secret-of-the-webhook"


class RunningBot:
    """
    `python -m bot serve`, on a data folder that outlives the process.

    Args:
        api: the Telegram that it talks to.
        folder: where its data lie.
        settings: OVERDOSE_BOT_ settings without the prefix, in lower case.
    """

    def __init__(self, api: BotApi, folder: Path, **settings: str) -> None:
        self.api = api
        self.around: Mapping[str, str] = {}
        """What else is in its environment."""
        self.folder = folder
        self.port = free_port()
        self.settings = {
            "telegram_token": api.token,
            "telegram_api_url": api.root,
            "log_level": "INFO",
            **settings,
        }
        if self.settings.get("telegram_mode") == "webhook":
            self.settings = {"public_url": self.root, "webhook_secret": SECRET, **self.settings}
        self.process: subprocess.Popen[bytes] | None = None
        self.log: list[str] = []
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self if self.alive else self.start()

    def __exit__(self, *raised: object) -> None:
        self.kill()

    @property
    def root(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self.process
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    # ---- its life

    def start(self, *, ready: bool = True) -> Self:
        """Start, and wait until it serves; until all is well with it, unless told not to."""
        self.begin()
        self.wait_until((lambda: self.condition()[0] == 200) if ready else self.lives, STARTS)
        return self

    def begin(self) -> Self:
        """Start, and wait for nothing."""
        assert not self.alive
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OVERDOSE_BOT_")}
        ours = {f"OVERDOSE_BOT_{name.upper()}": value for name, value in self.settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve", "--port", str(self.port)],
            cwd=Path(__file__).parents[2],
            env={**clean, **self.around, **ours, "XDG_DATA_HOME": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, args=(self.process, self.log), daemon=True)
        self._reader.start()
        return self

    def stop(self, timeout: float = 30.0) -> float:
        """End it by SIGTERM; how many seconds that took."""
        began = time.monotonic()
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout)
        self._join()
        return time.monotonic() - began

    def kill(self) -> None:
        """End it by SIGKILL, if it runs."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._join()

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    # ---- what it shows

    def lives(self) -> bool:
        """Whether /healthz answers."""
        try:
            return httpx.get(f"{self.root}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def condition(self) -> tuple[int, dict[str, bool]]:
        """What /readyz says; 0 where nobody answers."""
        try:
            answer = httpx.get(f"{self.root}/readyz", timeout=5)
        except httpx.HTTPError:
            return 0, {}
        return answer.status_code, answer.json()

    def metrics(self) -> str:
        """What /metrics says."""
        return httpx.get(f"{self.root}/metrics", timeout=5).text

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric over all of its lines with these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", self.metrics(), re.MULTILINE)
        return sum(float(value) for found, value in lines if all(one in found for one in wanted))

    def events(self, event: str) -> list[dict[str, object]]:
        """The lines of the log that tell of an event."""
        lines = [json.loads(line) for line in self.log if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]

    def memory(self) -> float:
        """Megabytes that it holds."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def processor(self) -> float:
        """Seconds of processor time that it has used."""
        return processor_seconds(self.pid)

    def files(self) -> int:
        """How many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def wait_until(self, happened: Callable[[], object], timeout: float = PATIENCE) -> None:
        """
        Wait until something is true of the process.

        Raises:
            AssertionError: it was not within so many seconds, or the process has ended.
        """
        end = time.monotonic() + timeout
        while not happened():
            assert self.alive, self.tail()
            assert time.monotonic() < end, f"not within {timeout} s; {self.condition()}\n{self.tail()}"
            time.sleep(0.05)

    def tail(self) -> str:
        """The last lines of the log."""
        return "\n".join(self.log[-20:])

    @staticmethod
    def _read(process: subprocess.Popen[bytes], log: list[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            log.append(line.decode("utf-8", "replace").rstrip("\n"))

    def _join(self) -> None:
        if self._reader:
            self._reader.join(5)
            self._reader = None


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
