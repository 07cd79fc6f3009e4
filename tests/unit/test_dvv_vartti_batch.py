"""Many orders in one transaction: the same checks, refusals that stop nobody else, one write to the disk."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from office_world import COUNTY, HOMELESS, NURSE, PHYSICIAN, REGISTRAR, STRANGER, UNTRAINED, WITHOUT_RIGHT
from statements import traffic
from test_dvv_vartti_rules import PASSPORT
from vartti_world import CLERK, Office, make_office

from sotepki.dvv.vartti.office import CardRequest
from sotepki.errors import Refused
from sotepki.identifiers import Hetu, RegistrationNumber
from sotepki.records import first_break
from sotepki.registers import Person


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return make_office(tmp_path)


def test_batch_takes_what_single_orders_would(office: Office) -> None:
    """Every request meets the same rules; what is refused says by which rule and does not stop the rest."""
    requests = [
        CardRequest(PHYSICIAN, PASSPORT),
        CardRequest(STRANGER, PASSPORT),
        CardRequest(NURSE, PASSPORT),
        CardRequest(PHYSICIAN, PASSPORT),
        CardRequest(HOMELESS, PASSPORT),
        CardRequest(WITHOUT_RIGHT, PASSPORT, kind="personnel", employer=COUNTY, employment=CLERK),
        CardRequest(NURSE, PASSPORT, kind="citizen"),
        CardRequest(REGISTRAR, PASSPORT),
    ]
    batch = office.vartti.place_orders(requests, registrar=REGISTRAR)
    assert [(one.kind, one.state) for one in batch.orders] == [
        ("professional", "ordered"), ("professional", "ordered"), ("personnel", "ordered"),
    ]  # fmt: skip
    assert [(place, refused.rule) for place, refused in batch.refused] == [
        (1, "order.applicant"), (3, "order.one-card"), (4, "order.delivery"), (6, "order.kind"),
        (7, "order.not-for-oneself"),
    ]  # fmt: skip
    assert len(office.vartti.orders()) == 3
    with office.world.records.look() as session:
        assert first_break(session) is None
    assert sum(action == "refused" for _, action, *_ in office.world.journal()) == 5


def test_registrar_is_checked_for_the_batch(office: Office) -> None:
    """Who may not order one card may not order many."""
    with pytest.raises(Refused) as refused:
        office.vartti.place_orders([CardRequest(PHYSICIAN, PASSPORT)], registrar=STRANGER)
    assert refused.value.rule == "registrar.unknown"
    batch = office.vartti.place_orders([CardRequest(PHYSICIAN, PASSPORT)], registrar=UNTRAINED)
    assert [one.rule for _, one in batch.refused] == ["registrar.course"]
    assert office.vartti.place_orders([], registrar=REGISTRAR).orders == ()


def test_batch_is_one_transaction(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that a fault stops in the middle leaves no order behind."""
    seen = []
    from sotepki.dvv.vartti import ordering as vartti_ordering

    take = vartti_ordering.take_steps  # type: ignore[attr-defined]

    def fail_at_second(*arguments: object, **details: str) -> None:
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt
        take(*arguments, **details)  # type: ignore[arg-type]

    monkeypatch.setattr(vartti_ordering, "take_steps", fail_at_second)
    with pytest.raises(KeyboardInterrupt):
        office.vartti.place_orders([CardRequest(one, PASSPORT) for one in (PHYSICIAN, NURSE)], registrar=REGISTRAR)
    assert office.vartti.orders() == []


def test_a_thousand_orders_are_one_transaction(office: Office) -> None:
    """One transaction each, with a write to the disk, would take minutes for a hospital; a batch must not."""
    people = [
        Hetu.of(date(1970 + year, 6, 1 + day % 28), "-", 900 + day // 28) for year in range(25) for day in range(40)
    ]
    nurse = office.world.rights.held[NURSE]
    for number, one in enumerate(people):
        office.world.population.people[one] = Person(one, f"Testi{number}", "Joukko", home_address="Tie 1, Testilä")
        office.world.rights.held[one] = nurse
        office.world.rights.numbers[one] = RegistrationNumber(f"0091{number:07d}")
    lookups = {number: one for one, number in office.world.rights.numbers.items()}
    office.world.rights.professional = lambda registration_number: (  # type: ignore[method-assign]
        office.world.rights.professional_of(lookups[registration_number])
    )
    with traffic() as seen:
        batch = office.vartti.place_orders([CardRequest(one, PASSPORT) for one in people], registrar=REGISTRAR)
    assert len(batch.orders) == len(set(people)) == 1000
    assert seen.commits < 10, "each order was written to the disk by itself"
