"""The handbook is built without a warning, opens from a disk without a network, and can be searched and read there.

``SOTEPKI_PICTURES=DIR`` keeps pictures of some pages at desktop and at phone width.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, get_origin

import pytest
from accessibility_world import needs_axe, violations
from browser_world import chromium, needs_chromium, picture

from handbook.reference import GROUPS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "index.html",
    "start/vendor.html",
    "cases/csr.html",
    "commands/card.html",
    "state-machines.html",
    "profiles/professional-signature-rsa.html",
    "rule-book.html",
    "glossary.html",
    "api/sotepki.x509.html",
    "notebooks/00_tour.html",
)
DESKTOP, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("handbook") / "site"
    command = [sys.executable, "-m", "handbook", "--output", str(output)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    assert built.returncode == 0, built.stderr[-4000:]
    return output


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def test_everything_that_a_reader_looks_for_is_there(site: Path) -> None:
    for page in PAGES:
        assert (site / page).is_file(), page
    assert len(list((site / "profiles").glob("*.html"))) == len(list((ROOT / "docs" / "profiles").glob("*.md")))
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert notebooks <= {path.stem for path in (site / "notebooks").glob("*.html")}


def test_the_reference_tells_of_every_name_that_a_package_gives_out(site: Path) -> None:
    """A page of a package whose names cannot be listed is empty, and nothing warns of it."""
    told = {path.stem: path.read_text(encoding="utf-8") for path in (site / "api").glob("*.html")}
    given = {name: getattr(import_module(name), "__all__", ()) for modules in GROUPS.values() for name in modules}
    documented = {
        f"{module}.{name}"
        for module, names in given.items()
        for name in names
        if callable(getattr(import_module(module), name)) and not get_origin(getattr(import_module(module), name))
    }
    assert len(documented) > 200
    missing = [one for one in sorted(documented) if f'id="{one}"' not in told[one.rpartition(".")[0]]]
    assert missing == []


def test_a_table_that_a_notebook_shows_is_a_table(site: Path) -> None:
    """Read as plain CommonMark, which has no tables, it would be a paragraph full of bars."""
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (site / "notebooks").glob("*.html")}
    assert "<table" in pages["07_kela"]
    assert [name for name, page in pages.items() if "|—" in page or "|--" in page] == []


@needs_chromium
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_ask_no_host_and_fit_the_screen(site: Path, browser: Browser, size: tuple[int, int]) -> None:
    """Whoever reads the handbook in a closed network would wait for scripts; on a phone, lines would run out."""
    for name in PAGES:
        page, asked = _open(browser, site / name, size)
        assert asked == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], name
        picture(page, f"handbook-{name.removesuffix('.html').replace('/', '-')}-{size[0]}")
        page.context.close()


@needs_chromium
@needs_axe
def test_everybody_can_read_the_pages(site: Path, browser: Browser) -> None:
    """WCAG 2.1 AA in light and dark, pictures told in words, and the language of each edition of a notebook."""
    for name in (
        "start/vendor.html",
        "state-machines.html",
        "notebooks/00_tour.html",
        "notebooks/03_rekisteroija.html",
    ):
        page, _ = _open(browser, site / name, DESKTOP)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == [], (name, scheme)
        spoken = page.locator("article img").evaluate_all("(all) => all.map((one) => one.alt)")
        assert [text for text in spoken if not text or text.endswith((".png", ".svg"))] == [], name
        language = page.locator("article h1").evaluate("(one) => one.closest('[lang]').lang")
        assert language == ("fi" if "rekisteroija" in name else "en")
        page.context.close()


@needs_chromium
def test_the_search_finds_words_without_a_server(site: Path, browser: Browser) -> None:
    page, asked = _open(browser, site / "index.html", DESKTOP)
    page.fill("input[name=q]", "varakortti")
    page.press("input[name=q]", "Enter")
    page.wait_for_selector("#search-results li a", timeout=30_000)
    found = page.locator("#search-results li a").all_inner_texts()
    assert any("Glossary" in title for title in found), found
    assert asked == []
    page.context.close()


def _open(browser: Browser, path: Path, size: tuple[int, int]) -> tuple[Page, list[str]]:
    """A page from the disk, and a growing list of what it asks elsewhere."""
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    asked: list[str] = []
    page.on(
        "request", lambda request: None if request.url.startswith(("file:", "data:")) else asked.append(request.url)
    )
    page.on("pageerror", lambda error: asked.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_load_state("load")
    return page, asked
