"""No rule is firmer than the row of docs/field that it cites; the suite fails nobody where its checks only warn."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import field_tables as field
import pytest

from conformance.requirements import Requirement, requirements
from sotepki.evidence import Grade, Rule, Severity, load_yaml
from sotepki.resources import package_file
from sotepki.rulebook import whole_book
from sotepki.x509.profiles import load_profiles, profile_rules

FIRMNESS = {Grade.UNKNOWN: 0, Grade.RECALLED: 1, Grade.INFERRED: 2, Grade.SECONDHAND: 3, Grade.CONFIRMED: 4}
WEIGHT = {Severity.NOTICE: 0, Severity.WARNING: 1, Severity.ERROR: 2}
STANDARD = re.compile(r"RFC|ISO|W3C|XMLDSig|ETSI|EN 319|FIPS|X\.\d|PKCS|CAB|NIST|XML ")
"""What is confirmed by a standard needs no row."""

LONGEST_GRADE = 160
"""A cell of grades is short; longer ones are descriptions, in which the words mean something else."""

BOOK: Mapping[str, Rule] = {rule_id: shelved.rule for rule_id, shelved in whole_book().items()}
SHOULD_BE_FOUND = 1900
"""Of some 2,700 rules; a change of the tables' form must not quietly switch the comparison off."""


def plain(text: str) -> str:
    return re.sub(r"\W", "", text.lower())


def citations(source: str) -> Iterator[tuple[str, str, list[str]]]:
    """Page, section and names of rows of ``docs/field/pki.md 5.4, rows policies and CDP; 3, row RDN order``."""
    for page, told in re.findall(r"docs/field/(\w+\.md) ([^/]*?)(?=docs/field|$)", source):
        for part in told.split(";"):
            section = re.match(r"\s*(?:and )?(\d+(?:\.\d+)?)(.*)", part)
            if section and section[1] in field.sections(page):
                names = re.search(r"rows? (.+)", section[2])
                bare = re.sub(r"\([^)]*\)", "", names[1]) if names else ""
                yield page, section[1], [name for name in map(plain, re.split(r",| and |[()]", bare)) if name]


def is_named(page: str, section: str, name: str) -> bool:
    """Whether a row of the section bears the name in its first two cells."""
    return any(name in plain(cell) for row in field.rows(page, section) for cell in row[:2])


def grades(page: str, section: str, names: list[str]) -> set[Grade]:
    """The grades that stand in the named rows, or in all rows of the section if none is named."""
    found: set[Grade] = set()
    for row in field.rows(page, section):
        if not names or any(name in plain(cell) for name in names for cell in row[:2]):
            short = " ".join(cell for cell in row[1:] if len(cell) < LONGEST_GRADE)
            found |= {grade for grade in Grade if re.search(rf"\b{grade}\b", short)}
    return found


def test_no_rule_is_firmer_than_the_row_that_it_cites() -> None:
    """A grade raised by mistake lets a guess fail a vendor; the row in docs/field is what the vendor will look at."""
    everything: list[Rule | Requirement] = [*BOOK.values(), *profile_rules(load_profiles()), *requirements().values()]
    compared, too_firm = 0, []
    for one in everything:
        if STANDARD.search(one.source):
            continue
        known = set().union(*(grades(*citation) for citation in citations(one.source)))
        compared += bool(known)
        if known and FIRMNESS[one.grade] > max(FIRMNESS[grade] for grade in known):
            too_firm.append((one.id, one.grade, one.source))
    assert too_firm == []
    assert compared >= SHOULD_BE_FOUND


@pytest.mark.parametrize("page", ["card.md", "kanta.md", "pki.md", "registration.md", "scs.md"])
def test_the_row_that_a_rule_names_is_there(page: str) -> None:
    """A name that no row bears leads its reader nowhere, and takes the rule out of the comparison above."""
    everything: list[Rule | Requirement] = [*BOOK.values(), *profile_rules(load_profiles()), *requirements().values()]
    nowhere = [
        (one.id, section, name)
        for one in everything
        for cited, section, names in citations(one.source)
        for name in names
        if cited == page and not is_named(page, section, name)
    ]
    assert nowhere == []


def told_of_kanta() -> Iterator[tuple[str, Grade, str]]:
    """Place, grade and source of every row of the data files that cites ``kanta.md``."""
    waiting: list[tuple[str, Any]] = [
        (path.name, load_yaml(path))
        for room in ("sotepki", "conformance")
        for path in sorted((package_file().parent / room).rglob("*.yaml"))
        if path.parent.name != "messages" and "kanta.md" in path.read_text(encoding="utf-8")
    ]
    while waiting:
        place, row = waiting.pop()
        if isinstance(row, dict) and "grade" in row and "docs/field/kanta.md" in str(row.get("source")):
            yield place, Grade(row["grade"]), row["source"]
        if isinstance(row, dict):
            waiting += [(f"{place}/{key}", one) for key, one in row.items()]
        elif isinstance(row, list):
            waiting += [(place, one) for one in row]


def test_no_row_of_data_is_firmer_than_the_row_of_kanta_that_it_cites() -> None:
    """Families, settings, states, deadlines and tasks carry grades too, and a reader trusts those as well."""
    every = list(told_of_kanta())
    assert len(every) > 250
    for place, grade, source in every:
        cited = [one for one in citations(source) if one[0] == "kanta.md"]
        assert [
            name for _, section, names in cited for name in names if not is_named("kanta.md", section, name)
        ] == []
        known = set().union(*(grades(*one) for one in citations(source)))
        if known and not STANDARD.search(source):
            assert FIRMNESS[grade] <= max(FIRMNESS[one] for one in known), (place, source)


# The rule says more than the row it cites, however firm the row is.
BEYOND_THE_ROW = """
    account.organisation-register attribute.query.form card.pin.wrong change.tested complaint.broken contract.actor
    contract.details contract.method contract.signature point.actor registrar.actor registrar.course-certificate
    spare.state valvira.person.exists valvira.person.one-number
"""


@pytest.mark.parametrize("rule_id", BEYOND_THE_ROW.split())
def test_a_rule_that_says_more_than_its_row_is_not_confirmed(rule_id: str) -> None:
    """Who looks the rule up would take our reading, or the form that we gave it, for the authority's word."""
    assert FIRMNESS[BOOK[rule_id].grade] < FIRMNESS[Grade.CONFIRMED]
    assert BOOK[rule_id].effective is not Severity.ERROR


@pytest.mark.parametrize("requirement", [one for one in requirements().values() if one.rules], ids=lambda one: one.id)
def test_a_requirement_fails_nobody_where_its_rules_only_warn(requirement: Requirement) -> None:
    """The list of requirements tells a vendor what may fail it; findings of these rules decide what does."""
    rules = [BOOK[rule] for rule in requirement.rules if rule in BOOK]
    assert not rules or WEIGHT[requirement.ceiling] <= max(WEIGHT[rule.effective] for rule in rules)


# Beginning of the ids: how many requirements may fail a system, how many only warn; their phases and classes.
AREAS = {
    "card": (13, 7, "phase-1", "A2+A3"),
    "cert": (14, 16, "pre-test", "A1+A2+A3 A2+A3"),
    "correct": (4, 1, "phase-1", "A2+A3"),
    "csr": (10, 9, "pre-test", "A1+A2+A3 A2+A3"),
    "document": (3, 0, "phase-1 pre-test", "A2+A3 A2+A3+wellbeing"),
    "frame": (11, 11, "phase-1 pre-test", "A2+A3"),
    "kanta": (0, 1, "phase-1", "A1+A2+A3"),
    "load": (1, 7, "phase-1", "A1+A2+A3"),
    "paperwork": (13, 7, "pre-test", "A1+A2+A3 A2+A3+wellbeing"),
    "process": (5, 0, "phase-3 pre-test", "A2+A3 A2+A3+wellbeing"),
    "renewal": (0, 6, "pre-test", "A1+A2+A3"),
    "revocation": (14, 6, "phase-3", "A2+A3"),
    "rights": (6, 9, "phase-1", "A2+A3"),
    "scs": (1, 21, "phase-1", "A2+A3"),
    "scs-use": (4, 4, "phase-1", "A2+A3"),
    "sign": (20, 11, "phase-1 pre-test", "A2+A3"),
    "time": (2, 3, "phase-1 phase-3", "A1+A2+A3 A2+A3"),
    "tls": (12, 8, "phase-1", "A1+A2+A3"),
    "tls-server": (6, 4, "phase-1", "A1+A2+A3"),
    "token": (2, 2, "pre-test", "A2+A3"),
    "verify": (59, 15, "phase-3", "A2+A3"),
}


def test_what_may_fail_a_system_and_when_is_decided_and_not_drifted_into() -> None:
    """A requirement that quietly came to warn lets a broken system pass; change the table with the requirement."""
    found: dict[str, list[Requirement]] = {}
    for one in requirements().values():
        found.setdefault(one.id.partition(".")[0], []).append(one)
    counts = {area: Counter(one.ceiling is Severity.ERROR for one in every) for area, every in found.items()}
    phases = {area: " ".join(sorted({one.phase for one in every})) for area, every in found.items()}
    classes = {
        area: " ".join(sorted({"+".join(one.actor.classes) for one in every})) for area, every in found.items()
    }
    assert {area: (counts[area][True], counts[area][False], phases[area], classes[area]) for area in found} == AREAS
