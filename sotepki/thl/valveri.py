"""Private providers' data on their way from Valveri to the code service: sent, on the way, entered or refused.

What Valveri was and what has come after it is not studied (docs/field/registration.md 9.3: recalled). That private
providers' data reach the code service from the register of private providers, and only after a while, is what a
vendor meets; how long it takes is a setting, ``valveri.yaml``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.errors import Fault, Refused
from sotepki.evidence import Grade, expect_keys, grade_of, load_yaml
from sotepki.identifiers import Oid
from sotepki.records import Transaction
from sotepki.registers import Organisation
from sotepki.resources import package_file
from sotepki.thl.kinds import OrganisationKind
from sotepki.thl.organisation_form import organisation_json
from sotepki.thl.rules import thl_rules
from sotepki.thl.tables import ArrivalRow

PRIVATE = frozenset({OrganisationKind.PRIVATE_CLINIC, OrganisationKind.PRIVATE_SOCIAL_CARE})
"""The kinds of organisations that Valveri sends."""


class ArrivalState(StrEnum):
    """Where a provider's data are."""

    ON_THE_WAY = "on-the-way"
    ENTERED = "entered"
    REFUSED = "refused"


@dataclass(frozen=True)
class Arrival:
    """A provider's data sent by Valveri; ``rule`` says why they were refused, if they were."""

    number: int
    oid: Oid
    sent_at: datetime
    due_at: datetime
    state: ArrivalState
    rule: str


@dataclass(frozen=True)
class Delay:
    """How long data from Valveri are on their way, and how well that is known."""

    length: timedelta
    grade: Grade
    source: str


@cache
def delay() -> Delay:
    """The delay of ``valveri.yaml``.

    Raises:
        Fault: the file is not well formed.
    """
    path = package_file("thl", "valveri.yaml")
    raw: Any = load_yaml(path)
    expect_keys(raw, {"delay_hours"}, path.name)
    row = raw["delay_hours"]
    expect_keys(row, {"value", "grade", "source"}, path.name)
    if not isinstance(row["value"], int | float) or row["value"] < 0:
        raise Fault(f"{path.name}: the delay is a number of hours.")
    return Delay(timedelta(hours=row["value"]), grade_of(row, path.name), str(row["source"]))


def send(tx: Transaction, organisation: Organisation) -> None:
    """Put a provider's data on their way.

    Raises:
        Refused: ``thl.valveri.private``.
    """
    if organisation.kind not in PRIVATE or organisation.public or organisation.kanta_intermediary:
        raise thl_rules().refusal(
            "thl.valveri.private", f"{organisation.oid} is not a private provider.", subject=organisation.name
        )
    tx.session.add(
        ArrivalRow(
            oid=organisation.oid.value,
            sent_at=tx.now,
            due_at=tx.now + delay().length,
            state=ArrivalState.ON_THE_WAY,
            rule="",
            content=organisation_json(organisation),
        )
    )


def due(session: Session, at: datetime) -> Sequence[ArrivalRow]:
    """What has reached the code service by a moment and waits to be entered, in the order of sending."""
    return session.scalars(
        select(ArrivalRow)
        .where(ArrivalRow.state == ArrivalState.ON_THE_WAY, ArrivalRow.due_at <= at)
        .order_by(ArrivalRow.id)
    ).all()


def refused(row: ArrivalRow, error: Refused) -> None:
    """Keep why an arrival was not entered."""
    row.state, row.rule = ArrivalState.REFUSED, error.rule


def arrivals(session: Session) -> Sequence[Arrival]:
    """Everything that Valveri has sent, in the order of sending."""
    return [
        Arrival(row.id, Oid(row.oid), row.sent_at, row.due_at, ArrivalState(row.state), row.rule)
        for row in session.scalars(select(ArrivalRow).order_by(ArrivalRow.id))
    ]
