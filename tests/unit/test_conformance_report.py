"""The report: valid for programs, safe and complete for people, whatever a system under test wrote."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from conformance.catalogue import catalogue
from conformance.report import html_report, junit_report, report_data, write_report
from conformance.sut.facets import SystemUnderTest
from conformance.verdicts import CaseResult, CaseVerdict, Evidence, Judgment, Summary
from sotepki.errors import Misuse
from sotepki.evidence import Finding, Grade, Severity, load_yaml

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schemas/report.schema.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>\x00\x1b\ud800 & \"quoted\" ]]>"


def result(case_id: str, verdict: CaseVerdict, text: str = "Something is wrong.") -> CaseResult:
    requirement = next(c for c in catalogue() if c.id == case_id).requirements[0]
    severity = {CaseVerdict.FAIL: Severity.ERROR, CaseVerdict.WARN: Severity.WARNING}.get(verdict)
    finding = (
        Finding("doc.digest.body", severity, text, text, text, "kanta.md 4", Grade.CONFIRMED, text, text)
        if severity
        else None
    )
    return CaseResult(
        case_id,
        verdict,
        "" if verdict is CaseVerdict.PASS else text,
        (Judgment(requirement, finding is None, "x", finding),),
        (Evidence.of("document", text.encode("utf-8", "surrogatepass"), "application/xml"),),
        (text,),
        5,
    )


def summary(text: str = "Something is wrong.") -> Summary:
    results = tuple(
        result(case.id, verdict, text) for case, verdict in zip(catalogue(), list(CaseVerdict) * 20, strict=False)
    )
    return Summary("Fake TEST", NOW, NOW, results, complete=False)


SUT = SystemUnderTest("Fake TEST", "files")


def test_the_report_has_the_published_shape() -> None:
    data = report_data(SUT, summary())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(data, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert sum(data["summary"].values()) == len(catalogue())


@pytest.mark.parametrize("language", ["fi", "en"])
def test_the_page_stands_alone_and_says_that_it_is_not_kelas(language: str) -> None:
    """Somebody who forwards the page must not be taken for holding a statement of Kela, nor call out to a server."""
    page = html_report(report_data(SUT, summary()), language).decode()
    text = {"fi": "Tämä ei ole Kelan testi", "en": "This is not a test by Kela"}[language]
    assert page.count(text) == 2
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "<script" not in page and "@import" not in page and "url(" not in page
    assert etree.HTML(page) is not None


def test_failures_come_before_everything_else() -> None:
    page = html_report(report_data(SUT, summary())).decode()
    places = [page.index(f'<section id="{v}"') for v in ("fail", "error", "warn", "waiting", "pass", "skip")]
    assert places == sorted(places)


def test_what_a_system_wrote_cannot_run_in_the_page() -> None:
    page = html_report(report_data(SystemUnderTest(HOSTILE, "files"), summary(HOSTILE))).decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@settings(max_examples=30)
@given(st.text(alphabet=st.characters(codec=None), max_size=50))
def test_every_text_makes_a_report_that_can_be_read_again(text: str) -> None:
    data = report_data(SUT, summary(text or "x"))
    etree.fromstring(junit_report(data))
    html_report(data)
    json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))


def test_junit_counts_fail_as_failure_and_error_as_error() -> None:
    data = report_data(SUT, summary())
    root = etree.fromstring(junit_report(data))
    counted = {name: sum(int(s.get(name, "0")) for s in root) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {
        "tests": len(catalogue()),
        "failures": data["summary"]["fail"],
        "errors": data["summary"]["error"],
        "skipped": data["summary"]["skip"] + data["summary"]["waiting"],
    }
    assert len(root.findall(".//failure")) == data["summary"]["fail"]


def test_the_catalogues_of_messages_have_the_same_keys() -> None:
    """A key that one language lacks would show the other in the middle of a page."""
    directory = ROOT / "conformance/report/messages"
    finnish, english = (load_yaml(directory / f"{language}.yaml") for language in ("fi", "en"))
    assert set(english) - set(finnish) == set()
    assert {key for key in set(finnish) - set(english) if not key.startswith("case.")} == set()


def test_a_requirement_is_not_blamed_for_the_other_requirement_of_a_case() -> None:
    case = "signature.system.integrity"
    one = CaseResult(
        case,
        CaseVerdict.FAIL,
        "x",
        (
            Judgment("sign.digests", True, "x"),
            Judgment("sign.value", False, "x", Finding("dsig.signature-value", Severity.ERROR, "x", source="s")),
        ),
    )
    rows = report_data(SUT, Summary("Fake TEST", NOW, NOW, (one,)))["requirements"]
    verdicts = {row["id"]: row["verdict"] for row in rows}
    assert (verdicts["sign.digests"], verdicts["sign.value"]) == ("pass", "fail")


def test_long_evidence_is_cut_and_says_so() -> None:
    evidence = Evidence.of("x", b"a" * 1_000_000)
    assert evidence.cut and evidence.size == 1_000_000 and len(evidence.content) < 60_000


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(Misuse, match="'sv'"):
        html_report(report_data(SUT, summary()), "sv")


def test_the_files_are_written_whole(tmp_path: Path) -> None:
    write_report(tmp_path, SUT, summary(HOSTILE))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["junit.xml", "report.html", "report.json"]
    jsonschema.validate(json.loads((tmp_path / "report.json").read_text(encoding="utf-8")), SCHEMA)
