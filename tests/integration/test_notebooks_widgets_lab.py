"""The widgets in JupyterLab, clicked in Chromium: the workbench notebook run, a form filled in, PINs typed.

``SOTEPKI_PICTURES=DIR pytest ...`` keeps the pictures of docs/pictures.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_world import PICTURES, needs_chromium
from lab_world import errors, lab_page, run_all, running_lab

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.integration, needs_chromium]

SENTINEL = "sotepki notebook: reached the end"


def instrument(page: Page, heading: str) -> Locator:
    """The live output with a heading, the first of those that show it."""
    return page.locator(".jp-Notebook:visible .jp-OutputArea-child", has_text=heading).filter(
        has=page.locator(".widget-vbox")
    ).first  # fmt: skip


def picture(place: Locator, name: str) -> None:
    directory = os.environ.get(PICTURES)
    if directory:
        place.scroll_into_view_if_needed()
        place.screenshot(path=Path(directory) / f"{name}.png")


def test_the_instruments_work_by_hand(tmp_path: Path) -> None:
    """A trainee in a browser: no red, kind refusals, an order, a locked card opened, a file judged."""
    with running_lab(tmp_path / "lab", tmp_path / "workspace") as lab, lab_page(lab, width=1360, height=1150) as page:
        page.goto(lab.notebook("workbench.ipynb"))
        page.get_by_text("(ipykernel) | Idle").first.wait_for()  # before, what is run would be lost
        run_all(page, SENTINEL)

        form = instrument(page, "Card order in Vartti")
        form.scroll_into_view_if_needed()
        form.get_by_text("order.identity.kind").wait_for()
        picture(form, "widget-order-form")
        form.get_by_label("Identity document").or_(form.locator("select").nth(2)).first.select_option(
            "passport (passi)"
        )
        form.get_by_text("order.identity.kind").wait_for(state="detached")
        form.get_by_placeholder("31.12.2030").fill("31.2.2030")
        form.get_by_placeholder("31.12.2030").press("Tab")
        form.get_by_text("is not a day").wait_for()

        pad = instrument(page, "in the reader")
        pad.scroll_into_view_if_needed()
        for _ in range(5):
            for key in ("0", "0", "0", "0", "OK"):
                pad.get_by_role("button", name=key, exact=True).click()
        pad.get_by_text("LOCKED", exact=True).wait_for()
        picture(pad, "widget-pin-pad")

        slider = instrument(page, "as it is, and as it would be")
        slider.scroll_into_view_if_needed()
        slider.locator("select").first.select_option("professional-signature-ec")
        slider.get_by_text("Profile professional-signature-ec").wait_for()
        picture(slider, "widget-profile-slider")

        drop = instrument(page, "What was dropped")
        drop.scroll_into_view_if_needed()
        with page.expect_file_chooser() as chosen:
            drop.get_by_role("button", name="Choose files").click()
        file = tmp_path / "key.pem"
        file.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        chosen.value.set_files(file)
        drop.get_by_text("cert.private-key").wait_for()
        picture(drop, "widget-document-drop")

        assert errors(page) == []
        assert lab.asked_outside == []
