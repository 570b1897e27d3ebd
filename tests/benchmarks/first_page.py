"""
How soon the first page can be used on a slow phone and line: `uv run python -m tests.benchmarks.first_page URL [ROUNDS]`.

Needs Chromium and a server that runs, such as `overdose-bot serve`. Prints the milliseconds until everything of the
page is there and its script has run, beside those of the page of numbers, which has no script.
"""

from __future__ import annotations

import sys
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from tests.channels.web.conftest import BROWSER_OPTIONS, find_chromium

DOWN, UP, LATENCY, SLOWER = 1.6e6 / 8, 750e3 / 8, 150, 4
"""Bytes a second, milliseconds, and the factor on the processor: a cheap phone on a 3G line."""


def usable_after(browser: Browser, url: str) -> float:
    """Milliseconds until a page can be used by somebody who has not been there before."""
    context = browser.new_context()
    page = context.new_page()
    tools = context.new_cdp_session(page)
    line = {"offline": False, "latency": LATENCY, "downloadThroughput": DOWN, "uploadThroughput": UP}
    tools.send("Network.enable")
    tools.send("Network.emulateNetworkConditions", line)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(url)
    usable: float = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    context.close()
    return usable


def main() -> None:
    """Measure in turn, so that what else the machine does falls on both."""
    root, rounds = sys.argv[1].rstrip("/"), int(sys.argv[2]) if len(sys.argv) > 2 else 9
    path = find_chromium()
    if path is None:
        sys.exit("no browser is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_OPTIONS)
        pairs = [(usable_after(browser, root), usable_after(browser, f"{root}/emergency")) for _ in range(rounds)]
        browser.close()
    for name, taken in zip(("the first page", "the numbers"), zip(*pairs, strict=True), strict=True):
        print(f"{name}: best {min(taken):.0f} ms, median {median(taken):.0f} ms")


if __name__ == "__main__":
    main()
