"""Registration points and their registrars (docs/field/registration.md 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day
from sotepki.dvv.office_data import office_rules
from sotepki.dvv.office_tables import RegistrarRow, RegistrationPointRow
from sotepki.dvv.state_machine import refusal
from sotepki.errors import Misuse
from sotepki.evidence import Finding, load_yaml, refuse_unknown_keys
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Records, Transaction


class Standing(StrEnum):
    """Whether a registrar may use Vartti on a day, and if not, why."""

    IN_FORCE = "in-force"
    UNTRAINED = "untrained"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class RegistrationPoint:
    """A registration point; ``public`` points serve every professional."""

    id: str
    organisation: Oid
    name: str
    public: bool


@dataclass(frozen=True)
class Registrar:
    """A person's registrar's right at one point. ``id`` names the right in the journal, where no hetu may stand."""

    id: int
    hetu: Hetu
    point: RegistrationPoint
    trained_on: date | None
    valid_to: date
    withdrawn: bool = False

    def standing(self, day: date) -> Standing:
        """The registrar's standing on a Finnish calendar day."""
        if self.withdrawn:
            return Standing.WITHDRAWN
        if self.trained_on is None or self.trained_on > day:
            return Standing.UNTRAINED
        return Standing.EXPIRED if day > self.valid_to else Standing.IN_FORCE

    @property
    def name(self) -> str:
        """How the journal names the registrar."""
        return f"registrar {self.id}"


class RegistrationPoints:
    """DVV's list of registration points and registrars."""

    def __init__(self, records: Records) -> None:
        self.records = records

    def found(self, point_id: str, *, organisation: Oid, name: str, public: bool, actor: str) -> RegistrationPoint:
        """Found a registration point; founding it again changes nothing but its name and kind."""
        with self.records.change(office="dvv", actor=actor) as tx:
            return _found(tx, point_id, organisation, name, public)

    def add_registrar(
        self, hetu: Hetu, point_id: str, *, trained_on: date | None, valid_to: date, actor: str
    ) -> Registrar:
        """Enter a registrar, or a new course date of one; ``trained_on`` None: the course is still to be passed.

        Raises:
            Refused: there is no such point (``point.unknown``).
        """
        with self.records.change(office="dvv", actor=actor) as tx:
            return _registrar(_enter(tx, hetu, point_id, trained_on, valid_to), tx.session)

    def withdraw_registrar(self, hetu: Hetu, point_id: str, *, actor: str, reason: str) -> Registrar:
        """Take back a registrar's right at a point.

        Raises:
            Refused: the person is no registrar there (``registrar.unknown``).
        """
        with self.records.change(office="dvv", actor=actor) as tx:
            row = _row(tx.session, hetu, point_id)
            if row is None:
                raise refusal(office_rules(), "registrar.unknown", f"The person is no registrar at {point_id}.")
            row.withdrawn_at = tx.now
            tx.journal("registrar.withdrawn", f"registrar {row.id}", point=point_id, reason=reason)
            return _registrar(row, tx.session)

    def points(self) -> list[RegistrationPoint]:
        """All points, by id."""
        with self.records.look() as session:
            return [_point(row) for row in session.scalars(select(RegistrationPointRow).order_by("id"))]

    def point(self, point_id: str) -> RegistrationPoint:
        """One point.

        Raises:
            Refused: there is no such point (``point.unknown``).
        """
        with self.records.look() as session:
            return _point(_point_row(session, point_id))

    def registrars(self, point_id: str) -> list[Registrar]:
        """Everybody who is or was a registrar at a point."""
        with self.records.look() as session:
            rows = session.scalars(
                select(RegistrarRow).where(RegistrarRow.point == point_id).order_by(RegistrarRow.id)
            )
            return [_registrar(row, session) for row in rows]

    def registrar(self, hetu: Hetu, *, point_id: str = "", at: datetime) -> Registrar:
        """The person's registrar's right, at ``point_id`` if given; a right in force is preferred to others.

        Raises:
            Refused: the person is no registrar (``registrar.unknown``).
        """
        with self.records.look() as session:
            rows = session.scalars(select(RegistrarRow).where(RegistrarRow.hetu == hetu.value).order_by("id"))
            found = [_registrar(row, session) for row in rows if point_id in ("", row.point)]
        if not found:
            where = f" at the registration point {point_id}" if point_id else ""
            raise refusal(office_rules(), "registrar.unknown", f"The person who acts is not a registrar{where}.")
        day = finnish_day(at)
        return min(found, key=lambda registrar: registrar.standing(day) is not Standing.IN_FORCE)

    def trained(self, point_id: str, at: datetime) -> int:
        """How many registrars of a point are in force at a moment."""
        day = finnish_day(at)
        return sum(registrar.standing(day) is Standing.IN_FORCE for registrar in self.registrars(point_id))

    def findings(self, point_id: str) -> list[Finding]:
        """What is to be said about a point now: fewer than two trained registrars is a warning."""
        count = self.trained(point_id, self.records.clock.now())
        if count >= 2:
            return []
        message = f"The registration point {point_id} has {count} trained registrars in force."
        finding = office_rules().finding("registrar.two-per-point", message, expected="2 or more", found=str(count))
        return [finding]

    def load_world(self, source: Path | Mapping[str, Any]) -> int:
        """Enter the points and registrars of ``registration_points.yaml`` (or its directory); returns the points.

        Raises:
            Misuse: the file is missing.
            Fault: it has an unknown key.
        """
        world = source if isinstance(source, Mapping) else _read(source)
        refuse_unknown_keys(world, {"points", "registrars"}, "registration_points.yaml")
        points: Iterable[Mapping[str, Any]] = world.get("points", ())
        count = 0
        with self.records.change(office="dvv", actor="dvv") as tx:
            for row in points:
                refuse_unknown_keys(row, {"id", "organisation_oid", "public", "name"}, "A registration point")
                _found(
                    tx, str(row["id"]), Oid.parse(str(row["organisation_oid"])), str(row["name"]), bool(row["public"])
                )
                count += 1
            for row in world.get("registrars", ()):
                refuse_unknown_keys(row, {"hetu", "point", "trained_on", "valid_to"}, "A registrar")
                trained_on = None if row.get("trained_on") is None else _day(row["trained_on"])
                _enter(tx, Hetu.parse(str(row["hetu"])), str(row["point"]), trained_on, _day(row["valid_to"]))
            tx.journal("registration-points.loaded", "test world", points=str(count))
        return count


def _read(source: Path) -> Mapping[str, Any]:
    path = source / "registration_points.yaml" if source.is_dir() else source
    if not path.is_file():
        raise Misuse(f"There is no file {path}.", advice="Give the directory of the test world.")
    world: Mapping[str, Any] = load_yaml(path)
    return world


def _found(tx: Transaction, point_id: str, organisation: Oid, name: str, public: bool) -> RegistrationPoint:
    row = tx.session.get(RegistrationPointRow, point_id)
    if row is None:
        row = RegistrationPointRow(id=point_id, organisation=organisation.value, founded_at=tx.now)
        tx.session.add(row)
    row.name, row.public = name, public
    tx.session.flush()
    tx.journal("registration-point.founded", point_id, organisation=organisation.value, public=str(public).lower())
    return _point(row)


def _enter(tx: Transaction, hetu: Hetu, point_id: str, trained_on: date | None, valid_to: date) -> RegistrarRow:
    _point_row(tx.session, point_id)
    row = _row(tx.session, hetu, point_id)
    if row is None:
        row = RegistrarRow(hetu=hetu.value, point=point_id)
        tx.session.add(row)
    row.trained_on, row.valid_to, row.withdrawn_at = trained_on, valid_to, None
    tx.session.flush()
    tx.journal("registrar.entered", f"registrar {row.id}", point=point_id, valid_to=valid_to.isoformat())
    return row


def _row(session: Session, hetu: Hetu, point_id: str) -> RegistrarRow | None:
    wanted = select(RegistrarRow).where(RegistrarRow.hetu == hetu.value, RegistrarRow.point == point_id)
    return session.scalars(wanted).first()


def _point_row(session: Session, point_id: str) -> RegistrationPointRow:
    row = session.get(RegistrationPointRow, point_id)
    if row is None:
        raise refusal(office_rules(), "point.unknown", f"There is no registration point {point_id!r}.")
    return row


def _point(row: RegistrationPointRow) -> RegistrationPoint:
    return RegistrationPoint(id=row.id, organisation=Oid(row.organisation), name=row.name, public=row.public)


def _registrar(row: RegistrarRow, session: Session) -> Registrar:
    return Registrar(
        id=row.id,
        hetu=Hetu(row.hetu),
        point=_point(_point_row(session, row.point)),
        trained_on=row.trained_on,
        valid_to=row.valid_to,
        withdrawn=row.withdrawn_at is not None,
    )


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))
