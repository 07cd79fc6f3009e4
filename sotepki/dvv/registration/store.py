"""Registration points and registrars' rights as values, and how they are found and written in the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.dvv.office_data import office_rules
from sotepki.dvv.registration.tables import ContractRow, RegistrarRow, RegistrationPointRow
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Transaction
from sotepki.states import Step

CONTRACTS_IN_FORCE = ("in-force", "in-force-unsigned")
WORKING = frozenset({"open", "below-requirements"})
"""The states of a point in which its registrars work."""


class Standing(StrEnum):
    """Whether a registrar may use Vartti on a day, and if not, why."""

    IN_FORCE = "in-force"
    UNTRAINED = "untrained"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class RegistrationPoint:
    """A registration point; ``public`` points serve every professional.

    ``contract`` is the id of its contract, empty for a point whose agreement was made before the e-service.
    """

    id: str
    organisation: Oid
    name: str
    public: bool
    state: str = "open"
    contract: str = ""
    card_readers: int = 0
    locked_storage: bool = False
    access_control: bool = False
    closing_reason: str = ""

    def as_dict(self) -> dict[str, object]:
        """The point for JSON."""
        return {
            "point": self.id,
            "state": self.state,
            "organisation": self.organisation.value,
            "name": self.name,
            "public": self.public,
            "contract": self.contract,
            "card_readers": self.card_readers,
            "locked_storage": self.locked_storage,
            "access_control": self.access_control,
            "closing_reason": self.closing_reason,
        }


@dataclass(frozen=True)
class Registrar:
    """A person's registrar's right at one point. ``id`` names the right in the journal, where no hetu may stand.

    ``certificate`` is the number of the course certificate, empty for a course before the e-service.
    """

    id: int
    hetu: Hetu
    point: RegistrationPoint
    trained_on: date | None
    valid_to: date
    withdrawn: bool = False
    state: str = "in-force"
    certificate: str = ""

    def standing(self, day: date) -> Standing:
        """The registrar's standing on a Finnish calendar day."""
        if self.withdrawn:
            return Standing.WITHDRAWN
        if self.state in ("applied", "rejected") or self.trained_on is None or self.trained_on > day:
            return Standing.UNTRAINED
        return Standing.EXPIRED if day > self.valid_to else Standing.IN_FORCE

    @property
    def name(self) -> str:
        """How the journal names the registrar."""
        return f"registrar {self.id}"

    def as_dict(self) -> dict[str, object]:
        """The right for JSON; without the identity code."""
        return {
            "registrar": self.name,
            "point": self.point.id,
            "state": self.state,
            "certificate": self.certificate,
            "trained_on": self.trained_on.isoformat() if self.trained_on else "",
            "valid_to": self.valid_to.isoformat(),
        }


def contract_id(number: int) -> str:
    """The id that people see: ``K`` and six digits or more."""
    return f"K{number:06d}"


def contract_in_force(session: Session, kind: str, organisation: Oid, *, point: str = "", number: int = 0) -> bool:
    """Whether an organisation has a contract of a kind in force; for one point, or with one number, if given."""
    query = select(ContractRow.number).where(
        ContractRow.kind == kind,
        ContractRow.organisation == organisation.value,
        ContractRow.state.in_(CONTRACTS_IN_FORCE),
    )
    if point:
        query = query.where(ContractRow.point == point)
    if number:
        query = query.where(ContractRow.number == number)
    return session.scalars(query).first() is not None


def new_point(tx: Transaction, point_id: str, organisation: Oid, *, state: str) -> RegistrationPointRow:
    """A row for a point that is not there yet, with nothing reported."""
    row = RegistrationPointRow(
        id=point_id,
        organisation=organisation.value,
        name="",
        public=False,
        state=state,
        founded_at=tx.now,
        changed_at=tx.now,
        card_readers=0,
        locked_storage=False,
        access_control=False,
    )
    tx.session.add(row)
    return row


def row_of_point(session: Session, point_id: str) -> RegistrationPointRow:
    """The row of a point.

    Raises:
        Refused: there is no such point (``point.unknown``).
    """
    row = session.get(RegistrationPointRow, point_id)
    if row is None:
        raise office_rules().refusal("point.unknown", f"There is no registration point {point_id[:40]!r}.")
    return row


def row_of_right(session: Session, hetu: Hetu, point_id: str) -> RegistrarRow:
    """The row of a person's right at a point.

    Raises:
        Refused: the person is no registrar there and has not applied (``registrar.unknown``).
    """
    wanted = select(RegistrarRow).where(RegistrarRow.hetu == hetu.value, RegistrarRow.point == point_id)
    row = session.scalars(wanted).first()
    if row is None:
        raise office_rules().refusal("registrar.unknown", f"The person is no registrar at {point_id[:40]}.")
    return row


def as_point(row: RegistrationPointRow) -> RegistrationPoint:
    """The value of a row."""
    return RegistrationPoint(
        id=row.id,
        organisation=Oid(row.organisation),
        name=row.name,
        public=row.public,
        state=row.state,
        contract=contract_id(row.contract) if row.contract else "",
        card_readers=row.card_readers,
        locked_storage=row.locked_storage,
        access_control=row.access_control,
        closing_reason=row.closing_reason or "",
    )


def as_registrar(row: RegistrarRow, session: Session) -> Registrar:
    """The value of a row, with its point."""
    return Registrar(
        id=row.id,
        hetu=Hetu(row.hetu),
        point=as_point(row_of_point(session, row.point)),
        trained_on=row.trained_on,
        valid_to=row.valid_to,
        withdrawn=row.withdrawn_at is not None,
        state=row.state,
        certificate=row.certificate or "",
    )


def note_right(tx: Transaction, row: RegistrarRow, step: Step, **details: str) -> None:
    """Write a step of a registrar's right into the row and the journal."""
    origin, row.state = row.state, step.target
    tx.session.flush()
    tx.journal(
        f"registrar.{step.transition.name}",
        f"registrar {row.id}",
        from_state=origin,
        to_state=step.target,
        point=row.point,
        **details,
    )


def note_point(tx: Transaction, row: RegistrationPointRow, step: Step, **details: str) -> None:
    """Write a step of a point into the row and the journal."""
    origin, row.state, row.changed_at = row.state, step.target, tx.now
    tx.session.flush()
    tx.journal(
        f"registration-point.{step.transition.name}",
        row.id,
        from_state=origin,
        to_state=step.target,
        organisation=row.organisation,
        **details,
    )
