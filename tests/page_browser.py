"""A headless Chromium that opens token-shift pages, for the test modules that name this one in `pytest_plugins`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.shift_pages import Open, written
from urial_opt.token_scores import ShiftReading

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed; type: pip install -e '.[develop]'"
    )
    if CHROMIUM is None:
        pytest.skip("no browser to look at the page with; install Debian's chromium: apt-get install chromium")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a reading. Fails after the test if the page requested anything else or logged an error."""
    complaints: list[str] = []
    contexts = []

    def open_page(shown: ShiftReading, *, place: str = "", **options: Any) -> Page:
        file = tmp_path / "page.html"
        file.write_bytes(written(shown).encode())
        context = browser.new_context(**({"viewport": {"width": 1400, "height": 1000}} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(file.as_uri()) else complaints.append(asked.url))
        page.goto(file.as_uri() + place)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
