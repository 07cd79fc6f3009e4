"""Founding, opening and closing registration points, and deciding registrar applications.

An organisation with a contract in force plans a point, equips it, and files registrar applications with course
certificates; DVV grants the rights and opens the point. The steps and rules are data (``states/registration-point``,
``states/registrar-right``, ``rules_registration.yaml``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from sotepki.clock import finnish_day, months_after
from sotepki.dvv.refusals import refusals_journalled
from sotepki.dvv.registration.contract_store import row_of_contract
from sotepki.dvv.registration.data import point_machine, registration_data, registration_rules, right_machine
from sotepki.dvv.registration.guards import POINT_GUARDS, RIGHT_GUARDS, PointCase, RightCase
from sotepki.dvv.registration.registrar_course import CourseCertificate, RegistrarCourse
from sotepki.dvv.registration.standing import keep_up, point_case
from sotepki.dvv.registration.store import (
    Registrar,
    RegistrationPoint,
    as_point,
    as_registrar,
    contract_in_force,
    new_point,
    note_point,
    note_right,
    row_of_point,
    row_of_right,
)
from sotepki.dvv.registration.tables import RegistrarRow, RegistrationPointRow
from sotepki.dvv.service_certificates.store import user_of
from sotepki.identifiers import Hetu, Oid
from sotepki.records import Records, Transaction
from sotepki.registers import OrganisationRegister
from sotepki.states import Step

DVV = "dvv"
_POINT_ID = re.compile(r"[A-Z0-9][A-Z0-9-]{0,39}")


@dataclass(frozen=True)
class RegistrationOffice:
    """DVV's and the organisations' desk; whoever acts is a user of the account (``Hetu``) or ``"dvv"``."""

    records: Records
    organisations: OrganisationRegister
    course: RegistrarCourse

    # --------------------------------------------------------------------------------------------------- the point

    def plan(self, contract: str, *, point_id: str, name: str, public: bool, by: Hetu) -> RegistrationPoint:
        """Found a registration point on a contract; its prerequisites are then put in place.

        Raises:
            Refused: the contract is not in force, the point is not of the organisation's kind, its number is taken.
            Misuse: there is no such contract.
        """
        with self._change(by, "plan", point_id[:40]) as tx:
            agreed = row_of_contract(tx.session, contract)
            organisation = Oid(agreed.organisation)
            if not _POINT_ID.fullmatch(point_id) or tx.session.get(RegistrationPointRow, point_id) is not None:
                raise registration_rules().refusal("point.id", f"The number {point_id[:40]!r} cannot be given.")
            known = self.organisations.organisation(organisation)
            case = PointCase(
                contract_in_force=contract_in_force(
                    tx.session, "registration-point", organisation, number=agreed.number
                ),
                organisation_public=known.public if known else None,
                public=public,
                member=user_of(tx.session, organisation, by) is not None,
            )
            step = point_machine().step(
                "plan", state="applied", actor="customer", guards=POINT_GUARDS, case=case, subject=point_id
            )
            row = new_point(tx, point_id, organisation, state="applied")
            row.name, row.public, row.contract = name[:200], public, agreed.number
            note_point(tx, row, step, contract=contract)
            return as_point(row)

    def equip(
        self,
        point_id: str,
        *,
        by: Hetu | str,
        card_readers: int | None = None,
        locked_storage: bool | None = None,
        access_control: bool | None = None,
    ) -> RegistrationPoint:
        """Report card readers, or confirm (or take back) the locked cabinet and the access control."""
        with self._change(by, "equip", point_id) as tx:
            row = row_of_point(tx.session, point_id)
            step = self._point_step("equip", tx, row, by)
            if card_readers is not None:
                row.card_readers = max(0, card_readers)
            if locked_storage is not None:
                row.locked_storage = locked_storage
            if access_control is not None:
                row.access_control = access_control
            note_point(
                tx, row, step, card_readers=str(row.card_readers), locked_storage=str(row.locked_storage).lower(),
                access_control=str(row.access_control).lower(),
            )  # fmt: skip
            keep_up(tx, row)
            return as_point(row)

    def open(self, point_id: str, *, officer: str = DVV) -> RegistrationPoint:
        """Open a point that has every prerequisite.

        Raises:
            Refused: one is missing; the refusal names its rule.
        """
        with self._change(officer, "open", point_id) as tx:
            row = row_of_point(tx.session, point_id)
            note_point(tx, row, self._point_step("open", tx, row, DVV))
            return as_point(row)

    def close(self, point_id: str, *, reason: str, by: Hetu | str) -> RegistrationPoint:
        """Close a point for good; its registrars' rights there are withdrawn."""
        with self._change(by, "close", point_id) as tx:
            row = row_of_point(tx.session, point_id)
            step = self._point_step("close", tx, row, by, reason)
            row.closing_reason = reason[:500]
            note_point(tx, row, step, reason=reason)
            rights = select(RegistrarRow).where(
                RegistrarRow.point == point_id,
                RegistrarRow.state.in_(right_machine().transitions["withdraw"].sources),
            )
            for right in tx.session.scalars(rights).all():
                case = RightCase(finnish_day(tx.now), Hetu(right.hetu), reason="the point was closed")
                self._withdraw(tx, right, case, DVV)
            return as_point(row)

    # --------------------------------------------------------------------------------------------- registrars' rights

    def apply_registrar(self, trainee: Hetu, point_id: str, *, certificate: str | bytes, by: Hetu | str) -> Registrar:
        """File a registrar application; ``certificate`` is the course certificate's number or its document.

        Raises:
            Refused: the certificate is not the person's own or too old, or the point is closed.
        """
        found = self.course.certificate_of(certificate)
        with self._change(by, "apply", point_id) as tx:
            point = row_of_point(tx.session, point_id)
            wanted = select(RegistrarRow).where(RegistrarRow.hetu == trainee.value, RegistrarRow.point == point_id)
            row = tx.session.scalars(wanted).first()
            state = row.state if row else right_machine().initial
            case = self._right_case(tx, trainee, point, found, by)
            step = _right_step("apply", state, _role(by), case, point_id)
            assert found is not None  # the guards of the step saw to it
            if row is None:
                row = RegistrarRow(hetu=trainee.value, point=point_id)
                tx.session.add(row)
            row.state, row.withdrawn_at = state, None
            _rest_on(row, found)
            note_right(tx, row, step, certificate=found.number)
            return as_registrar(row, tx.session)

    def grant(self, trainee: Hetu, point_id: str, *, officer: str = DVV) -> Registrar:
        """Grant the right that was applied for; it lasts some years from the day of the course."""
        with self._change(officer, "grant", point_id) as tx:
            row, point = row_of_right(tx.session, trainee, point_id), row_of_point(tx.session, point_id)
            case = self._right_case(tx, trainee, point, self.course.certificate_of(row.certificate), DVV)
            note_right(tx, row, _right_step("grant", row.state, DVV, case, f"registrar {row.id}"))
            keep_up(tx, point)
            return as_registrar(row, tx.session)

    def reject(self, trainee: Hetu, point_id: str, *, reason: str, officer: str = DVV) -> Registrar:
        """Refuse a registrar application, with a reason."""
        with self._change(officer, "reject", point_id) as tx:
            row = row_of_right(tx.session, trainee, point_id)
            case = RightCase(finnish_day(tx.now), trainee, reason=reason)
            note_right(tx, row, _right_step("reject", row.state, DVV, case, f"registrar {row.id}"), reason=reason)
            return as_registrar(row, tx.session)

    def renew(self, trainee: Hetu, point_id: str, *, certificate: str | bytes, officer: str = DVV) -> Registrar:
        """Let a right that is in force rest on a newer course."""
        found = self.course.certificate_of(certificate)
        with self._change(officer, "renew", point_id) as tx:
            row, point = row_of_right(tx.session, trainee, point_id), row_of_point(tx.session, point_id)
            case = replace(self._right_case(tx, trainee, point, found, DVV), before=row.trained_on)
            step = _right_step("renew", row.state, DVV, case, f"registrar {row.id}")
            assert found is not None  # the guards of the step saw to it
            _rest_on(row, found)
            note_right(tx, row, step, certificate=found.number)
            keep_up(tx, point)
            return as_registrar(row, tx.session)

    def withdraw(self, trainee: Hetu, point_id: str, *, reason: str, by: Hetu | str) -> Registrar:
        """Take back a right, or an application; a point that is left with too few registrars falls below."""
        with self._change(by, "withdraw", point_id) as tx:
            row, point = row_of_right(tx.session, trainee, point_id), row_of_point(tx.session, point_id)
            case = replace(self._right_case(tx, trainee, point, None, by), reason=reason)
            self._withdraw(tx, row, case, _role(by))
            keep_up(tx, point)
            return as_registrar(row, tx.session)

    def follow_time(self) -> list[str]:
        """Let rights expire, and points fall below or recover; gives the ids of the points that moved."""
        today = finnish_day(self.records.clock.now())
        expiring = select(RegistrarRow).where(RegistrarRow.state == "in-force", RegistrarRow.valid_to < today)
        with self.records.look() as session:
            due = session.scalars(expiring).first() is not None
        if not due:
            return []
        moved = []
        with self.records.change(office="dvv", actor="clock") as tx:
            rows = tx.session.scalars(expiring).all()
            if not rows:  # another process was quicker
                tx.journal("registrar-right.expire", "nothing")
            for row in rows:
                case = RightCase(today, Hetu(row.hetu), valid_to=row.valid_to)
                note_right(tx, row, _right_step("expire", row.state, "clock", case, f"registrar {row.id}"))
                if keep_up(tx, row_of_point(tx.session, row.point), role="clock"):
                    moved.append(row.point)
        return moved

    @contextmanager
    def _change(self, by: Hetu | str, step: str, subject: str) -> Iterator[Transaction]:
        name = by if isinstance(by, str) else "customer"
        with (
            refusals_journalled(self.records, actor=name, step=step, subject=subject),
            self.records.change(office="dvv", actor=name) as tx,
        ):
            yield tx

    def _point_step(
        self, name: str, tx: Transaction, row: RegistrationPointRow, by: Hetu | str, reason: str = ""
    ) -> Step:
        case = replace(point_case(tx.session, row, tx.now), member=_is_member(tx.session, row, by), reason=reason)
        return point_machine().step(
            name, state=row.state, actor=_role(by), guards=POINT_GUARDS, case=case, subject=row.id
        )

    def _right_case(
        self,
        tx: Transaction,
        trainee: Hetu,
        point: RegistrationPointRow,
        certificate: CourseCertificate | None,
        by: Hetu | str,
    ) -> RightCase:
        return RightCase(
            today=finnish_day(tx.now),
            trainee=trainee,
            point_state=point.state,
            certificate=certificate,
            member=_is_member(tx.session, point, by),
        )

    def _withdraw(self, tx: Transaction, row: RegistrarRow, case: RightCase, role: str) -> None:
        step = _right_step("withdraw", row.state, role, case, f"registrar {row.id}")
        row.withdrawn_at = tx.now
        note_right(tx, row, step, reason=case.reason)


def _role(by: Hetu | str) -> str:
    return "customer" if isinstance(by, Hetu) else by


def _is_member(session: Session, point: RegistrationPointRow, by: Hetu | str) -> bool:
    return not isinstance(by, Hetu) or user_of(session, Oid(point.organisation), by) is not None


def _rest_on(row: RegistrarRow, certificate: CourseCertificate) -> None:
    row.certificate, row.trained_on = certificate.number, certificate.passed_on
    row.valid_to = months_after(certificate.passed_on, 12 * registration_data().right_years)


def _right_step(name: str, state: str, role: str, case: RightCase, subject: str) -> Step:
    return right_machine().step(name, state=state, actor=role, guards=RIGHT_GUARDS, case=case, subject=subject)
