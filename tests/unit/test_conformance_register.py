"""The requirement register and the catalogue: complete, and no firmer than what is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.catalogue import catalogue, coverage_gaps
from conformance.declaring import Area, case
from conformance.requirements import RequirementRegister, load_requirements, requirements
from conformance.sut.mutants import mutants
from sotepki.documents.report import all_rules
from sotepki.errors import Fault
from sotepki.evidence import Basis, Grade, RuleBook, Severity
from sotepki.x509.rulebook import rulebook

ROW = """
some.rule:
  text: A text.
  source: docs/field/kanta.md 1
  grade: {grade}
  basis: {basis}
  actor: {{classes: [A2], roles: [producer]}}
  level: must
  phase: phase-1
"""


def read(tmp_path: Path, text: str) -> RequirementRegister:
    (tmp_path / "some.yaml").write_text(text, encoding="utf-8")
    return load_requirements(tmp_path)


def test_every_case_and_every_requirement_is_accounted_for() -> None:
    """A requirement without a case or a reason would look covered in the report."""
    assert coverage_gaps(catalogue(), requirements()) == []


def test_a_requirement_without_case_is_noticed(tmp_path: Path) -> None:
    register = read(tmp_path, ROW.format(grade="confirmed", basis="norm"))
    assert coverage_gaps([], register) == ["The requirement some.rule has no case and no reason why not."]


def test_a_case_with_an_unknown_requirement_is_noticed(tmp_path: Path) -> None:
    register = read(tmp_path, ROW.format(grade="confirmed", basis="norm"))
    gaps = coverage_gaps(catalogue()[:1], register)
    assert any("does not exist" in gap for gap in gaps)


def test_a_case_of_an_untested_requirement_is_noticed(tmp_path: Path) -> None:
    text = ROW.format(grade="confirmed", basis="norm").replace("some.rule", "csr.server.form") + "  not_tested: No.\n"
    assert any("says that it is not tested" in gap for gap in coverage_gaps(catalogue()[:1], read(tmp_path, text)))


@pytest.mark.parametrize(
    ("grade", "basis", "ceiling"),
    [
        ("confirmed", "norm", Severity.ERROR),
        ("confirmed", "observed", Severity.WARNING),
        ("secondhand", "norm", Severity.WARNING),
        ("inferred", "norm", Severity.WARNING),
        ("recalled", "norm", Severity.WARNING),
        ("unknown", "norm", Severity.WARNING),
        ("confirmed", "choice", Severity.WARNING),
    ],
)
def test_the_ceiling_follows_from_the_evidence(tmp_path: Path, grade: str, basis: str, ceiling: Severity) -> None:
    """A guess must never fail a vendor."""
    assert read(tmp_path, ROW.format(grade=grade, basis=basis))["some.rule"].ceiling is ceiling


def test_what_should_be_can_only_warn(tmp_path: Path) -> None:
    text = ROW.format(grade="confirmed", basis="norm").replace("level: must", "level: should")
    assert read(tmp_path, text)["some.rule"].ceiling is Severity.WARNING


def test_no_requirement_of_weak_grade_can_fail_a_vendor() -> None:
    for requirement in requirements().values():
        if requirement.grade in (Grade.RECALLED, Grade.UNKNOWN, Grade.INFERRED) or requirement.basis is Basis.CHOICE:
            assert requirement.ceiling is not Severity.ERROR, requirement.id


def test_a_prescribing_card_is_known_by_a_second_hand_place() -> None:
    """docs/field/kanta.md 9: where the prescriber's identifier stands is told by a third party, with its section."""
    prescribes = requirements()["card.prescribes"]
    assert (prescribes.grade, prescribes.section, prescribes.ceiling) == (Grade.SECONDHAND, True, Severity.ERROR)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("phase:", "fase:"), "unknown key 'fase'"),
        (("  level: must\n", ""), "lacks level"),
        (("grade: confirmed", "grade: certain"), "'certain' is not a valid Grade"),
        (("classes: [A2]", "classes: [A9]"), "'A9' is not a valid SystemClass"),
        (("{classes:", "{klasses:"), "unknown key 'klasses'"),
        (("phase: phase-1", "phase: phase-1\n  consistency: maybe"), "'maybe' where true or false"),
    ],
)
def test_a_typo_in_the_register_is_refused(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    text = ROW.format(grade="confirmed", basis="norm").replace(*change)
    with pytest.raises(Fault, match=sentence):
        read(tmp_path, text)


def test_an_id_in_two_files_is_refused(tmp_path: Path) -> None:
    text = ROW.format(grade="confirmed", basis="norm")
    (tmp_path / "other.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Fault, match="Two requirements"):
        read(tmp_path, text)


def test_the_rules_that_requirements_name_exist() -> None:
    """A rule id that was renamed elsewhere would silently never break its requirement."""
    known = {rule.id for rule in RuleBook.join([all_rules(), rulebook()])}
    for requirement in requirements().values():
        assert set(requirement.rules) <= known, (requirement.id, set(requirement.rules) - known)


def test_every_named_mutant_exists_and_every_mutant_is_named() -> None:
    """A case whose mutant does not exist is not proved; a mutant that nobody names proves nothing."""
    named = {name for c in catalogue() for name in c.mutants}
    assert named == {mutant.id for mutant in mutants()}


def test_there_are_cases_for_every_area() -> None:
    assert len(catalogue()) >= 24
    assert {c.area for c in catalogue()} == set(Area)


@pytest.mark.parametrize("lacking", ["docstring", "requirement", "mutant"])
def test_a_case_without_its_parts_is_refused(lacking: str) -> None:
    def function() -> None:
        """What it does."""

    if lacking == "docstring":
        function.__doc__ = None
    with pytest.raises(Fault, match=lacking):
        case(
            "x.y",
            title="X",
            area=Area.CSR,
            phase=catalogue()[0].phase,
            requirements=[] if lacking == "requirement" else ["csr.server.form"],
            mutants=[] if lacking == "mutant" else ["m"],
        )(function)
