"""JUnit XML, as build servers read it: fail is a failure, error an error, skip and waiting are skipped.

A run that skipped every case is an error besides: a build server takes skipped cases alone for a success.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from conformance.report.html import texts_of

# What XML 1.0 cannot hold; evidence and messages may come from anywhere.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_report(data: Mapping[str, Any]) -> bytes:
    """``report.json`` as one JUnit test suite per area."""
    root = etree.Element("testsuites", name=_clean(f"sotepki conformance: {data['system']['name']}"))
    areas: dict[str, list[Mapping[str, Any]]] = {}
    for case in data["cases"]:
        areas.setdefault(case["area"], []).append(case)
    for area, cases in areas.items():
        suite = etree.SubElement(root, "testsuite", name=area, timestamp=data["started"])
        for case in cases:
            _case(suite, case)
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(_count(cases, "fail")))
        suite.set("errors", str(_count(cases, "error")))
        suite.set("skipped", str(_count(cases, "skip") + _count(cases, "waiting")))
        suite.set("time", _seconds(sum(case["milliseconds"] for case in cases)))
    if "nothing-tested" in data["remarks"]:
        _nothing_tested(root, data["started"])
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _case(suite: etree._Element, case: Mapping[str, Any]) -> None:
    row = etree.SubElement(
        suite,
        "testcase",
        classname=f"conformance.{case['area']}",
        name=case["id"],
        time=_seconds(case["milliseconds"]),
    )
    verdict, reason = case["verdict"], _clean(case["reason"])
    if verdict in ("fail", "error"):
        tag = "failure" if verdict == "fail" else "error"
        outcome = etree.SubElement(row, tag, message=reason, type=verdict)
        outcome.text = _clean("\n".join(_lines(case)))
    elif verdict in ("skip", "waiting"):
        etree.SubElement(row, "skipped", message=reason)
    elif verdict == "warn":
        etree.SubElement(row, "system-out").text = _clean("\n".join(["warning", *_lines(case)]))


def _nothing_tested(root: etree._Element, started: str) -> None:
    counts = {"tests": "1", "failures": "0", "errors": "1", "skipped": "0", "time": _seconds(0)}
    suite = etree.SubElement(root, "testsuite", {"name": "run", "timestamp": started, **counts})
    row = etree.SubElement(suite, "testcase", classname="conformance.run", name="nothing-tested", time=_seconds(0))
    etree.SubElement(row, "error", message=texts_of("en")["remark.nothing-tested"], type="nothing-tested")


def _lines(case: Mapping[str, Any]) -> list[str]:
    findings = [
        f"{f['severity']}: {f['message']} [{f['rule']}; {f['grade']}; {f['source']}]" for f in case["findings"]
    ]
    return [*findings, *(f"advice: {advice}" for advice in case["advice"])]


def _count(cases: list[Mapping[str, Any]], verdict: str) -> int:
    return sum(case["verdict"] == verdict for case in cases)


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _clean(text: str) -> str:
    return _NOT_XML.sub("�", text)
