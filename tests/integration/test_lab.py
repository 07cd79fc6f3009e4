"""``./run lab`` in real Chromium: else a class would meet an error, or JupyterLab's news, on its first morning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser_world import needs_chromium, picture
from lab_world import Lab, lab_page, run_all, running_lab

from notebooks import lab
from notebooks.running import SENTINEL

pytestmark = [pytest.mark.integration, needs_chromium]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    place = tmp_path_factory.mktemp("lab")
    with running_lab(place / "state", place / "workspace") as running:
        yield running


def test_the_lab_opens_on_the_tour_and_runs_all_of_it(running: Lab) -> None:
    before = (lab.ROOT / lab.TOUR).read_bytes()
    with lab_page(running) as page:
        page.goto(running.url)
        run_all(page, SENTINEL)
        page.locator(".jp-Notebook:visible .jp-Cell").first.scroll_into_view_if_needed()
        page.wait_for_timeout(1000)
        picture(page, "lab-tour")
        assert page.get_by_text("Would you like to get notified").count() == 0
        assert page.locator(".jp-Dialog").count() == 0
        page.get_by_role("tab", name="README.md").click()
        page.get_by_role("link", name="A tour: one document's way into Kanta").wait_for()
        picture(page, "lab-start")
    assert running.asked_outside == []
    assert (lab.ROOT / lab.TOUR).read_bytes() == before, "the lab saved what nobody saved"
