"""What tests of the web channel share: an application on the real texts, a real server, a real browser."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Playwright, sync_playwright
from starlette.testclient import TestClient
from uvicorn import Server

from bot.assistant import Assistant
from bot.channels.web.app import make_app
from bot.channels.web.health import Condition
from bot.channels.web.limits import Limits
from bot.channels.web.serving import server_config
from bot.channels.web.talk import Talks, TalksInMemory
from bot.content.formats import Role
from bot.content.loader import find_responses, load
from bot.conversation.library import Library
from bot.desk.review import reviewed_files, sign_files
from bot.store.sealing import Sealing

SECRET = "a secret key for tests only"
SOMEWHERE = ("203.0.113.7", 50000)
"""An address that is not this machine (RFC 5737)."""
READ_BY: tuple[Role, ...] = ("author", "second-reader")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# The frame of a test stands in a made-up site, which is not on this machine.
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=LocalNetworkAccessChecks",
]

Maker = Callable[..., FastAPI]


def find_chromium() -> str | None:
    """Chromium from the system's package, where it is installed."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def web_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The real texts, all taken as read by two: their review is not what these tests are about."""
    real, copy = find_responses(), tmp_path_factory.mktemp("web") / "responses"
    shutil.copytree(real, copy, ignore=shutil.ignore_patterns("questions", "model"))
    (copy / "model").symlink_to(real / "model")
    for role in READ_BY:
        names = [
            (folder / name).relative_to(copy).as_posix()
            for folder, here in reviewed_files(copy).items()
            for name in here
        ]
        sign_files(copy, names, role, datetime.now(UTC).date())
    return load(copy).library


@pytest.fixture(scope="session")
def make(web_library: Library) -> Maker:
    """Makes an application; what is not given is as a test would have it."""

    def made(
        library: Library = web_library,
        talks: Talks | None = None,
        limits: Limits | None = None,
        condition: Condition = lambda: {"library": True},
        **more: object,
    ) -> FastAPI:
        assistant = Assistant(library, {}, "web")
        return make_app(assistant, Sealing(SECRET), talks or TalksInMemory(), condition, limits=limits, **more)  # type: ignore[arg-type]

    return made


@pytest.fixture
def client(make: Maker) -> Iterator[TestClient]:
    """Somebody somewhere in the net."""
    with TestClient(make(), client=SOMEWHERE, raise_server_exceptions=False) as client:
        yield client


@dataclass
class Served:
    """A server that runs: its address, and how to stop and start it again at the same one."""

    app: FastAPI
    port: int = 0
    server: Server | None = None
    thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The root of all addresses."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve, in a thread; returns when the port is open."""
        self.server = Server(server_config(self.app, "127.0.0.1", self.port))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        until = time.monotonic() + 20
        while not self.server.started:
            assert time.monotonic() < until
            time.sleep(0.02)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        """No more connections."""
        assert self.server is not None
        assert self.thread is not None
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture(scope="session")
def served(make: Maker) -> Iterator[Served]:
    """The application on a real port, with the chat for one other origin."""
    served = Served(make(embed_origins=("https://school.example",)))
    served.start()
    yield served
    served.stop()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Chromium from the system's package; without one these tests are skipped, unless BROWSER_REQUIRED is set."""
    path = find_chromium()
    if path is None:
        lacking = f"no browser: none of {', '.join(BROWSERS)} is installed"
        if os.environ.get("BROWSER_REQUIRED"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    return path


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """What drives a browser; no longer than one module, since it keeps an event loop running in this thread."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(chromium: str, playwright: Playwright) -> Iterator[Browser]:
    """A browser for all tests; each visitor has a context of its own."""
    browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_OPTIONS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's script."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
