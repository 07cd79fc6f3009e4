"""Valvira's tables: professionals, the periods of their rights and restrictions, and the code lists these use."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


class RightCodeRow(Base):
    """A right that can be granted (code system 1.2.246.537.6.140.2008)."""

    __tablename__ = "valvira_right_code"

    code: Mapped[str] = mapped_column(primary_key=True)
    register: Mapped[str]
    kind: Mapped[str]
    title_fi: Mapped[str]
    title_sv: Mapped[str]
    title_en: Mapped[str]
    prescriber: Mapped[bool]
    grade: Mapped[str]


class RestrictionTargetRow(Base):
    """What a restriction is aimed at (code system 1.2.246.537.6.147.2008)."""

    __tablename__ = "valvira_restriction_target"

    code: Mapped[str] = mapped_column(primary_key=True)
    name_fi: Mapped[str]
    name_sv: Mapped[str]
    name_en: Mapped[str]


class ProfessionalRow(Base):
    """A person with a registration number; names as the Population Information System gave them last."""

    __tablename__ = "valvira_professional"

    registration_number: Mapped[str] = mapped_column(primary_key=True)
    hetu: Mapped[str] = mapped_column(unique=True)
    surname: Mapped[str]
    given_names: Mapped[str]
    language: Mapped[str]
    surname_folded: Mapped[str] = mapped_column(index=True)
    prescriber_id: Mapped[str | None] = mapped_column(unique=True)


class RightRow(Base):
    """One period of a right: in force from ``began_at`` until before ``over_at``.

    ``over_at`` is the removal or the end of the last day ``valid_to``, whichever comes first. ``recorded_at`` is when
    the register learnt of it, which the public information service, a daily copy, needs.
    """

    __tablename__ = "valvira_right"
    __table_args__ = (Index("valvira_right_lookup", "registration_number", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_number: Mapped[str] = mapped_column(ForeignKey("valvira_professional.registration_number"))
    code: Mapped[str] = mapped_column(ForeignKey("valvira_right_code.code"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    over_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    end_reason: Mapped[str] = mapped_column(default="")


class RestrictionRow(Base):
    """One period of a restriction on a right; it outlives a removal of the right.

    ``lifted_at`` is the first moment at which it does not count any more: when it was lifted, or the end of the last
    day that it was set for, which may be still to come.
    """

    __tablename__ = "valvira_restriction"
    __table_args__ = (Index("valvira_restriction_lookup", "registration_number", "right_code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_number: Mapped[str] = mapped_column(ForeignKey("valvira_professional.registration_number"))
    right_code: Mapped[str] = mapped_column(ForeignKey("valvira_right_code.code"))
    target: Mapped[str] = mapped_column(ForeignKey("valvira_restriction_target.code"))
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(default="")


class ApprovedSystemRow(Base):
    """A system approved for the role and attribute service, under the host name in its certificate."""

    __tablename__ = "valvira_approved_system"

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(index=True)
    organisation: Mapped[str]
    system: Mapped[str]
    approved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
