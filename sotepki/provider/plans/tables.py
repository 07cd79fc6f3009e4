"""What a provider keeps of its plans."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


class PlanRow(Base):
    """A version of a plan. ``slot`` is unique while it is the draft or the plan in force, and empty afterwards."""

    __tablename__ = "provider_plan"
    __table_args__ = (UniqueConstraint("organisation", "kind", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(256))
    kind: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(40))
    slot: Mapped[str | None] = mapped_column(String(340), unique=True)
    author: Mapped[str] = mapped_column(String(100))
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approved_by: Mapped[str] = mapped_column(String(100), default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reviewed_on: Mapped[date | None]
    review_by: Mapped[date | None]


class PlanPartRow(Base):
    """The text of one part of a version."""

    __tablename__ = "provider_plan_part"

    plan: Mapped[int] = mapped_column(ForeignKey("provider_plan.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(40), primary_key=True)
    text: Mapped[str]
