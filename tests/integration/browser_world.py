"""Chromium, driven by Playwright, against pages on loopback; pictures when SOTEPKI_PICTURES names a directory."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sotepki.scs.trusting import spki_pin

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or ""
PICTURES = "SOTEPKI_PICTURES"

needs_chromium = pytest.mark.skipif(
    not CHROMIUM or importlib.util.find_spec("playwright") is None,
    reason="needs Debian's chromium (apt-get install chromium) and the package playwright of the group dev",
)


@contextmanager
def chromium(certificate: Path | None = None) -> Iterator[Browser]:
    """A browser; besides its own list it trusts ``certificate``, by its key, as 'sotepki scs trust' says."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--no-proxy-server"]
    if certificate is not None:
        arguments.append(f"--ignore-certificate-errors-spki-list={spki_pin(certificate)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def tab(browser: Browser, *, width: int = 960, height: int = 720) -> Iterator[Page]:
    """A page in a profile of its own; an error in a script or a blocked resource fails the test."""
    context = browser.new_context(viewport={"width": width, "height": height}, locale="fi-FI")
    page = context.new_page()
    page.set_default_timeout(60_000)  # a busy machine is no fault
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None)
    try:
        yield page
        assert broken == []
    finally:
        context.close()


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, if pictures are wanted."""
    directory = os.environ.get(PICTURES)
    if directory:
        page.screenshot(path=str(Path(directory) / f"{name}.png"), full_page=True, animations="disabled")
