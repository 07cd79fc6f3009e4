"""Refusals stay behind in the journal: who asked for what, and by which rule it was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from databases import database_url
from registers_world import Registers, open_registers
from sqlalchemy import select

from sotepki.errors import Refused
from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.records import JournalEntry, first_break

Request = Callable[[Registers], object]


@pytest.fixture
def registers(tmp_path: Path) -> Iterator[Registers]:
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as opened:
        yield opened


@pytest.mark.parametrize(
    ("office", "step", "subject", "request_of"),
    [
        ("valvira", "remove-right", "00999999999", lambda one: one.valvira.remove_right(
            RegistrationNumber("00999999999"), "001", actor="official", reason="päätös")),
        ("valvira", "grant-right", "request", lambda one: one.valvira.grant_right(
            one.person("client-adult"), "001", actor="official", valid_from=date(1700, 1, 1))),
        ("thl", "set-kanta-intermediary", "1.2.246.10.99999999.10.0", lambda one: one.thl.set_kanta_intermediary(
            Oid("1.2.246.10.99999999.10.0"), intermediary=True, actor="official")),
    ],
)  # fmt: skip
def test_a_refusal_is_journalled_with_its_rule(
    registers: Registers, office: str, step: str, subject: str, request_of: Request
) -> None:
    """A supervisor who asks afterwards what was tried must find it."""
    with pytest.raises(Refused) as refused:
        request_of(registers)
    with registers.records.look() as session:
        entry = session.scalars(select(JournalEntry).order_by(JournalEntry.sequence.desc())).first()
        assert entry is not None and first_break(session) is None
    assert (entry.office, entry.action, entry.actor, entry.subject) == (office, "refused", "official", subject)
    assert f'"step": "{step}"' in entry.details and f'"rule": "{refused.value.rule}"' in entry.details


@pytest.mark.parametrize("typed", ["010181-900C", "Aino Esimerkki", "x" * 65])
def test_what_is_typed_in_the_wrong_field_is_not_repeated(registers: Registers, typed: str) -> None:
    """A journal is kept for years; the code or the name of a person that somebody typed into a name must not stay."""
    from sotepki.valvira.approved_systems import ApprovedSystems

    systems = ApprovedSystems(registers.records)
    with pytest.raises(Refused):
        systems.withdraw(typed, actor="official")
    with registers.records.look() as session:
        entry = session.scalars(select(JournalEntry).order_by(JournalEntry.sequence.desc())).first()
    assert entry is not None and entry.subject == "request" and typed not in entry.details
