"""JupyterLab as ``./run lab`` starts it, on a free port, with a state of its own; and what a person does in it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from browser_world import chromium

from notebooks import lab

if TYPE_CHECKING:
    from playwright.sync_api import Page


@dataclass
class Lab:
    """A running JupyterLab: ``url`` opens the start layout, ``log`` is what it printed."""

    url: str
    token: str
    log: Path
    asked_outside: list[str] = field(default_factory=list)

    def notebook(self, name: str) -> str:
        """The address of a notebook of ``notebooks/``, alone in a layout of its own."""
        place = urlsplit(self.url)
        return f"{place.scheme}://{place.netloc}/lab/workspaces/alone/tree/notebooks/{name}?token={self.token}"


@contextmanager
def running_lab(state: Path, workspace: Path) -> Iterator[Lab]:
    """JupyterLab with the lab's settings, its state in ``state``; stopped at the end."""
    runtime = state / "runtime"
    runtime.mkdir(parents=True)
    lab.lay_out(state)
    log = state / "lab.log"
    environment = {**lab.environment(workspace, state), "JUPYTER_RUNTIME_DIR": str(runtime)}
    options = ["--no-browser", "--ServerApp.port=0"]
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *lab.arguments(), *options],
            env=environment, cwd=lab.ROOT, stdout=written, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        about = _announced(process, runtime, log)
        yield Lab(f"{about['url']}lab?token={about['token']}", about["token"], log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def lab_page(lab_: Lab, *, width: int = 1280, height: int = 860) -> Iterator[Page]:
    """A tab in Chromium that reaches this machine only; what it asked of others stands in ``asked_outside``."""
    from playwright.sync_api import Route

    def answer(route: Route) -> None:
        if urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost", None):
            route.continue_()
        else:
            lab_.asked_outside.append(route.request.url)
            route.abort()

    with chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": height}, locale="en-GB")
        page.set_default_timeout(60_000)  # a busy machine is no fault
        page.route("**/*", answer)
        yield page


def run_all(page: Page, sentinel: str, *, seconds: int = 180) -> None:
    """Choose Run > Run All Cells and wait until the last cell has printed ``sentinel``.

    Raises:
        AssertionError: a cell showed an error, or the end was not reached in time.
    """
    page.locator(".jp-Notebook:visible .jp-Cell").first.wait_for()
    # The toolbar names a kernel before it answers, and says "No Kernel" before that; cells run then stop silently.
    page.locator("#jp-main-statusbar").get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    _choose(page, "Edit", "Clear Outputs of All Cells")
    _choose(page, "Run", "Run All Cells")
    end = time.monotonic() + seconds
    outputs = page.locator(".jp-Notebook:visible .jp-OutputArea-output")
    while not any(sentinel in text for text in outputs.all_text_contents()):
        assert errors(page) == []
        assert time.monotonic() < end, f"the last cell did not say that the end was reached; {_seen(page)}"
        page.wait_for_timeout(500)
    assert errors(page) == []


def _choose(page: Page, menu: str, entry: str) -> None:
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=entry, exact=True).click()
    page.locator(".lm-Menu:visible").wait_for(state="detached")


def _seen(page: Page) -> str:
    """What a person would see who wonders why nothing goes on."""
    status = page.locator("#jp-main-statusbar").all_text_contents()
    dialogs = page.locator(".jp-Dialog").all_text_contents()
    prompts = page.locator(".jp-Notebook:visible .jp-InputPrompt").all_text_contents()
    return f"status bar {status}, dialogs {dialogs}, prompts of the cells {prompts}"


def errors(page: Page) -> list[str]:
    """The text of every output that is an error or was written to the error stream."""
    kinds = ", ".join(
        f'.jp-Notebook:visible [data-mime-type="application/vnd.jupyter.{kind}"]' for kind in ("error", "stderr")
    )
    return page.locator(kinds).all_text_contents()


def _announced(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> dict[str, str]:
    """What the server wrote about itself when it was ready."""
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            try:
                about: dict[str, str] = json.loads(file.read_text())
            except json.JSONDecodeError:
                continue
            return about
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()}")
