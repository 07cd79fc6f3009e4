"""THL: the organisation register, Kanta intermediaries and the code service, with every refusal by its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from databases import database_url
from registers_world import WORLD, Registers, open_registers

from sotepki.errors import Fault, Refused
from sotepki.evidence import Grade
from sotepki.identifiers import BusinessId, Oid, organisation_oid
from sotepki.registers import Organisation, OrganisationRegister
from sotepki.resources import package_file
from sotepki.thl.exchange import write_lines
from sotepki.thl.organisation_form import COLUMNS, row_of_organisation
from sotepki.thl.rules import thl_rules

COUNTY = BusinessId("9900001-8")
NEW = BusinessId("9900020-2")
CLINIC = Organisation(
    oid=organisation_oid(NEW),
    name="Uusi lääkäriasema TEST",
    business_id=NEW,
    kind="private-clinic",
    municipality="Testilä",
    public=False,
    long_name="Uusi lääkäriasema Oy TEST",
    domains=("uusi.test.example", "www.uusi.test.example"),
)


@pytest.fixture
def registers(tmp_path: Path) -> Iterator[Registers]:
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as opened:
        yield opened


def test_the_office_is_an_organisation_register(registers: Registers) -> None:
    """The e-service could not ask it whether an applicant exists."""
    register: OrganisationRegister = registers.thl
    assert register.organisation(organisation_oid(COUNTY)) is not None


def test_an_organisation_comes_back_as_it_was_entered(registers: Registers) -> None:
    registers.thl.register_organisation(CLINIC, actor="clerk")
    assert registers.thl.organisation(CLINIC.oid) == CLINIC
    assert registers.thl.organisations_of(NEW) == [CLINIC]


def test_units_are_found_with_their_organisation(registers: Registers) -> None:
    found = registers.thl.organisations_of(COUNTY)
    assert [str(one.oid).rpartition(".")[2] for one in found] == ["0", "1000", "1010", "2000"]
    assert {one.parent for one in found} == {None, organisation_oid(COUNTY)}


def test_an_unknown_organisation_is_none_and_not_an_error(registers: Registers) -> None:
    assert registers.thl.organisation(Oid("1.2.246.10.1.10.0")) is None
    assert registers.thl.organisations_of(NEW) == []
    assert registers.thl.holder_of_domain("nobody.example") is None
    assert registers.thl.holder_of_domain("") is None


@pytest.mark.parametrize(
    ("domain", "unit"),
    [
        ("tunturilaakso.test.example", 0),
        ("WWW.Tunturilaakso.test.example.", 0),
        ("sairaala.tunturilaakso.test.example", 1000),
        ("api.sairaala.tunturilaakso.test.example", 1000),
    ],
)
def test_the_nearest_name_above_decides_who_controls_a_domain(registers: Registers, domain: str, unit: int) -> None:
    """A server certificate would be given to the wrong unit."""
    holder = registers.thl.holder_of_domain(domain)
    assert holder is not None
    assert holder.oid == organisation_oid(COUNTY, unit)


def test_a_domain_that_only_ends_alike_is_not_controlled(registers: Registers) -> None:
    """Anybody could get a certificate for a look-alike name."""
    assert registers.thl.holder_of_domain("eviltunturilaakso.test.example") is None


def test_an_intermediary_is_entered_and_struck_off(registers: Registers) -> None:
    oid = organisation_oid(COUNTY)
    assert registers.thl.set_kanta_intermediary(oid, intermediary=True, actor="clerk").kanta_intermediary
    stored = registers.thl.organisation(oid)
    assert stored is not None and stored.kanta_intermediary
    assert not registers.thl.set_kanta_intermediary(oid, intermediary=False, actor="clerk").kanta_intermediary


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.decode().encode("cp1252"), "Save it as 'CSV UTF-8'."),
        (lambda data: data.replace(b",", b";"), "semicolons between its columns. Write commas"),
    ],
)
def test_a_list_as_a_spreadsheet_saves_it_is_told_what_to_mend(
    registers: Registers, change: Callable[[bytes], bytes], words: str
) -> None:
    """A Finnish spreadsheet writes semicolons and its own letters unless it is told otherwise."""
    with pytest.raises(Refused) as refused:
        registers.thl.import_organisations(change(registers.thl.export_organisations()), actor="thl")
    assert refused.value.rule == "thl.import.form"
    assert words in f"{refused.value.sentence} {refused.value.advice}"


def _lines(*organisations: Organisation) -> bytes:
    return write_lines(map(row_of_organisation, organisations), COLUMNS)


def _codes(registers: Registers) -> bytes:
    return registers.thl.export_codes(Oid("1.2.246.537.6.147.2008"))


REFUSALS: list[tuple[str, Callable[[Registers], object]]] = [
    (
        "thl.organisation.known",
        lambda r: r.thl.set_kanta_intermediary(CLINIC.oid, intermediary=True, actor="x"),
    ),
    (
        "thl.organisation.once",
        lambda r: r.thl.register_organisation(
            replace(CLINIC, oid=organisation_oid(COUNTY), business_id=COUNTY), actor="x"
        ),
    ),
    (
        "thl.organisation.oid-of-business-id",
        lambda r: r.thl.register_organisation(replace(CLINIC, oid=organisation_oid(COUNTY, 77)), actor="x"),
    ),
    (
        "thl.organisation.oid-of-business-id",
        lambda r: r.thl.register_organisation(replace(CLINIC, oid=Oid("1.2.246.556.1")), actor="x"),
    ),
    ("thl.organisation.kind", lambda r: r.thl.register_organisation(replace(CLINIC, kind="circus"), actor="x")),
    (
        "thl.organisation.parent",
        lambda r: r.thl.register_organisation(replace(CLINIC, parent=organisation_oid(NEW, 5)), actor="x"),
    ),
    (
        "thl.organisation.parent",
        lambda r: r.thl.register_organisation(replace(CLINIC, parent=organisation_oid(COUNTY)), actor="x"),
    ),
    (
        "thl.organisation.domain-once",
        lambda r: r.thl.register_organisation(replace(CLINIC, domains=("Kela.test.example",)), actor="x"),
    ),
    (
        "thl.organisation.domain-form",
        lambda r: r.thl.register_organisation(replace(CLINIC, domains=("test",)), actor="x"),
    ),
    (
        "thl.organisation.domain-reserved",
        lambda r: r.thl.register_organisation(replace(CLINIC, domains=("kanta.fi",)), actor="x"),
    ),
    ("thl.organisation.known", lambda r: r.thl.change_organisation(CLINIC, actor="x")),
    ("thl.organisation.name", lambda r: r.thl.register_organisation(replace(CLINIC, name=" "), actor="x")),
    ("thl.organisation.name", lambda r: r.thl.register_organisation(replace(CLINIC, name=" Klinikka"), actor="x")),
    ("thl.organisation.name", lambda r: r.thl.register_organisation(replace(CLINIC, long_name="a\x00"), actor="x")),
    ("thl.organisation.name", lambda r: r.thl.register_organisation(replace(CLINIC, name="x" * 501), actor="x")),
    ("thl.organisation.parent", lambda r: r.thl.register_organisation(replace(CLINIC, parent=CLINIC.oid), actor="x")),
    ("thl.import.form", lambda r: r.thl.import_organisations(b"\xff", actor="x")),
    ("thl.import.form", lambda r: r.thl.import_organisations(b"", actor="x")),
    ("thl.import.form", lambda r: r.thl.import_organisations(b"oid,name\n", actor="x")),
    ("thl.import.form", lambda r: r.thl.import_organisations(_lines(CLINIC) + b"too,few\n", actor="x")),
    ("thl.import.form", lambda r: r.thl.import_organisations(_lines(CLINIC).replace(b",no,", b",maybe,"), actor="x")),
    ("thl.import.form", lambda r: r.thl.import_codes(b"", actor="x")),
    ("thl.import.form", lambda r: r.thl.import_codes(_codes(r).replace(b"confirmed", b"certain"), actor="x")),
    (
        "identifier.oid.form",
        lambda r: r.thl.import_organisations(_lines(CLINIC).replace(b"1.2.", b"x"), actor="x"),
    ),
    (
        "thl.valveri.private",
        lambda r: r.thl.receive_from_valveri(_lines(replace(CLINIC, kind="hotel")), actor="x"),
    ),
    ("thl.valveri.private", lambda r: r.thl.receive_from_valveri(_lines(replace(CLINIC, public=True)), actor="x")),
    ("thl.code.version-once", lambda r: r.thl.import_codes(_codes(r).replace(b"Prescribing", b"X"), actor="x")),
    ("thl.code.one-system", lambda r: r.thl.import_codes(_codes(r) + _codes(r).splitlines()[1] + b"\n", actor="x")),
    ("thl.code.one-system", lambda r: r.thl.import_codes(_codes(r).replace(b"TEST-1", b"A", 1), actor="x")),
    ("thl.code.system-known", lambda r: r.thl.codes(Oid("1.2.3"))),
    ("thl.code.system-known", lambda r: r.thl.codes(Oid("1.2.246.537.6.140.2008"), "no such version")),
]


@pytest.mark.parametrize(("rule", "action"), REFUSALS)
def test_a_refusal_names_its_rule_and_changes_nothing(
    registers: Registers, rule: str, action: Callable[[Registers], object]
) -> None:
    before = registers.thl.organisations(), registers.thl.code_systems(), registers.thl.arrivals()
    with pytest.raises(Refused) as caught:
        action(registers)
    assert caught.value.rule == rule
    assert caught.value.advice
    assert (registers.thl.organisations(), registers.thl.code_systems(), registers.thl.arrivals()) == before


def test_every_rule_of_the_office_has_a_refusal_here_and_is_used() -> None:
    assert {rule for rule, _ in REFUSALS if rule.startswith("thl.")} == set(thl_rules().rules)
    named = set()
    for path in set(package_file("thl").glob("*.py")) - {package_file("thl", "steering.py")}:  # rules of its own
        named |= {word for word in path.read_text(encoding="utf-8").split('"') if word.startswith("thl.")}
    assert named == set(thl_rules().rules)


def test_the_code_service_answers_by_oid_and_version_in_three_languages(registers: Registers) -> None:
    system = registers.thl.codes(Oid("1.2.246.537.6.147.2008"))
    assert [entry.code for entry in system.codes] == ["10", "20", "30", "40", "50", "60", "70", "80", "90"]
    assert registers.thl.codes(system.oid, "TEST-1") == system
    prescribing = system.code("10")
    assert prescribing is not None
    assert (prescribing.name_sv, prescribing.grade) == ("Förskrivning av läkemedel", Grade.CONFIRMED)
    assert system.code("11") is None
    assert system in registers.thl.code_systems()


def test_a_world_is_loaded_once_and_a_broken_one_not_at_all(registers: Registers, tmp_path: Path) -> None:
    with pytest.raises(Fault, match="not empty"):
        registers.thl.load_world(WORLD)
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("organisations.csv", "code_systems.csv"):
        (broken / name).write_bytes((WORLD / name).read_bytes())
    with open_registers(database_url(tmp_path / "other.db"), tmp_path / "o", world=False) as empty:
        with pytest.raises(Fault, match="cannot be read"):
            empty.thl.load_world(broken)
        assert empty.thl.count() == 0
        text = (WORLD / "organisations.csv").read_text(encoding="utf-8")
        (broken / "organisations.csv").write_text(text.replace(",yes,", ",maybe,"), encoding="utf-8")
        with pytest.raises(Fault, match="not well formed"):
            empty.thl.load_world(broken)
        (broken / "organisations.csv").write_text(text.replace("9900001-8", "9900001-9"), encoding="utf-8")
        with pytest.raises(Fault, match="check digit"):
            empty.thl.load_world(broken)
