"""The report of a run: report.json for programs, junit.xml for build servers, report.html for people."""

from __future__ import annotations

import json
from pathlib import Path

from conformance.extending import Extension
from conformance.report.data import report_data
from conformance.report.earlier import Earlier
from conformance.report.html import html_report
from conformance.report.junit import junit_report
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import Summary
from sotepki.records import write_atomically

JSON_NAME = "report.json"
JUNIT_NAME = "junit.xml"
HTML_NAME = "report.html"

__all__ = [
    "HTML_NAME",
    "JSON_NAME",
    "JUNIT_NAME",
    "Earlier",
    "html_report",
    "junit_report",
    "report_data",
    "write_report",
]


def write_report(
    directory: Path,
    sut: SystemUnderTest,
    summary: Summary,
    *,
    language: str = "fi",
    extension: Extension | None = None,
    compared: Earlier | None = None,
) -> None:
    """Write the three files; each appears whole or not at all.

    Args:
        language: the page's first language; its reader can switch.
        extension: private cases among the results.
        compared: an earlier run to compare with.

    Raises:
        Fault: the directory cannot be written.
    """
    data = report_data(sut, summary, extension=extension, compared=compared)
    text = json.dumps(data, ensure_ascii=False, indent=2)
    write_atomically(directory / JSON_NAME, text.encode("utf-8", "replace") + b"\n")
    write_atomically(directory / JUNIT_NAME, junit_report(data))
    write_atomically(directory / HTML_NAME, html_report(data, language))
