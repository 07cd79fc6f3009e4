"""What the office knows about one person while it decides, inside its transaction: numbers, periods, refusals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from sqlalchemy import func, or_, select

from sotepki.clock import finnish_day
from sotepki.errors import Refused
from sotepki.identifiers import PrescriberId, RegistrationNumber, holds_identity_code, is_blank, is_plain_line
from sotepki.records import Transaction
from sotepki.registers import Person, Professional, RightKind
from sotepki.valvira import lookups, periods
from sotepki.valvira.rules import valvira_rules
from sotepki.valvira.tables import (
    ProfessionalRow,
    RestrictionRow,
    RestrictionTargetRow,
    RightCodeRow,
    RightRow,
)

FIRST_REGISTRATION_NUMBER: Final = 900_000_001
"""TEST numbers start with 009: a leading zero to be kept, and far from the published 000987... and 001987..."""
FIRST_PRESCRIBER_ID: Final = 99_001

_LONGEST_REASON = 500


def as_it_stands(tx: Transaction, number: RegistrationNumber) -> Professional:
    """The professional as the register stands inside this transaction."""
    tx.session.flush()
    found = lookups.professional_by_number(tx.session, number, tx.now)
    assert found is not None, "the professional was written in this transaction"
    return found


def check_reason(reason: str) -> None:
    """Raise ``valvira.right.reason`` if no reason is given, or one that the journal may not hold."""
    if is_blank(reason):
        raise valvira_rules().refusal("valvira.right.reason", "No reason was given.")
    if len(reason) > _LONGEST_REASON or not is_plain_line(reason):
        raise valvira_rules().refusal(
            "valvira.right.reason",
            f"The reason is longer than {_LONGEST_REASON} characters, or not one line of text.",
        )
    if holds_identity_code(reason):
        raise valvira_rules().refusal("valvira.right.reason", "The reason holds a personal identity code.")


def check_period(right: RightCodeRow, first_day: date, last_day: date | None) -> None:
    """Raise ``valvira.right.period`` or ``valvira.right.limited-has-end`` for days that a right cannot have."""
    if last_day and last_day < first_day:
        raise valvira_rules().refusal(
            "valvira.right.period", f"The last day {last_day} is before the first day {first_day}."
        )
    if not all(periods.in_reach(day) for day in (first_day, last_day or first_day)):
        raise valvira_rules().refusal("valvira.right.period", "The right lies outside the years 1900 to 2199.")
    if right.kind == RightKind.LIMITED and last_day is None:
        raise valvira_rules().refusal(
            "valvira.right.limited-has-end", f"The right {right.code} is time-limited and needs a last day."
        )


def check_restriction(tx: Transaction, targets: Sequence[str], last_day: date | None) -> None:
    """Raise ``valvira.restriction.period`` or ``valvira.restriction.code`` for a restriction that cannot be."""
    if last_day and (last_day < finnish_day(tx.now) or not periods.in_reach(last_day)):
        raise valvira_rules().refusal(
            "valvira.restriction.period", f"The last day {last_day} of the restriction is past or absurd."
        )
    known = set(tx.session.scalars(select(RestrictionTargetRow.code)))
    unknown = [target for target in targets if target not in known]
    if unknown or not targets:
        raise valvira_rules().refusal(
            "valvira.restriction.code", f"There is no restriction target {', '.join(unknown) or '(none given)'}."
        )


def known_code(tx: Transaction, code: str) -> RightCodeRow:
    """The entry of the code list, or ``valvira.code.known``."""
    row = tx.session.get(RightCodeRow, code)
    if row is None:
        raise valvira_rules().refusal(
            "valvira.code.known", f"There is no professional right with the code {code[:20]!r}."
        )
    return row


def known_professional(tx: Transaction, number: RegistrationNumber) -> ProfessionalRow:
    """The person of a registration number, or ``valvira.person.known``."""
    row = tx.session.get(ProfessionalRow, number.value)
    if row is None:
        raise unknown_number(number)
    return row


def unknown_number(number: RegistrationNumber) -> Refused:
    """The refusal for a number that nobody has."""
    return valvira_rules().refusal(
        "valvira.person.known", f"Nobody has the registration number {number}.", subject=number.value
    )


def registered_person(tx: Transaction, person: Person, number: RegistrationNumber | None) -> ProfessionalRow:
    """The row of a person, made if there is none; names follow the Population Information System."""
    row = tx.session.scalars(select(ProfessionalRow).where(ProfessionalRow.hetu == person.hetu.value)).first()
    if row is None:
        if number is not None and tx.session.get(ProfessionalRow, number.value) is not None:
            raise valvira_rules().refusal(
                "valvira.person.one-number", f"The registration number {number} belongs to another person."
            )
        row = ProfessionalRow(
            registration_number=number.value if number else next_registration_number(tx),
            hetu=person.hetu.value,
            prescriber_id=None,
        )
        tx.session.add(row)
    elif number is not None and number.value != row.registration_number:
        raise valvira_rules().refusal(
            "valvira.person.one-number", f"The person has the registration number {row.registration_number} already."
        )
    row.surname, row.given_names, row.language = person.surname, person.given_names, person.language
    row.surname_folded = person.surname.casefold()
    tx.session.flush()
    return row


def next_registration_number(tx: Transaction) -> str:
    """The number after the highest one given; numbers are never given twice."""
    highest = tx.session.scalar(select(func.max(ProfessionalRow.registration_number)))
    return RegistrationNumber(f"{max(int(highest or 0) + 1, FIRST_REGISTRATION_NUMBER):011d}").value


def next_prescriber_id(tx: Transaction) -> str:
    """The prescriber's identifier after the highest one given."""
    highest = tx.session.scalar(select(func.max(ProfessionalRow.prescriber_id)))
    return PrescriberId(f"{max(int(highest or 0) + 1, FIRST_PRESCRIBER_ID):06d}").value


def periods_of(tx: Transaction, number: str, code: str) -> Sequence[RightRow]:
    """Every period of a right, past ones too."""
    return tx.session.scalars(
        select(RightRow).where(RightRow.registration_number == number, RightRow.code == code).order_by(RightRow.id)
    ).all()


def held_periods(tx: Transaction, number: RegistrationNumber, code: str, at: datetime) -> Sequence[RightRow]:
    """The periods of a right that are not over at a moment; the end of one may be announced for a later one."""
    known_professional(tx, number)
    held = [period for period in periods_of(tx, number.value, code) if period.over_at is None or period.over_at > at]
    if not held:
        raise valvira_rules().refusal("valvira.right.held", f"{number} does not hold the right {code}.")
    return held


def restrictions_in_force(
    tx: Transaction, number: RegistrationNumber, code: str, target: str
) -> Sequence[RestrictionRow]:
    return tx.session.scalars(
        select(RestrictionRow).where(
            RestrictionRow.registration_number == number.value,
            RestrictionRow.right_code == code,
            RestrictionRow.target == target,
            or_(RestrictionRow.lifted_at.is_(None), RestrictionRow.lifted_at > tx.now),
        )
    ).all()


def beginning_of_period(tx: Transaction, number: str, code: str, first_day: date, valid_to: date | None) -> datetime:
    """The first moment of a new period; on the day of a removal it is the moment of the removal.

    Raises:
        Refused: the period would overlap another of the same right (``valvira.right.not-twice``).
    """
    earlier = periods_of(tx, number, code)
    began_at = periods.start_of_finnish_day(first_day)
    for period in earlier:
        if period.over_at and finnish_day(period.over_at) == first_day:
            began_at = max(began_at, period.over_at)
    refuse_overlap(number, code, (began_at, periods.over_at(valid_to, None)), earlier)
    return began_at


def add_period(tx: Transaction, number: str, code: str, days: tuple[date, date | None], began_at: datetime) -> None:
    """Add a period of a right; ``days`` are its first and, unless it lasts until further notice, its last."""
    valid_from, valid_to = days
    tx.session.add(
        RightRow(
            registration_number=number,
            code=code,
            valid_from=valid_from,
            valid_to=valid_to,
            began_at=began_at,
            ended_at=None,
            over_at=periods.over_at(valid_to, None),
            recorded_at=tx.now,
        )
    )


def restore_periods(tx: Transaction, number: RegistrationNumber, code: str) -> datetime:
    """Take the last removal of a right back from now on, for every period that it cut; from when it is in force.

    A removal that was announced for later, and that the last one overtook, is taken back with it.

    Raises:
        Refused: nothing was removed that could still be in force (``valvira.right.removed``), or the right was
            granted anew since (``valvira.right.not-twice``).
    """
    known_professional(tx, number)
    rows = periods_of(tx, number.value, code)
    last_removal = max((row.ended_at for row in rows if row.ended_at), default=None)
    today = finnish_day(tx.now)
    cut = [
        row
        for row in rows
        if last_removal and row.ended_at == last_removal and (row.valid_to is None or row.valid_to >= today)
    ]
    if not cut:
        raise valvira_rules().refusal("valvira.right.removed", f"{number} has no removed right {code} to restore.")
    others = [row for row in rows if row.ended_at is None]
    restored: list[tuple[datetime, datetime | None]] = []
    for row in reversed(cut):
        announced = row.ended_at is not None and row.ended_at > tx.now
        began_at = row.began_at if announced else max(tx.now, periods.start_of_finnish_day(row.valid_from))
        period = (began_at, periods.over_at(row.valid_to, None))
        refuse_overlap(number.value, code, period, others)
        if any(periods.overlap(period, done) for done in restored):
            continue  # granted and removed at one moment, twice: the later grant stands
        restored.append(period)
        if announced:
            # A removal that has not taken effect is taken back as if it had not been decided.
            row.ended_at, row.end_reason, row.over_at = None, "", period[1]
            continue
        add_period(tx, number.value, code, (max(today, row.valid_from), row.valid_to), began_at)
    return max(tx.now, min(began_at for began_at, _ in restored))


def refuse_overlap(
    number: str, code: str, period: tuple[datetime, datetime | None], others: Sequence[RightRow]
) -> None:
    """Raise ``valvira.right.not-twice`` if a period has a moment in common with another of the same right."""
    lasting = [other for other in others if other.over_at is None or other.over_at > other.began_at]
    if any(periods.overlap(period, (other.began_at, other.over_at)) for other in lasting):
        raise valvira_rules().refusal(
            "valvira.right.not-twice", f"{number} already holds the right {code} in that time."
        )
