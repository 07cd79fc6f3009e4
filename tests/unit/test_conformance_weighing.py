"""How the suite weighs what it saw: which breach gives verdict, reason and advice, and who is bound at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest

from conformance import CaseVerdict, Selection, Summary
from conformance.catalogue import catalogue
from conformance.check import Check
from conformance.declaring import Area, Case
from conformance.requirements import Actor, Level, Phase, Requirement, RequirementRegister, Role, SystemClass
from conformance.session import RunSession
from conformance.sut.facets import Skipped, SystemUnderTest
from conformance.verdicts import CaseResult, Evidence
from sotepki.clock import SetClock
from sotepki.errors import Misuse
from sotepki.evidence import Basis, Finding, Grade, Severity

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EVERYBODY = Actor((), ())
FIRM = Requirement(
    "firm", "x", "the norm", Grade.CONFIRMED, Basis.NORM, EVERYBODY, Level.MUST, Phase.PRE_TEST,
    rules=("csr.a", "csr.b"), advice="Do it as the norm says.",
)  # fmt: skip
SHAKY = replace(FIRM, id="shaky", grade=Grade.RECALLED, advice="")
CASE = Case("x.y", "x", Area.CSR, Phase.PRE_TEST, ("shaky", "firm"), ("m",), "x", "m", "f")


def check(*requirements: str) -> Check:
    return Check(replace(CASE, requirements=requirements), RequirementRegister(iter((FIRM, SHAKY))))


def finding(severity: Severity, rule: str = "csr.a", **more: str) -> Finding:
    return Finding(rule, severity, "Something is wrong.", source="x", grade=Grade.CONFIRMED, **more)


def test_the_heaviest_breach_gives_the_reason_and_the_first_advice() -> None:
    """A vendor reads one sentence: it must be the one that fails, not the first that warned."""
    judged = check("shaky", "firm")
    judged.that("shaky", False, "a trifle", advice="Look at it some day.")
    judged.that("firm", False, "the key is weak")
    judged.that("firm", False, "the key is weak there too")
    result = judged.result(7)
    assert (result.verdict, result.reason, result.milliseconds) == (CaseVerdict.FAIL, "the key is weak", 7)
    assert result.advice == ("Do it as the norm says.", "Look at it some day.")
    assert [one.severity for one in result.findings] == [Severity.WARNING, Severity.ERROR, Severity.ERROR]


@pytest.mark.parametrize(
    ("requirement", "severity", "verdict"),
    [
        ("firm", Severity.ERROR, CaseVerdict.FAIL),
        ("firm", Severity.WARNING, CaseVerdict.WARN),
        ("firm", Severity.NOTICE, CaseVerdict.PASS),
        ("shaky", Severity.ERROR, CaseVerdict.WARN),
    ],
)
def test_a_finding_weighs_no_more_than_its_rule_and_the_requirement_allow(
    requirement: str, severity: Severity, verdict: CaseVerdict
) -> None:
    judged = check(requirement)
    assert judged.rules(requirement, [finding(severity)], subject="x") is (verdict is CaseVerdict.PASS)
    assert judged.result(1).verdict is verdict


def test_advice_is_the_findings_own_else_the_requirements_else_none() -> None:
    judged = check("firm", "shaky")
    judged.rules(
        "firm", [finding(Severity.ERROR, advice="Mend this."), finding(Severity.ERROR, "csr.b")], subject="x"
    )
    judged.that("shaky", False, "x")
    assert judged.result(1).advice == ("Mend this.", "Do it as the norm says.")


def test_a_breach_says_where() -> None:
    judged = check("firm")
    measured = finding(Severity.ERROR, where="line 3", expected="256", found="128")
    judged.rules("firm", [measured, finding(Severity.ERROR)], subject="a.xml")
    judged.that("firm", False, "x", subject="b.xml", expected="SHA-256", found="SHA-1")
    first, second, third = judged.result(1).findings
    assert [one.where for one in (first, second, third)] == ["a.xml: line 3", "a.xml", "b.xml"]
    assert [(one.expected, one.found) for one in (first, third)] == [("256", "128"), ("SHA-256", "SHA-1")]
    assert [(one.rule, one.source, one.grade) for one in (first, third)] == [
        ("csr.a", "x", Grade.CONFIRMED), ("firm", "the norm", Grade.CONFIRMED),
    ]  # fmt: skip


def test_a_failure_stays_a_failure_when_something_was_left_unjudged() -> None:
    judged = check("firm", "shaky")
    judged.that("firm", False, "the key is weak")
    assert judged.result(1).verdict is CaseVerdict.FAIL


def test_a_case_that_does_not_apply_ends_there() -> None:
    with pytest.raises(Skipped, match="No card"):
        check("firm").skip("No card is attached.")


def test_a_case_keeps_so_many_pieces_of_evidence_and_says_that_there_were_more() -> None:
    judged = check("firm")
    for number in range(24):
        judged.show(f"piece {number}", "x")
    assert judged.evidence[-1].title == "piece 23"
    judged.show("piece 24", "x")
    judged.show("piece 25", "x")
    assert [one.title for one in judged.evidence[-2:]] == ["piece 22", "more"]
    assert len(judged.evidence) == 24 and judged.result(1).evidence == judged.evidence


def test_long_and_binary_evidence_is_cut_and_measured_whole() -> None:
    """The digest must be that of what the system sent, not of what is shown."""
    whole, cut, binary = (Evidence.of("x", data, limit=4) for data in ("abcd", "abcde", b"\xff\x00\x01"))
    assert (whole.content, whole.cut, whole.size) == ("abcd", False, 4)
    assert (cut.content, cut.cut, cut.size) == ("abcd", True, 5)
    assert (binary.content, binary.size) == ("ff 0", 3)
    assert cut.sha256 == "36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c"


@pytest.mark.parametrize(
    ("outcomes", "faults", "code", "line"),
    [
        ("pass", (), 0, "1 pass"),
        ("pass warn waiting", (), 0, "1 pass, 1 warn, 1 waiting"),
        ("fail error", ("x",), 1, "1 fail, 1 error"),
        ("pass error", (), 3, "1 pass, 1 error"),
        ("pass", ("x",), 3, "1 pass"),
        ("skip skip", ("x",), 3, "2 skip"),
        ("skip skip", (), 2, "2 skip"),
        ("skip pass", (), 0, "1 pass, 1 skip"),
        ("", (), 0, "no case ran"),
    ],
)
def test_the_exit_code_is_that_of_the_worst_outcome(
    outcomes: str, faults: tuple[str, ...], code: int, line: str
) -> None:
    results = tuple(CaseResult(str(number), CaseVerdict(one)) for number, one in enumerate(outcomes.split()))
    summary = Summary("Fake TEST", NOW, NOW, results, faults=faults)
    assert (summary.exit_code, summary.line()) == (code, f"Fake TEST: {line}")
    stopped = replace(summary, complete=False)
    assert stopped.line() == f"Fake TEST: {line} (stopped before the end)"


BY_PHASE: Final = {phase: [case for case in catalogue() if case.phase is phase] for phase in Phase}
EARLY, LATE = [phase for phase in Phase if len(BY_PHASE[phase]) > 1][:2]
FIRST, SAME, LATER = BY_PHASE[EARLY][0], BY_PHASE[EARLY][1], BY_PHASE[LATE][0]


def session(*results: CaseResult, **changes: object) -> RunSession:
    selection = Selection(cases=frozenset({FIRST.id, SAME.id, LATER.id}))
    made = RunSession(SystemUnderTest("Fake TEST", "files"), SetClock(NOW), selection, **changes)  # type: ignore[arg-type]
    for result in results:
        made.record(result)
    return made


@pytest.mark.parametrize(
    ("done", "verdict", "asked", "barred"),
    [
        (FIRST, CaseVerdict.FAIL, LATER, True),
        (FIRST, CaseVerdict.FAIL, SAME, False),
        (LATER, CaseVerdict.FAIL, FIRST, False),
        *[(FIRST, verdict, LATER, False) for verdict in CaseVerdict if verdict is not CaseVerdict.FAIL],
    ],
)
def test_only_a_failure_of_an_earlier_phase_bars(done: Case, verdict: CaseVerdict, asked: Case, barred: bool) -> None:
    """A supplier is held up by what joint testing would hold up, and by nothing else."""
    assert bool(session(CaseResult(done.id, verdict), obey_phases=True).barred(asked)) is barred
    assert not session(CaseResult(done.id, verdict)).barred(asked)


@pytest.mark.parametrize(("chosen", "barred"), [((LATER,), True), ((FIRST, LATER), False)])
def test_a_failure_that_was_kept_bars_until_it_is_run_again(chosen: tuple[Case, ...], barred: bool) -> None:
    """With --resume only what waits is run; the phase would otherwise be entered over a failure of that report."""
    earlier = (CaseResult(FIRST.id, CaseVerdict.FAIL), CaseResult("gone", CaseVerdict.FAIL))
    selection = Selection(cases=frozenset(case.id for case in chosen))
    resumed = RunSession(SystemUnderTest("Fake TEST", "files"), SetClock(NOW), selection, earlier=earlier)
    assert not resumed.barred(LATER)
    resumed.obey_phases = True
    assert bool(resumed.barred(LATER)) is barred


def test_what_was_not_reached_waits_or_shares_the_fault() -> None:
    told: list[tuple[str, int, int]] = []
    stopped = session(progress=lambda result, number, of: told.append((result.case, number, of)))
    stopped.record(CaseResult(SAME.id, CaseVerdict.PASS))
    summary = stopped.summary()
    assert told == [(SAME.id, 1, 3)]
    assert [one.case for one in summary.results] == [case.id for case in catalogue() if case in (FIRST, SAME, LATER)]
    assert summary.counts[CaseVerdict.WAITING] == 2 and not summary.complete
    assert "was stopped before" in summary.results[-1].reason
    stopped.harness_faults += ["The first fault.", "The last fault."]
    broken = stopped.summary()
    assert broken.counts[CaseVerdict.ERROR] == 2 and broken.faults == ("The first fault.", "The last fault.")
    assert broken.results[-1].reason == "The last fault."


def test_a_kept_result_gives_way_to_a_new_one_and_an_unknown_case_is_dropped() -> None:
    earlier = (
        CaseResult(FIRST.id, CaseVerdict.FAIL), CaseResult(LATER.id, CaseVerdict.WARN),
        CaseResult("gone", CaseVerdict.FAIL),
    )  # fmt: skip
    resumed = session(CaseResult(FIRST.id, CaseVerdict.PASS), CaseResult(SAME.id, CaseVerdict.PASS), earlier=earlier)
    outcome = {one.case: one.verdict for one in resumed.summary().results}
    assert (outcome[FIRST.id], "gone" in outcome) == (CaseVerdict.PASS, False)


@pytest.mark.parametrize(
    ("actor", "bound"),
    [
        (Actor((SystemClass.A2,), (Role.APPLICANT,)), True),
        (Actor((SystemClass.A2,), ()), True),
        (Actor((), (Role.APPLICANT,)), True),
        (Actor((SystemClass.A3,), (Role.APPLICANT,)), False),
        (Actor((SystemClass.A2,), (Role.CARD_USER,)), False),
    ],
)
def test_a_requirement_that_names_no_class_or_role_binds_all(actor: Actor, bound: bool) -> None:
    rules = RequirementRegister(
        iter((replace(FIRM, actor=actor), replace(SHAKY, actor=Actor((SystemClass.B,), (Role.READER,)))))
    )
    selection = Selection(system_class=SystemClass.A2, roles=frozenset({Role.APPLICANT}))
    assert _chosen(selection, rules) is bound
    assert _chosen(replace(selection, system_class=None), rules) is (Role.CARD_USER not in actor.roles)
    assert _chosen(replace(selection, roles=frozenset()), rules) is (SystemClass.A3 not in actor.classes)
    assert _chosen(Selection(), rules)


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (Selection(areas=frozenset({Area.CSR}), phases=frozenset({Phase.PRE_TEST})), True),
        (Selection(areas=frozenset({Area.TLS}), phases=frozenset({Phase.PRE_TEST})), False),
        (Selection(areas=frozenset({Area.CSR}), phases=frozenset({Phase.CROSS})), False),
        (Selection(cases=frozenset({CASE.id}), areas=frozenset({Area.TLS})), False),
        (Selection(cases=frozenset({CASE.id})), True),
    ],
)
def test_every_part_of_a_selection_narrows_it(selection: Selection, chosen: bool) -> None:
    assert _chosen(selection, RequirementRegister(iter((FIRM, SHAKY)))) is chosen


def _chosen(selection: Selection, rules: RequirementRegister) -> bool:
    try:
        return selection.choose((CASE,), rules) == (CASE,)
    except Misuse as error:
        assert "No case is left" in error.sentence
        return False
