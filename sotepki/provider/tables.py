"""What a provider remembers about its staff's access."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


class AccessRow(Base):
    """A task given to a professional. ``slot`` is unique while the task is held and empty when it has ended."""

    __tablename__ = "provider_access"
    __table_args__ = (Index("provider_access_by_person", "organisation", "registration_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(256))
    registration_number: Mapped[str] = mapped_column(String(11))
    task: Mapped[str] = mapped_column(String(40))
    slot: Mapped[str | None] = mapped_column(String(320), unique=True)
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[str] = mapped_column(String(80), default="")


class SupportContactRow(Base):
    """Who gives technical support (tekninen tuki), and who is told of disturbances."""

    __tablename__ = "provider_support_contact"

    organisation: Mapped[str] = mapped_column(String(256), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254))
    telephone: Mapped[str] = mapped_column(String(40))
    hours: Mapped[str] = mapped_column(String(100))
    named_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ArrangementRow(Base):
    """Something that is arranged for joining: the information system, the access point, an operating model."""

    __tablename__ = "provider_arrangement"

    organisation: Mapped[str] = mapped_column(String(256), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(300))
    agreed_on: Mapped[date]


class TrainingRow(Base):
    """A professional's last training on a topic."""

    __tablename__ = "provider_training"

    organisation: Mapped[str] = mapped_column(String(256), primary_key=True)
    registration_number: Mapped[str] = mapped_column(String(11), primary_key=True)
    topic: Mapped[str] = mapped_column(String(40), primary_key=True)
    trained_on: Mapped[date]


class SweepScheduleRow(Base):
    """How often the sweep of an organisation runs, and when it ran last."""

    __tablename__ = "provider_sweep_schedule"

    organisation: Mapped[str] = mapped_column(String(256), primary_key=True)
    hours: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
