"""Lists that come and go: nothing is lost on the way out and in, a bad line is named, and nothing is half taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from databases import database_url
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registers_world import NOON, Registers, open_registers

from sotepki.errors import Refused
from sotepki.evidence import Basis, Grade
from sotepki.identifiers import BusinessId, Oid, organisation_oid
from sotepki.records import first_break
from sotepki.registers import Organisation
from sotepki.thl import ArrivalState, Code, CodeSystem, Entered, Wanted, code_exchange
from sotepki.thl.exchange import read_lines, write_lines
from sotepki.thl.organisation_form import (
    COLUMNS,
    organisation_json,
    organisation_of_json,
    organisation_of_row,
    row_of_organisation,
)

COUNTY = organisation_oid(BusinessId("9900001-8"))
NEW = BusinessId("9900020-2")
CLINIC = Organisation(
    oid=organisation_oid(NEW),
    name="Uusi lääkäriasema TEST",
    business_id=NEW,
    kind="private-clinic",
    municipality="Testilä",
    public=False,
    long_name="Uusi lääkäriasema Oy TEST",
    domains=("uusi.test.example",),
)
UNIT = replace(CLINIC, oid=organisation_oid(NEW, 7), name="Sivuvastaanotto TEST", parent=CLINIC.oid, domains=())

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)
NAME = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=30)


@pytest.fixture
def registers(tmp_path: Path) -> Iterator[Registers]:
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as opened:
        yield opened


def _file(*organisations: Organisation) -> bytes:
    return write_lines(map(row_of_organisation, organisations), COLUMNS)


def test_the_register_goes_out_and_comes_back_the_same(registers: Registers, tmp_path: Path) -> None:
    data = registers.thl.export_organisations()
    before = registers.thl.organisations()
    assert registers.thl.import_organisations(data, actor="x") == {Entered.SAME: len(before)}
    with open_registers(database_url(tmp_path / "other.db"), tmp_path / "o", world=False) as empty:
        assert empty.thl.import_organisations(data, actor="x") == {Entered.NEW: len(before)}
        assert empty.thl.organisations() == before
        assert empty.thl.export_organisations() == data
        for system in registers.thl.code_systems():
            empty.thl.import_codes(registers.thl.export_codes(system.oid, system.version), actor="x")
        assert empty.thl.code_systems() == registers.thl.code_systems()


@pytest.mark.parametrize("backwards", [False, True])
def test_units_of_units_come_back_whatever_their_numbers(
    registers: Registers, tmp_path: Path, backwards: bool
) -> None:
    """An export is in the order of the OIDs as text, where 10.10 comes before 10.2: the backup could not be read."""
    ward = replace(UNIT, oid=organisation_oid(NEW, 2), name="Osasto TEST")
    room = replace(UNIT, oid=organisation_oid(NEW, 10), name="Huone TEST", parent=ward.oid)
    bed = replace(UNIT, oid=organisation_oid(NEW, 1), name="Paikka TEST", parent=room.oid)
    for one in (CLINIC, ward, room, bed):
        registers.thl.register_organisation(one, actor="x")
    data = registers.thl.export_organisations()
    if backwards:
        head, *lines = data.splitlines()
        data = b"\n".join([head, *reversed(lines)])
    with open_registers(database_url(tmp_path / "other.db"), tmp_path / "o", world=False) as empty:
        empty.thl.import_organisations(data, actor="x")
        assert empty.thl.organisations() == registers.thl.organisations()
        arrived = empty.thl.receive_from_valveri(_file(bed, room, ward, CLINIC), actor="x")
        assert [one.oid for one in arrived] == [CLINIC.oid, ward.oid, room.oid, bed.oid]


def test_units_in_a_circle_are_refused(registers: Registers) -> None:
    """A list in which two units stand under each other must end in a sentence, not in an endless search."""
    other = replace(UNIT, oid=organisation_oid(NEW, 8), parent=UNIT.oid)
    with pytest.raises(Refused) as refused:
        registers.thl.import_organisations(_file(CLINIC, replace(UNIT, parent=other.oid), other), actor="x")
    assert refused.value.rule == "thl.organisation.parent"
    assert registers.thl.organisation(CLINIC.oid) is None


@pytest.mark.parametrize("first", [0, 1])
def test_a_domain_is_handed_over_in_one_list_in_either_order(registers: Registers, first: int) -> None:
    """An office that imports a merger would be told to sort its list, without a word about how."""
    giver, taker = CLINIC, replace(UNIT, domains=("toinen.test.example",))
    registers.thl.import_organisations(_file(giver, taker), actor="x")
    swapped = [replace(giver, domains=taker.domains), replace(taker, domains=giver.domains)]
    assert registers.thl.import_organisations(_file(swapped[first], swapped[1 - first]), actor="x") == {
        Entered.CHANGED: 2
    }
    holder = registers.thl.holder_of_domain("uusi.test.example")
    assert holder is not None and holder.oid == taker.oid
    with pytest.raises(Refused) as refused:
        registers.thl.import_organisations(_file(replace(UNIT, domains=giver.domains + taker.domains)), actor="x")
    assert refused.value.rule == "thl.organisation.domain-once"


def test_a_domain_in_capitals_or_written_twice_is_the_same_domain(registers: Registers) -> None:
    """A list with capitals would count as a change on every night's import, and the history would grow by itself."""
    written = replace(CLINIC, domains=("Lehto.Test", "lehto.test", "LEHTO.test"))
    kept = replace(CLINIC, domains=("lehto.test",))
    assert registers.thl.import_organisations(_file(written), actor="x") == {Entered.NEW: 1}
    assert registers.thl.import_organisations(_file(written), actor="x") == {Entered.SAME: 1}
    assert registers.thl.change_organisation(written, actor="x") is Entered.SAME
    assert registers.thl.organisation(CLINIC.oid) == kept
    assert registers.thl.organisation_at(CLINIC.oid, registers.clock.now()) == kept
    assert registers.thl.register_organisation(replace(UNIT, domains=("A.test",)), actor="x").domains == ("a.test",)


@pytest.mark.parametrize(
    "domain",
    ["test", "..test", "<b>.test", f"{'a' * 300}.test", "a..test", "-a.test", "a_b.test", "a.test.", "ä.test"],
)
def test_what_is_no_host_name_is_no_domain(registers: Registers, domain: str) -> None:
    """Whoever holds 'test' would hold every name below it, and a tag would stand in the pages of the register."""
    with pytest.raises(Refused) as refused:
        registers.thl.import_organisations(_file(replace(CLINIC, domains=(domain,))), actor="x")
    assert refused.value.rule == "thl.organisation.domain-form"
    assert refused.value.advice


@given(name=NAME, long_name=TEXT, municipality=TEXT, public=st.booleans(), intermediary=st.booleans())
def test_any_text_survives_csv_and_json(
    name: str, long_name: str, municipality: str, public: bool, intermediary: bool
) -> None:
    organisation = replace(
        UNIT,
        name=name,
        long_name=long_name,
        municipality=municipality,
        public=public,
        kanta_intermediary=intermediary,
    )
    ((_, row),) = read_lines(_file(organisation), COLUMNS, "x")
    assert organisation_of_row(row) == organisation
    assert organisation_of_json(organisation_json(organisation)) == organisation


def test_a_name_from_outside_is_no_formula_in_the_exported_list(registers: Registers, tmp_path: Path) -> None:
    """An official opens the list in a spreadsheet: a provider's name would run as a formula there."""
    named = replace(CLINIC, name="=HYPERLINK(0)", long_name="@SUM(1)")
    registers.thl.import_organisations(_file(named), actor="x")
    data = registers.thl.export_organisations()
    assert b",'=HYPERLINK(0),'@SUM(1)," in data
    with open_registers(database_url(tmp_path / "other.db"), tmp_path / "o", world=False) as empty:
        empty.thl.import_organisations(data, actor="x")
        assert empty.thl.organisation(CLINIC.oid) == named


@given(
    texts=st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT),
    codes=st.dictionaries(NAME, st.tuples(TEXT, TEXT, TEXT, TEXT, st.sampled_from(Grade)), max_size=5),
)
def test_any_code_system_survives_csv(
    texts: tuple[str, ...], codes: dict[str, tuple[str, str, str, str, Grade]]
) -> None:
    """A list with a comma, a quotation mark or a line break in a name would come back as another list."""
    system = CodeSystem(
        Oid("1.2.3"), "1", texts[0], texts[1], texts[2], texts[3], texts[4], Grade.INFERRED, Basis.CHOICE,
        tuple(Code(code, *found, Basis.NORM) for code, found in codes.items()),
    )  # fmt: skip
    assert code_exchange.read(code_exchange.write(system), "x") == system


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_rubbish_is_refused_and_changes_nothing(registers: Registers, data: bytes) -> None:
    head = ",".join(COLUMNS).encode() + b"\n"
    for file in (data, head + data, ",".join(code_exchange.COLUMNS).encode() + b"\n" + data):
        for take in (
            registers.thl.import_organisations, registers.thl.receive_from_valveri, registers.thl.import_codes
        ):  # fmt: skip
            try:
                take(file, actor="x")
            except Refused as refused:
                assert refused.rule and refused.advice
    assert registers.thl.count() == 20


def test_a_bad_line_is_named_with_its_rule_and_nothing_of_the_file_is_taken(registers: Registers) -> None:
    bad = replace(UNIT, oid=organisation_oid(BusinessId("9900002-6"), 99))
    with pytest.raises(Refused) as caught:
        registers.thl.import_organisations(_file(CLINIC, UNIT, bad), actor="x", name="lista.csv")
    assert str(caught.value).startswith("Line 4 of lista.csv: ")
    assert caught.value.rule == "thl.organisation.oid-of-business-id"
    assert registers.thl.organisation(CLINIC.oid) is None


def test_an_organisation_that_stands_twice_in_a_file_is_named(registers: Registers) -> None:
    """The last line would silently win, and nobody would know which of the two was meant."""
    with pytest.raises(Refused, match=f"Line 3 of lista.csv: {CLINIC.oid} stands in line 2 already") as caught:
        registers.thl.import_organisations(
            _file(CLINIC, replace(CLINIC, name="Toinen nimi TEST")), actor="x", name="lista.csv"
        )
    assert caught.value.rule == "thl.import.form"
    assert registers.thl.organisation(CLINIC.oid) is None


def test_units_may_stand_before_their_organisation_and_a_change_is_a_change(registers: Registers) -> None:
    assert registers.thl.import_organisations(_file(UNIT, CLINIC), actor="x") == {Entered.NEW: 2}
    registers.advance(hours=1)
    renamed = replace(CLINIC, name="Toinen nimi TEST", domains=("toinen.test.example",), kanta_intermediary=True)
    assert registers.thl.import_organisations(_file(renamed, UNIT), actor="x") == {
        Entered.CHANGED: 1,
        Entered.SAME: 1,
    }
    assert registers.thl.organisation(CLINIC.oid) == renamed
    assert registers.thl.holder_of_domain("uusi.test.example") is None
    assert registers.thl.organisation_at(CLINIC.oid, NOON) == CLINIC, "history keeps what was"
    assert registers.thl.organisation_at(CLINIC.oid, NOON - timedelta(seconds=1)) is None
    page = registers.thl.page(registers.clock.now(), Wanted(intermediaries=True, name="toinen"))
    assert page.organisations == [renamed]


def test_what_valveri_sends_is_in_the_register_a_day_later_and_not_before(registers: Registers) -> None:
    """A new provider applies for a certificate on its first day and must be told why it is not found."""
    (sent,) = registers.thl.receive_from_valveri(_file(CLINIC), actor="x")
    assert sent.state is ArrivalState.ON_THE_WAY and sent.due_at == NOON + timedelta(hours=24)
    registers.advance(hours=23)
    assert registers.thl.follow_time() == 0
    assert registers.thl.organisation(CLINIC.oid) is None
    registers.advance(hours=1)
    assert registers.thl.follow_time() == 1
    assert registers.thl.organisation(CLINIC.oid) == CLINIC
    assert registers.thl.follow_time() == 0


def test_an_arrival_that_breaks_a_rule_is_refused_alone(registers: Registers) -> None:
    stolen = replace(CLINIC, domains=("fine.test.example", "tunturilaakso.test.example"))
    other = replace(UNIT, oid=organisation_oid(NEW, 8), parent=None)
    registers.thl.receive_from_valveri(_file(stolen, other), actor="x")
    registers.advance(days=2)
    assert registers.thl.follow_time() == 2
    assert [(one.state, one.rule) for one in registers.thl.arrivals()] == [
        (ArrivalState.REFUSED, "thl.organisation.domain-once"),
        (ArrivalState.ENTERED, ""),
    ]
    assert registers.thl.organisation(CLINIC.oid) is None, "not a part of it"
    assert registers.thl.holder_of_domain("fine.test.example") is None
    assert registers.thl.organisation(other.oid) == other
    with registers.records.look() as session:
        assert first_break(session) is None


def test_a_version_of_a_code_system_stands_beside_the_one_before(registers: Registers) -> None:
    oid = Oid("1.2.246.537.5.40172")
    first = registers.thl.codes(oid)
    registers.advance(hours=1)
    second = replace(first, version="TEST-2", codes=first.codes[:1])
    registers.thl.import_codes(code_exchange.write(second), actor="x")
    registers.thl.import_codes(code_exchange.write(second), actor="x")
    assert registers.thl.codes(oid) == second
    assert registers.thl.codes(oid, "TEST-1") == first
    assert registers.thl.codes(oid, at=NOON) == first, "a copy of an hour ago does not know the new version"
    empty = replace(first, version="EMPTY", codes=())
    assert registers.thl.import_codes(code_exchange.write(empty), actor="x") == empty
