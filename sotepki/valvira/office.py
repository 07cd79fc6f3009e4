"""The office: who holds which right when; grant, remove, restore, restrict, lift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import func, select

from sotepki.clock import HELSINKI, finnish_day
from sotepki.errors import Fault
from sotepki.identifiers import Hetu, RegistrationNumber
from sotepki.records import Records, journals_refusals
from sotepki.registers import Person, PopulationRegister, Professional, ProfessionalRight, Register
from sotepki.valvira import changes as right_changes
from sotepki.valvira import lookups, periods, public_service, world
from sotepki.valvira.holdings import (
    add_period,
    as_it_stands,
    beginning_of_period,
    check_period,
    check_reason,
    check_restriction,
    held_periods,
    known_code,
    known_professional,
    next_prescriber_id,
    registered_person,
    restore_periods,
    restrictions_in_force,
)
from sotepki.valvira.rules import valvira_rules
from sotepki.valvira.tables import ProfessionalRow, RestrictionRow, RightCodeRow

OFFICE = "valvira"


@dataclass(frozen=True)
class Valvira:
    """Terhikki and Suosikki. Implements ``RightsRegister``.

    Lookups by registration number or hetu answer with the rights in force at any moment, past or future, as the
    register knows them now. A removal takes effect at a moment: before it the right is in force, from it
    on it is not.

    Names come from the Population Information System (docs/field/registration.md 9.1: confirmed): ``population`` is
    asked when a right is granted to somebody who is named by the identity code alone.
    """

    records: Records
    population: PopulationRegister | None = None

    # --- asking -----------------------------------------------------------------------------------------------------

    def professional(
        self, registration_number: RegistrationNumber, *, at: datetime | None = None
    ) -> Professional | None:
        """The person of a registration number with every right ever held, or None.

        The restrictions are those of the moment ``at`` (default: now).
        """
        moment = periods.aware(at) if at else self.records.clock.now()
        with self.records.look() as session:
            return lookups.professional_by_number(session, registration_number, moment)

    def professional_of(self, hetu: Hetu) -> Professional | None:
        """The professional with a personal identity code, or None."""
        with self.records.look() as session:
            return lookups.professional_by_hetu(session, hetu, self.records.clock.now())

    def rights_in_force(
        self, registration_number: RegistrationNumber, at: datetime, *, known_at: datetime | None = None
    ) -> Sequence[ProfessionalRight]:
        """The rights in force at a moment, each with its restrictions of that moment; empty if none or unknown.

        ``known_at`` leaves out what was granted after that moment, although it may be in force from before.

        Raises:
            Fault: a moment has no time zone.
        """
        moment, known = periods.aware(at), periods.aware(known_at) if known_at else None
        with self.records.look() as session:
            return lookups.rights_in_force(session, registration_number, moment, known)

    def changes(self, *, after: int = 0, limit: int = right_changes.MOST) -> Sequence[right_changes.RightChange]:
        """What was decided about rights since the change with the number ``after``, the oldest first.

        Whoever must learn of removals (Vartti, a provider, the switch "revoke on removal") asks again and again with
        the number of the last change that it has seen.
        """
        with self.records.look() as session:
            return right_changes.changes_after(session, after, limit)

    def right_codes(self) -> Sequence[lookups.RightCode]:
        """The rights that can be granted, by code."""
        with self.records.look() as session:
            return [lookups.right_code_of(row) for row in session.scalars(select(RightCodeRow).order_by("code"))]

    def prescribing_codes(self) -> frozenset[str]:
        """The codes of the rights that allow prescribing."""
        with self.records.look() as session:
            return frozenset(session.scalars(select(RightCodeRow.code).where(RightCodeRow.prescriber)))

    def registration_numbers(self) -> Sequence[RegistrationNumber]:
        """Every registration number, in order."""
        with self.records.look() as session:
            numbers = session.scalars(select(ProfessionalRow.registration_number).order_by("registration_number"))
            return [RegistrationNumber(number) for number in numbers]

    def count(self) -> int:
        """How many people have a registration number."""
        with self.records.look() as session:
            return session.scalar(select(func.count()).select_from(ProfessionalRow)) or 0

    def search(
        self,
        *,
        registration_number: RegistrationNumber | None = None,
        surname: str = "",
        given_names: str = "",
        register: Register | None = None,
        at: datetime | None = None,
    ) -> Sequence[public_service.PublicEntry]:
        """The public information service at a moment (default: now); see ``public_service.search``."""
        with self.records.look() as session:
            return public_service.search(
                session,
                at or self.records.clock.now(),
                registration_number=registration_number,
                surname=surname,
                given_names=given_names,
                register=register,
            )

    # --- deciding ---------------------------------------------------------------------------------------------------

    @journals_refusals(OFFICE, "registration_number")
    def grant_right(
        self,
        person: Person | Hetu,
        code: str,
        *,
        actor: str,
        valid_from: date | None = None,
        valid_to: date | None = None,
        registration_number: RegistrationNumber | None = None,
    ) -> Professional:
        """Grant a right from ``valid_from`` (default: today) until the end of ``valid_to`` (default: further notice).

        A person new to the register gets a registration number, and with the first right that allows prescribing a
        prescriber's identifier. ``registration_number`` fixes the number of a new person.

        Raises:
            Refused: ``valvira.person.exists``, ``valvira.code.known``, ``valvira.right.period``,
                ``valvira.right.limited-has-end``,
                ``valvira.right.not-twice``, ``valvira.person.one-number``, ``identifier.hetu.test-only``.
        """
        whom = person if isinstance(person, Person) else self._person(person)
        Hetu.parse(whom.hetu.value)
        with self.records.change(OFFICE, actor) as tx:
            row_of_code = known_code(tx, code)
            first_day = valid_from or finnish_day(tx.now)
            check_period(row_of_code, first_day, valid_to)
            holder = registered_person(tx, whom, registration_number)
            began_at = beginning_of_period(tx, holder.registration_number, code, first_day, valid_to)
            if row_of_code.prescriber and holder.prescriber_id is None:
                holder.prescriber_id = next_prescriber_id(tx)
            add_period(tx, holder.registration_number, code, (first_day, valid_to), began_at)
            tx.journal(
                "grant-right",
                holder.registration_number,
                code=code,
                valid_from=first_day.isoformat(),
                valid_to=valid_to.isoformat() if valid_to else "",
                effective_at=began_at.isoformat(),
            )
            return as_it_stands(tx, RegistrationNumber(holder.registration_number))

    @journals_refusals(OFFICE, "registration_number")
    def remove_right(
        self,
        registration_number: RegistrationNumber,
        code: str,
        *,
        actor: str,
        reason: str,
        effective_at: datetime | None = None,
    ) -> Professional:
        """Remove a right from ``effective_at`` on (default: now).

        Raises:
            Refused: ``valvira.person.known``, ``valvira.right.held``, ``valvira.right.no-backdating``,
                ``valvira.right.reason``.
        """
        check_reason(reason)
        with self.records.change(OFFICE, actor) as tx:
            moment = periods.aware(effective_at) if effective_at else tx.now
            if moment < tx.now:
                past = f"{moment.astimezone(HELSINKI):%d.%m.%Y %H:%M} Finnish time"
                raise valvira_rules().refusal(
                    "valvira.right.no-backdating", f"The removal would take effect in the past, at {past}."
                )
            if not periods.in_reach(moment.date()):
                raise valvira_rules().refusal(
                    "valvira.right.period", "The removal lies outside the years 1900 to 2199."
                )
            for right in held_periods(tx, registration_number, code, moment):
                right.ended_at, right.end_reason = moment, reason
                right.over_at = periods.over_at(right.valid_to, moment)
            tx.journal(
                "remove-right", registration_number.value, code=code, reason=reason, effective_at=moment.isoformat()
            )
            return as_it_stands(tx, registration_number)

    @journals_refusals(OFFICE, "registration_number")
    def restore_right(
        self, registration_number: RegistrationNumber, code: str, *, actor: str, reason: str
    ) -> Professional:
        """Give a removed right back from now on, with its last day; restrictions stay until they are lifted.

        A removal that was announced for later, and that an earlier one overtook, is taken back with that one.

        Raises:
            Refused: ``valvira.person.known``, ``valvira.right.removed``, ``valvira.right.not-twice``,
                ``valvira.right.reason``.
        """
        check_reason(reason)
        with self.records.change(OFFICE, actor) as tx:
            effective = restore_periods(tx, registration_number, code).isoformat()
            tx.journal("restore-right", registration_number.value, code=code, reason=reason, effective_at=effective)
            return as_it_stands(tx, registration_number)

    @journals_refusals(OFFICE, "registration_number")
    def restrict_right(
        self,
        registration_number: RegistrationNumber,
        code: str,
        targets: Sequence[str],
        *,
        actor: str,
        reason: str,
        valid_to: date | None = None,
    ) -> Professional:
        """Restrict a right from now until the end of ``valid_to`` (default: until it is lifted).

        ``targets`` are codes of the list of restriction targets.

        Raises:
            Refused: ``valvira.person.known``, ``valvira.right.held``, ``valvira.restriction.code``,
                ``valvira.restriction.not-twice``, ``valvira.restriction.period``, ``valvira.right.reason``.
        """
        check_reason(reason)
        wanted = sorted(set(targets))
        with self.records.change(OFFICE, actor) as tx:
            held_periods(tx, registration_number, code, tx.now)
            check_restriction(tx, wanted, valid_to)
            for target in wanted:
                if restrictions_in_force(tx, registration_number, code, target):
                    raise valvira_rules().refusal(
                        "valvira.restriction.not-twice", f"The restriction {target} of the right {code} is in force."
                    )
                tx.session.add(
                    RestrictionRow(
                        registration_number=registration_number.value,
                        right_code=code,
                        target=target,
                        began_at=tx.now,
                        lifted_at=periods.over_at(valid_to, None),
                        reason=reason,
                    )
                )
            tx.journal(
                "restrict-right",
                registration_number.value,
                code=code,
                targets=" ".join(wanted),
                reason=reason,
                valid_to=valid_to.isoformat() if valid_to else "",
            )
            return as_it_stands(tx, registration_number)

    @journals_refusals(OFFICE, "registration_number")
    def lift_restriction(
        self, registration_number: RegistrationNumber, code: str, target: str, *, actor: str, reason: str
    ) -> Professional:
        """End a restriction now.

        Raises:
            Refused: ``valvira.person.known``, ``valvira.restriction.held``, ``valvira.right.reason``.
        """
        check_reason(reason)
        with self.records.change(OFFICE, actor) as tx:
            known_professional(tx, registration_number)
            in_force = restrictions_in_force(tx, registration_number, code, target)
            if not in_force:
                raise valvira_rules().refusal(
                    "valvira.restriction.held",
                    f"{registration_number} has no restriction {target} on {code}.",
                )
            for restriction in in_force:
                restriction.lifted_at = tx.now
            tx.journal("lift-restriction", registration_number.value, code=code, target=target, reason=reason)
            return as_it_stands(tx, registration_number)

    def load_world(self, directory: Path, *, actor: str = "init") -> int:
        """Load the code lists, professionals, rights and restrictions of a test world; the number of professionals.

        Raises:
            Fault: a file is not well formed, or the register is not empty.
        """
        with self.records.change(OFFICE, actor) as tx:
            return world.load(tx, directory)

    def _person(self, hetu: Hetu) -> Person:
        """The person with an identity code, as the Population Information System names them.

        Raises:
            Refused: ``valvira.person.exists``.
            Fault: this office was not given the Population Information System.
        """
        if self.population is None:
            raise Fault("Valvira was asked to look a person up without the Population Information System.")
        person = self.population.person(hetu)
        if person is None:
            raise valvira_rules().refusal(
                "valvira.person.exists",
                f"There is no person with the code {hetu.masked}.",
            )
        return person
