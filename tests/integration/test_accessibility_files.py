"""The same demands on what is opened from the disk: reports, a lint page, what notebooks show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from accessibility_world import beyond_a_narrow_screen, lost_for_the_keyboard, needs_axe, violations
from browser_world import chromium, needs_chromium

from conformance.catalogue import catalogue
from conformance.report import html_report, report_data
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import CaseResult, CaseVerdict, Evidence, Judgment, Summary
from sotepki.evidence import Finding, Severity
from sotepki.training.showing import Look, Shown
from sotepki.x509.lint_page import lint_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.integration, needs_chromium, needs_axe]

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def report(language: str, *verdicts: CaseVerdict) -> str:
    """A report of a few cases, beginning in a language."""
    results = tuple(_result(case.id, verdict) for case, verdict in zip(catalogue(), verdicts, strict=False))
    data = report_data(SystemUnderTest("Fake TEST", "files"), Summary("Fake TEST", NOW, NOW, results))
    data["requirements"] = data["requirements"][:12]  # they all look alike, and the key Tab stops at each
    return html_report(data, language).decode()


def _result(case: str, verdict: CaseVerdict) -> CaseResult:
    finding = None
    if verdict is CaseVerdict.FAIL:
        finding = Finding("doc.digest.body", Severity.ERROR, "The body was changed.", source="x", advice="Sign it.")
    evidence = Evidence.of("document", b"<document>\n" * 200, "application/xml")
    said = "" if verdict is CaseVerdict.PASS else "The body was changed."
    judgments = (Judgment("doc.digest.body", finding is None, "x", finding),)
    return CaseResult(case, verdict, said, judgments, (evidence,), ("Sign it.",), 5)


def lint() -> str:
    finding = {
        "rule": "cert.key-usage", "severity": "error", "message": "Two usages.", "where": "keyUsage",
        "expected": "one", "found": "two", "advice": "Ask again.", "grade": "confirmed", "source": "RFC 5280",
    }  # fmt: skip
    warning = {**finding, "severity": "warning"}
    return lint_page([{"file": "a.pem", "verdict": "invalid", "findings": [finding, warning], "certificates": []}])


def shown_in_a_notebook() -> str:
    """A frame of the training, and the sheet of a widget with each kind of answer."""
    sys.path.insert(0, str(NOTEBOOKS))
    try:
        from phrases import speaker
        from widgets.showing import Said, Sheet, as_html
    finally:
        sys.path.remove(str(NOTEBOOKS))
    said = [Said("It is ordered."), Said("It is not.", good=False, rule="order.kind", advice="Choose another.")]
    sheet = as_html(Sheet("Order", ("Field", "Value"), [("Kind", "professional")], said), speaker("widgets", "en"))
    frame = Shown("Order a card", [("Hint", "Look at `order.kind`.")], Look.HINT)._repr_html_()
    head = '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Notebook</title>'
    return f"{head}<main><h1>Notebook</h1>{sheet}{frame}</main></html>"


ALL = tuple(CaseVerdict)
FILES: dict[str, Callable[[], str]] = {
    "report-fi": lambda: report("fi", *ALL),
    "report-sv": lambda: report("sv", *ALL),
    "report-en": lambda: report("en", *ALL),
    "report-passed": lambda: report("fi", *[CaseVerdict.PASS] * 12),
    "lint": lint,
    "notebook": shown_in_a_notebook,
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(params=FILES)
def page(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A file in the browser, everything that can be opened in it opened."""
    file = tmp_path / "page.html"
    file.write_text(FILES[request.param](), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    yield page
    context.close()


def test_a_file_is_without_fault_in_light_and_dark(page: Page) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = [one for one in violations(page) if not _unavoidable(one)]
        assert found == []
    assert beyond_a_narrow_screen(page) == []
    assert lost_for_the_keyboard(page) == []


def test_the_language_of_a_report_is_chosen_with_the_arrow_keys(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(report("fi", *ALL), encoding="utf-8")
    page = browser.new_context(java_script_enabled=False, offline=True).new_page()
    page.goto(file.as_uri())
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    heading = page.locator("#process h2")
    assert heading.locator("span:visible").get_attribute("lang") == "sv"
    page.keyboard.press("ArrowRight")
    assert heading.locator("span:visible").get_attribute("lang") == "en"
    page.context.close()


def _unavoidable(violation: str) -> bool:
    """The choice of the language stands before the landmarks: a style follows it without a script only from there."""
    return violation.startswith("region: #language-")
