"""The report in a real browser: whoever chooses a language reads the page in it, and the choice needs no script."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_world import chromium, needs_chromium

from conformance.report import write_report
from conformance.report.translations import advice, descriptions, requirement_text, titles
from conformance.requirements import requirements
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import CaseResult, CaseVerdict, Judgment, Summary
from sotepki.evidence import Finding, Severity

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.integration, needs_chromium]

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CASE, RULE = "certificate.not-revoked", "cert.not-revoked"


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """The Finnish report of a run in which one case failed, in a browser without scripts and without network."""
    told = requirements()[RULE].advice
    finding = Finding(RULE, Severity.ERROR, "The certificate is revoked.", source="x", advice=told)
    failed = CaseResult(CASE, CaseVerdict.FAIL, "x", (Judgment(RULE, False, "x", finding),), advice=(told,))
    write_report(tmp_path, SystemUnderTest("Fake TEST", "files"), Summary("Fake TEST", NOW, NOW, (failed,)))
    with chromium() as browser:
        page = browser.new_context(java_script_enabled=False, offline=True).new_page()
        page.goto((tmp_path / "report.html").as_uri())
        yield page


def test_title_description_advice_and_requirement_follow_the_language(page: Page) -> None:
    told = requirements()[RULE].advice
    rows = (titles()[CASE], descriptions()[CASE], advice(told), requirement_text(requirements()[RULE]))
    case = page.locator(f'article[id="{CASE}"]')
    read = case.inner_text()
    assert all(texts["fi"] in read and texts["sv"] not in read for texts in rows)
    assert told not in read and "The certificate is revoked." in read, (
        "a finding keeps the words in which it was made"
    )
    page.get_by_text("Svenska", exact=True).click()
    read = case.inner_text()
    assert all(texts["sv"] in read and texts["fi"] not in read for texts in rows)
    page.get_by_text("English", exact=True).click()
    read = case.inner_text()
    assert told in read and not any(text in read for texts in rows for text in texts.values())
