"""Registration points and their registrars: the register that Vartti asks (docs/field/registration.md 4).

Founding, opening and closing a point and deciding registrar applications are in ``office``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sotepki.clock import finnish_day
from sotepki.dvv.office_data import office_rules
from sotepki.dvv.registration.data import point_machine, registration_rules, right_machine
from sotepki.dvv.registration.guards import RIGHT_GUARDS, RightCase
from sotepki.dvv.registration.standing import keep_up, point_case, shortcomings_of
from sotepki.dvv.registration.store import (
    WORKING,
    Registrar,
    RegistrationPoint,
    Standing,
    as_point,
    as_registrar,
    contract_in_force,
    new_point,
    note_right,
    row_of_point,
    row_of_right,
)
from sotepki.dvv.registration.tables import RegistrarRow, RegistrationPointRow
from sotepki.errors import Fault, Misuse
from sotepki.evidence import Finding, expect_keys, load_yaml, refuse_unknown_keys
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Records, Transaction

__all__ = ["Registrar", "RegistrationPoint", "RegistrationPoints", "Standing"]


class RegistrationPoints:
    """DVV's list of registration points and registrars."""

    def __init__(self, records: Records) -> None:
        self.records = records

    def found(self, point_id: str, *, organisation: Oid, name: str, public: bool, actor: str) -> RegistrationPoint:
        """Enter an equipped point whose agreement was made before the e-service; it is open from the beginning.

        Entering it again changes nothing but its name and kind.
        """
        with self.records.change(office="dvv", actor=actor) as tx:
            return as_point(_found(tx, point_id, organisation, name, public))

    def add_registrar(
        self, hetu: Hetu, point_id: str, *, trained_on: date | None, valid_to: date, actor: str
    ) -> Registrar:
        """Enter a registrar without an application, or a new course date of one.

        ``trained_on`` None: the course is still to be passed.

        Raises:
            Refused: there is no such point (``point.unknown``).
        """
        with self.records.change(office="dvv", actor=actor) as tx:
            return as_registrar(_enter(tx, hetu, point_id, trained_on, valid_to), tx.session)

    def withdraw_registrar(self, hetu: Hetu, point_id: str, *, actor: str, reason: str) -> Registrar:
        """Take back a registrar's right at a point, as DVV.

        Raises:
            Refused: the person is no registrar there (``registrar.unknown``), the right is withdrawn already, or no
                reason is given.
        """
        with self.records.change(office="dvv", actor=actor) as tx:
            row = row_of_right(tx.session, hetu, point_id)
            case = RightCase(finnish_day(tx.now), hetu, reason=reason)
            step = right_machine().step(
                "withdraw",
                state=row.state,
                actor="dvv",
                guards=RIGHT_GUARDS,
                case=case,
                subject=f"registrar {row.id}",
            )
            row.withdrawn_at = tx.now
            note_right(tx, row, step, reason=reason)
            keep_up(tx, row_of_point(tx.session, point_id))
            return as_registrar(row, tx.session)

    def points(self, *, state: str = "") -> list[RegistrationPoint]:
        """All points, or those in a state, by id.

        Raises:
            Misuse: there is no such state.
        """
        states = point_machine().states
        if state and state not in states:
            raise Misuse(f"There is no state {state[:80]!r}.", advice=f"States: {', '.join(states)}.")
        query = select(RegistrationPointRow).order_by(RegistrationPointRow.id)
        with self.records.look() as session:
            return [as_point(row) for row in session.scalars(query) if state in ("", row.state)]

    def point(self, point_id: str) -> RegistrationPoint:
        """One point.

        Raises:
            Refused: there is no such point (``point.unknown``).
        """
        with self.records.look() as session:
            return as_point(row_of_point(session, point_id))

    def registrars(self, point_id: str) -> list[Registrar]:
        """Everybody who is or was a registrar at a point, or has applied."""
        with self.records.look() as session:
            rows = session.scalars(
                select(RegistrarRow).where(RegistrarRow.point == point_id).order_by(RegistrarRow.id)
            )
            return [as_registrar(row, session) for row in rows]

    def registrar(self, hetu: Hetu, *, point_id: str = "", at: datetime) -> Registrar:
        """The person's registrar's right, at ``point_id`` if given; a right that can be used is preferred to others.

        Raises:
            Refused: the person is no registrar (``registrar.unknown``), or the point is not open
                (``point.not-open``).
        """
        with self.records.look() as session:
            rows = session.scalars(select(RegistrarRow).where(RegistrarRow.hetu == hetu.value).order_by("id"))
            found = [as_registrar(row, session) for row in rows if point_id in ("", row.point)]
        if not found:
            where = f" at the registration point {point_id}" if point_id else ""
            raise office_rules().refusal("registrar.unknown", f"The person who acts is not a registrar{where}.")
        day = finnish_day(at)
        best = min(
            found,
            key=lambda one: (one.point.state not in WORKING, one.standing(day) is not Standing.IN_FORCE),
        )
        if best.point.state not in WORKING:
            sentence = f"The registration point {best.point.id} is {best.point.state}."
            raise registration_rules().refusal("point.not-open", sentence, subject=best.point.id)
        return best

    def trained(self, point_id: str, at: datetime) -> int:
        """How many registrars of a point are in force at a moment."""
        day = finnish_day(at)
        return sum(registrar.standing(day) is Standing.IN_FORCE for registrar in self.registrars(point_id))

    def authorised(self, organisation: Oid, point_id: str) -> bool:
        """Whether an organisation has authorised another one's point, by a contract in force."""
        with self.records.look() as session:
            return contract_in_force(session, "authorisation", organisation, point=point_id)

    def findings(self, point_id: str) -> list[Finding]:
        """What is to be said about a point now: fewer than two trained registrars is a warning."""
        count = self.trained(point_id, self.records.clock.now())
        if count >= 2:
            return []
        message = f"The registration point {point_id} has {count} trained registrars in force."
        finding = office_rules().finding("registrar.two-per-point", message, expected="2 or more", found=str(count))
        return [finding]

    def shortcomings(self, point_id: str) -> list[Finding]:
        """The prerequisites that a point lacks now, each under its rule.

        Raises:
            Refused: there is no such point (``point.unknown``).
        """
        with self.records.look() as session:
            row = row_of_point(session, point_id)
            return shortcomings_of(point_case(session, row, self.records.clock.now()), point_id)

    def load_world(self, source: Path | Mapping[str, Any]) -> int:
        """Enter the points and registrars of ``registration_points.yaml`` (or its directory); returns the points.

        Raises:
            Misuse: the file is missing.
            Fault: it has an unknown or missing key, or a day that is none.
        """
        world = source if isinstance(source, Mapping) else _read(source)
        refuse_unknown_keys(world, {"points", "registrars"}, "registration_points.yaml")
        with self.records.change(office="dvv", actor="dvv") as tx:
            for row in world.get("points", ()):
                keys = {"id", "organisation_oid", "public", "name"}
                expect_keys(row, keys, "A registration point")
                organisation = Oid.parse(str(row["organisation_oid"]))
                _found(tx, str(row["id"]), organisation, str(row["name"]), bool(row["public"]), complete=True)
            for row in world.get("registrars", ()):
                expect_keys(row, {"hetu", "point", "valid_to"}, "A registrar", optional={"trained_on"})
                trained_on = None if row.get("trained_on") is None else _day(row["trained_on"])
                hetu, valid_to = Hetu.parse(str(row["hetu"])), _day(row["valid_to"])
                _enter(tx, hetu, str(row["point"]), trained_on, valid_to, complete=True)
            for point in tx.session.scalars(select(RegistrationPointRow)):
                keep_up(tx, point)
            count = len(world.get("points", ()))
            tx.journal("registration-points.loaded", "test world", points=str(count))
        return count


def _read(source: Path) -> Mapping[str, Any]:
    path = source / "registration_points.yaml" if source.is_dir() else source
    if not path.is_file():
        raise Misuse(f"There is no file {path}.", advice="Give the directory of the test world.")
    world: Mapping[str, Any] = load_yaml(path)
    return world


def _found(
    tx: Transaction, point_id: str, organisation: Oid, name: str, public: bool, *, complete: bool = False
) -> RegistrationPointRow:
    row = tx.session.get(RegistrationPointRow, point_id)
    if row is None:
        row = new_point(tx, point_id, organisation, state="open")
        row.card_readers, row.locked_storage, row.access_control = 2, True, True
    row.name, row.public = name, public
    tx.session.flush()
    tx.journal("registration-point.founded", point_id, organisation=organisation.value, public=str(public).lower())
    if not complete:
        keep_up(tx, row)
    return row


def _enter(
    tx: Transaction,
    hetu: Hetu,
    point_id: str,
    trained_on: date | None,
    valid_to: date,
    *,
    complete: bool = False,
) -> RegistrarRow:
    point = row_of_point(tx.session, point_id)
    wanted = select(RegistrarRow).where(RegistrarRow.hetu == hetu.value, RegistrarRow.point == point_id)
    row = tx.session.scalars(wanted).first()
    if row is None:
        row = RegistrarRow(hetu=hetu.value, point=point_id)
        tx.session.add(row)
    row.state = "applied" if trained_on is None else "in-force"
    row.trained_on, row.valid_to, row.withdrawn_at = trained_on, valid_to, None
    tx.session.flush()
    tx.journal("registrar.entered", f"registrar {row.id}", point=point_id, valid_to=valid_to.isoformat())
    if not complete:
        keep_up(tx, point)
    return row


def _day(value: Any) -> date:
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise Fault(f"A registrar in registration_points.yaml has a day that is none: {str(value)[:40]!r}.") from None
