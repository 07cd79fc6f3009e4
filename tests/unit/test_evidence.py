"""Evidence: no rule may be more certain than what it rests on, and data files may hold no silent mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sotepki.errors import Fault, Refused
from sotepki.evidence import (
    Basis,
    Finding,
    Grade,
    Rule,
    RuleBook,
    Severity,
    Verdict,
    load_csv,
    load_yaml,
    refuse_unknown_keys,
    verdict_of,
)

GOOD = "a.b:\n  text: t\n  source: s\n  grade: confirmed\n  basis: norm\n"


def _rule(grade: Grade, basis: Basis, *, consistency: bool = False, section: bool = False) -> Rule:
    return Rule("x.y", "text", "source", grade, basis, consistency=consistency, section=section, advice="do it")


@pytest.mark.parametrize("consistency", [False, True])
@pytest.mark.parametrize("section", [False, True])
@pytest.mark.parametrize("basis", list(Basis))
@pytest.mark.parametrize("grade", list(Grade))
def test_the_ceiling_of_every_grade_and_basis(grade: Grade, basis: Basis, section: bool, consistency: bool) -> None:
    """A guess, a choice of ours or a merely observed form would fail a vendor (docs/field/README.md 1)."""
    rule = _rule(grade, basis, consistency=consistency, section=section)
    may_fail = basis is not Basis.CHOICE and (
        (grade is Grade.CONFIRMED and (basis in (Basis.NORM, Basis.MEASURED) or consistency))
        or (grade is Grade.SECONDHAND and section and (basis is not Basis.OBSERVED or consistency))
    )
    assert rule.ceiling is (Severity.ERROR if may_fail else Severity.WARNING)
    assert rule.effective is rule.ceiling


@pytest.mark.parametrize("severity", list(Severity))
def test_a_rule_is_never_made_heavier_than_it_asks(severity: Severity) -> None:
    rule = Rule("x.y", "t", "s", Grade.CONFIRMED, Basis.NORM, severity=severity)
    assert rule.effective is severity
    weak = Rule("x.y", "t", "s", Grade.RECALLED, Basis.NORM, severity=severity)
    assert weak.effective is (Severity.WARNING if severity is Severity.ERROR else severity)


def test_a_finding_carries_the_evidence_and_the_lowered_severity() -> None:
    book = RuleBook({"x.y": _rule(Grade.RECALLED, Basis.NORM)})
    finding = book.finding("x.y", "message", expected="1", found="2", where="there")
    assert (finding.severity, finding.grade, finding.source) == (Severity.WARNING, Grade.RECALLED, "source")
    assert finding.advice == "do it"
    assert book.finding("x.y", "m", advice="better").advice == "better"
    assert finding.as_dict()["severity"] == "warning"
    assert set(finding.as_dict().values()) >= {"1", "2", "there"}


def test_a_refusal_carries_the_rule_and_its_advice() -> None:
    refusal = RuleBook({"x.y": _rule(Grade.RECALLED, Basis.NORM)}).refusal("x.y", "No.", subject="me")
    assert isinstance(refusal, Refused)
    assert (refusal.rule, refusal.advice, refusal.subject) == ("x.y", "do it", "me")
    assert str(refusal) == "No. [x.y] do it"


def test_only_an_error_makes_a_verdict_negative() -> None:
    def finding(severity: Severity) -> Finding:
        return Finding("x.y", severity, "m")

    assert verdict_of([]) is Verdict.VALID
    assert verdict_of([finding(Severity.WARNING), finding(Severity.NOTICE)]) is Verdict.VALID
    assert verdict_of([finding(Severity.WARNING), finding(Severity.ERROR)]) is Verdict.INVALID


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "  colour: red\n", "unknown key 'colour'"),
        (GOOD + GOOD, "twice"),
        (GOOD.replace("  text: t\n", "  text: t\n  text: u\n"), "twice"),
        (GOOD.replace("  source: s\n", ""), "lacks source"),
        (GOOD.replace("confirmed", "certain"), "not well formed"),
        (GOOD.replace("norm", "hearsay"), "not well formed"),
        (GOOD + "  severity: fatal\n", "not well formed"),
        ("- a\n- b\n", "must be a mapping"),
        ("a.b: just text\n", "must be a mapping"),
        ("", "must be a mapping"),
    ],
)
def test_a_rule_file_with_a_mistake_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """A mistyped key would silently leave a rule at its default weight."""
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Fault, match=message):
        RuleBook.load(path)


def test_what_a_rule_file_says_of_a_rule_is_what_the_rule_weighs(tmp_path: Path) -> None:
    """A breach between two values that must agree would only warn, or a form that was merely seen would fail."""
    path = tmp_path / "rules.yaml"
    seen = "{id}:\n  text: ' t '\n  source: s\n  grade: {grade}\n  basis: {basis}\n{more}"
    rows = [
        ("a.plain", "confirmed", "observed", ""),
        ("a.consistency", "confirmed", "observed", "  consistency: true\n"),
        ("a.report", "secondhand", "norm", ""),
        ("a.section", "secondhand", "norm", "  section: true\n"),
        ("a.light", "confirmed", "norm", "  severity: notice\n  advice: do it\n"),
    ]
    path.write_text(
        "".join(seen.format(id=name, grade=grade, basis=basis, more=more) for name, grade, basis, more in rows),
        encoding="utf-8",
    )
    book = RuleBook.load(path)
    assert {rule.id: str(rule.effective) for rule in book} == {
        "a.plain": "warning",
        "a.consistency": "error",
        "a.report": "warning",
        "a.section": "error",
        "a.light": "notice",
    }
    assert (book["a.light"].text, book["a.light"].advice, book["a.plain"].advice) == ("t", "do it", "")


@pytest.mark.parametrize("key", ["text", "source", "grade", "basis"])
def test_a_rule_without_its_evidence_is_a_fault_that_names_what_is_missing(tmp_path: Path, key: str) -> None:
    """Whoever adds a rule of their own would get a traceback instead of a sentence."""
    path = tmp_path / "rules.yaml"
    path.write_text("".join(line + "\n" for line in GOOD.splitlines() if key not in line), encoding="utf-8")
    with pytest.raises(Fault, match=f"lacks {key}"):
        RuleBook.load(path)


NOT_PLAIN_YAML = ["a: [", "a: b: c\n", "\t- x\n", "? [a]\n: b\n", "a: !!python/object:os.system {}\n"]


@pytest.mark.parametrize("text", NOT_PLAIN_YAML)
def test_a_rule_file_that_is_not_yaml_is_a_fault_and_not_a_traceback(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Fault, match=r"rules\.yaml"):
        RuleBook.load(path)


def test_a_missing_or_binary_data_file_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    with pytest.raises(Fault, match="cannot be read"):
        load_yaml(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Fault, match="cannot be read"):
        load_yaml(path)


def test_a_slip_in_yaml_is_one_line_that_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("a:\n\t- b\n", encoding="utf-8")
    with pytest.raises(Fault, match=r"^The data file own\.yaml cannot be read: .* at line 2, column 1\.$"):
        load_yaml(path)


def test_rule_books_join_unless_two_rules_bear_one_id(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD, encoding="utf-8")
    book = RuleBook.load(path)
    assert [rule.id for rule in book] == ["a.b"]
    assert len(RuleBook.join([book, RuleBook({"x.y": _rule(Grade.CONFIRMED, Basis.NORM)})])) == 2
    with pytest.raises(Fault, match=r"a\.b"):
        RuleBook.join([book, book])
    with pytest.raises(Fault, match="not in the rule book"):
        book["no.such"]


def test_unknown_keys_are_named_with_the_known_ones() -> None:
    refuse_unknown_keys({"a": 1}, ["a", "b"], "It")
    with pytest.raises(Fault, match="'c'; known are a, b"):
        refuse_unknown_keys({"a": 1, "c": 2}, ["a", "b"], "It")


def test_a_csv_file_is_read_exactly_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text('a,b\n1,"x, y"\n', encoding="utf-8")
    assert load_csv(path, ("a", "b")) == [{"a": "1", "b": "x, y"}]
    for columns in (("a",), ("b", "a"), ("a", "b", "c")):
        with pytest.raises(Fault, match="must have the columns"):
            load_csv(path, columns)
    path.write_text("a,b\n1\n", encoding="utf-8")
    with pytest.raises(Fault, match="Line 2"):
        load_csv(path, ("a", "b"))
    with pytest.raises(Fault, match="cannot be read"):
        load_csv(tmp_path / "missing.csv", ("a", "b"))
    for wrong in (b"a,b\n\xff,1\n", b'a,b\n1,"x\n'):
        path.write_bytes(wrong)
        with pytest.raises(Fault, match="cannot be read"):
            load_csv(path, ("a", "b"))


def test_every_rule_file_of_the_package_loads_and_no_id_is_used_twice() -> None:
    """The generated rule book would fail, or show one rule under two texts."""
    from sotepki.resources import package_file

    files = sorted(path for path in package_file().rglob("*.yaml") if path.stem.startswith("rules"))
    assert files
    RuleBook.join(RuleBook.load(path) for path in files)
