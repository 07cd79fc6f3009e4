"""Verdicts: whose fault it was, and how hard it may be judged. The systems here are small fakes, without a bench."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from lxml import etree

from conformance import CaseVerdict, Selection, Summary, run
from conformance.catalogue import catalogue
from conformance.check import Check
from conformance.crossing import Leg, exit_code
from conformance.declaring import Area
from conformance.report.statement import draft_statement
from conformance.requirements import requirements
from conformance.sut.facets import OperatorNeeded, SystemFailed, SystemUnderTest
from conformance.verdicts import CaseResult
from sotepki.cli import run as sotepki
from sotepki.errors import Fault, Misuse
from sotepki.evidence import Finding, Grade, Severity
from sotepki.x509.csr import CsrKind

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/report.schema.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class Csrs:
    answer: Callable[[], Mapping[CsrKind, bytes]]

    def csrs(self) -> Mapping[CsrKind, bytes]:
        return self.answer()


def raising(error: BaseException) -> SystemUnderTest:
    def answer() -> Mapping[CsrKind, bytes]:
        raise error

    return SystemUnderTest("Fake TEST", "files", csrs=Csrs(answer))


def verdicts(sut: SystemUnderTest, tmp_path: Path, *cases: str) -> Summary:
    return run(sut, tmp_path, selection=Selection(cases=frozenset(cases or ("csr.server.form",))))


def report(tmp_path: Path) -> dict[str, object]:
    data: dict[str, object] = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, SCHEMA, format_checker=jsonschema.FormatChecker())
    return data


def test_a_broken_request_fails_with_the_rule_and_the_bytes(tmp_path: Path) -> None:
    sut = SystemUnderTest("Fake TEST", "files", csrs=Csrs(lambda: {CsrKind.SERVER: b"not a request"}))
    summary = verdicts(sut, tmp_path)
    (result,) = summary.results
    assert result.verdict is CaseVerdict.FAIL
    assert result.findings[0].rule == "csr.not-a-csr"
    assert result.evidence[0].content == "not a request"
    assert summary.exit_code == 1
    report(tmp_path)


def test_a_part_that_is_not_attached_is_skipped_with_the_reason(tmp_path: Path) -> None:
    (result,) = verdicts(SystemUnderTest("Fake TEST", "files"), tmp_path).results
    assert result.verdict is CaseVerdict.SKIP
    assert "[csrs]" in result.reason


def test_a_run_that_tests_nothing_does_not_look_like_a_good_one(tmp_path: Path) -> None:
    """A build server would stay green for months with a description that attaches nothing."""
    summary = verdicts(SystemUnderTest("Fake TEST", "files"), tmp_path, "csr.server.form", "csr.server.key")
    assert (summary.nothing_tested, summary.exit_code) == (True, 2)
    assert report(tmp_path)["remarks"] == ["nothing-tested"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for words in ("Mitään ei testattu", "Ingenting testades", "Nothing was tested"):
        assert words in page
        assert words in draft_statement(report(tmp_path))
    junit = etree.parse(tmp_path / "junit.xml")
    (error,) = junit.iterfind("testsuite[@name='run'][@errors='1']/testcase/error")
    assert error.get("message", "").startswith("Nothing was tested")


def test_the_command_says_in_one_sentence_that_nothing_was_tested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "system.toml").write_text('[verify]\ncommand = ["true"]\n', encoding="utf-8")
    arguments = ["--sut", str(tmp_path / "system.toml"), "--report", str(tmp_path / "r"), "--area", "csr"]
    assert sotepki(["conformance", "run", *arguments]) == 2
    said = capsys.readouterr()
    assert "skip" in said.out and said.err.startswith("Nothing was tested: every case was skipped.")


def test_two_systems_that_exchange_nothing_have_shown_nothing() -> None:
    def leg(verdict: CaseVerdict) -> Leg:
        return Leg("A TEST", "B TEST", "professional", verdict, "")

    assert exit_code([leg(CaseVerdict.SKIP), leg(CaseVerdict.SKIP)]) == 2
    assert exit_code([leg(CaseVerdict.SKIP), leg(CaseVerdict.PASS)]) == 0


def test_one_judged_case_beside_skipped_ones_is_a_run() -> None:
    """Most vendors attach some parts only; what is left out fails nothing."""
    summary = Summary("Fake TEST", NOW, NOW, (CaseResult("a", CaseVerdict.SKIP), CaseResult("b", CaseVerdict.PASS)))
    assert (summary.nothing_tested, summary.exit_code) == (False, 0)
    assert Summary("Fake TEST", NOW, NOW, (), faults=("A module is missing.",)).exit_code == 3


def test_a_system_that_gives_no_usable_answer_fails(tmp_path: Path) -> None:
    summary = verdicts(raising(SystemFailed("It wrote no JSON.", log="Traceback: boom")), tmp_path)
    (result,) = summary.results
    assert (result.verdict, result.reason) == (CaseVerdict.FAIL, "It wrote no JSON.")
    assert "boom" in result.evidence[0].content


@pytest.mark.parametrize(
    "error", [ValueError("bug"), Fault("The disk is full."), Misuse("There is no program x."), AssertionError("no")]
)
def test_a_fault_of_the_suite_is_an_error_and_never_a_failure(tmp_path: Path, error: Exception) -> None:
    """A vendor must not be blamed for our bugs or for the machine."""
    summary = verdicts(raising(error), tmp_path)
    (result,) = summary.results
    assert result.verdict is CaseVerdict.ERROR
    assert result.findings == ()
    assert summary.exit_code == 3
    report(tmp_path)


def test_a_case_that_needs_an_operator_waits(tmp_path: Path) -> None:
    summary = verdicts(raising(OperatorNeeded("Nobody connected.")), tmp_path)
    assert [r.verdict for r in summary.results] == [CaseVerdict.WAITING]
    assert summary.exit_code == 0


def test_ctrl_c_leaves_a_valid_report_of_what_was_done(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        verdicts(raising(KeyboardInterrupt()), tmp_path, "csr.server.form", "csr.server.key")
    data = report(tmp_path)
    assert data["complete"] is False
    assert data["summary"] == {"pass": 0, "fail": 0, "warn": 0, "skip": 0, "error": 0, "waiting": 2}
    assert (tmp_path / "report.html").read_bytes().endswith(b"</html>")
    assert (tmp_path / "junit.xml").is_file()


def test_the_users_own_pytest_habits_have_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only -k nothing")
    (result,) = verdicts(SystemUnderTest("Fake TEST", "files"), tmp_path).results
    assert result.verdict is CaseVerdict.SKIP


def test_the_order_of_results_is_that_of_the_catalogue(tmp_path: Path) -> None:
    summary = run(SystemUnderTest("Fake TEST", "files"), tmp_path, selection=Selection(areas=frozenset({Area.CSR})))
    assert [r.case for r in summary.results] == [c.id for c in catalogue() if c.area is Area.CSR]


def test_an_unknown_case_is_refused_with_the_nearest() -> None:
    with pytest.raises(Misuse, match=r"csr\.server\.form"):
        Selection(cases=frozenset({"csr.server.from"})).choose(catalogue())


def finding(rule: str, severity: Severity) -> Finding:
    return Finding(rule, severity, "Something is wrong.", source="x", grade=Grade.CONFIRMED)


def check_of(case_id: str) -> Check:
    return Check(next(c for c in catalogue() if c.id == case_id), requirements())


def test_a_breach_of_a_recalled_requirement_warns() -> None:
    check = check_of("tls.minimum-version")
    check.that("tls.minimum-version", False, "TLS 1.1")
    assert check.result(1).verdict is CaseVerdict.WARN


def test_a_warning_of_a_rule_stays_a_warning_under_a_firm_requirement() -> None:
    check = check_of("signature.professional.registration-number")
    check.rules(
        "sign.registration-number", [finding("doc.registration-number.missing", Severity.WARNING)], subject="x"
    )
    assert check.result(1).verdict is CaseVerdict.WARN


def test_findings_of_other_rules_do_not_break_a_requirement() -> None:
    check = check_of("signature.professional.value")
    check.rules("sign.value", [finding("doc.digest.body", Severity.ERROR)], subject="x")
    assert check.result(1).verdict is CaseVerdict.PASS


def test_a_case_that_judges_nothing_is_an_error() -> None:
    """Silence must not pass."""
    assert check_of("signature.system.integrity").result(1).verdict is CaseVerdict.ERROR


def test_a_case_that_leaves_a_requirement_out_is_an_error() -> None:
    check = check_of("signature.system.integrity")
    check.rules("sign.value", [], subject="x")
    result = check.result(1)
    assert result.verdict is CaseVerdict.ERROR
    assert "sign.digests" in result.reason


def test_a_case_cannot_judge_what_it_does_not_name() -> None:
    with pytest.raises(Fault, match="which it does not name"):
        check_of("csr.server.form").that("sign.value", True, "")


def test_identity_codes_outside_the_900_series_do_not_get_into_evidence() -> None:
    """A report travels; it must not carry anybody's real code."""
    check = check_of("document.test-identities")
    check.show("document", "<id extension='010199-0021'/><id extension='010199-9021'/>")
    content = check.evidence[0].content
    assert "010199-0021" not in content
    assert "010199-9021" in content
