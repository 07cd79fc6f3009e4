"""Tables of supervision: systems with their evidence and history, deviations with theirs."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


class SystemRow(Base):
    """A system in the register of information systems."""

    __tablename__ = "valvira_information_system"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[str]
    system_class: Mapped[str]
    kind: Mapped[str]
    purpose: Mapped[str]
    producer: Mapped[str]
    state: Mapped[str]


class EvidenceRow(Base):
    """A joint-test statement or a security certificate of a system."""

    __tablename__ = "valvira_system_evidence"

    id: Mapped[int] = mapped_column(primary_key=True)
    system: Mapped[int] = mapped_column(ForeignKey("valvira_information_system.id"), index=True)
    kind: Mapped[str]
    number: Mapped[str]
    issuer: Mapped[str]
    issued_on: Mapped[date]
    valid_to: Mapped[date | None]
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeviationRow(Base):
    """A deviation of a system, as it was reported."""

    __tablename__ = "valvira_deviation"

    id: Mapped[int] = mapped_column(primary_key=True)
    system: Mapped[int] = mapped_column(ForeignKey("valvira_information_system.id"), index=True)
    weight: Mapped[str]
    description: Mapped[str]
    reported_by: Mapped[str]
    deadline: Mapped[date | None]
    state: Mapped[str]


class StepRow(Base):
    """A step that a system (``deviation`` is None) or a deviation of it has taken."""

    __tablename__ = "valvira_supervision_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    system: Mapped[int] = mapped_column(ForeignKey("valvira_information_system.id"), index=True)
    deviation: Mapped[int | None] = mapped_column(ForeignKey("valvira_deviation.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    name: Mapped[str]
    state: Mapped[str]
    role: Mapped[str]
    reason: Mapped[str]
