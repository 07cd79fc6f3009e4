"""Kela's register of approved systems, and notices of change."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base


class ApprovalRow(Base):
    """A version of a system that came through joint testing; made with Kela's statement."""

    __tablename__ = "kela_approval"

    id: Mapped[int] = mapped_column(primary_key=True)
    joint_test: Mapped[int] = mapped_column(ForeignKey("kela_joint_test.number"), unique=True)
    state: Mapped[str] = mapped_column(String(40), index=True)
    approved_on: Mapped[date]
    ended_on: Mapped[date | None]
    reason: Mapped[str] = mapped_column(String(500), default="")


class ChangeNoticeRow(Base):
    """A notice of change; ``effective_on`` is the day of testing, or the end of the certificate that is renewed."""

    __tablename__ = "kela_change_notice"

    id: Mapped[int] = mapped_column(primary_key=True)
    approval: Mapped[int] = mapped_column(ForeignKey("kela_approval.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    version: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(40))
    reported_on: Mapped[date]
    effective_on: Mapped[date | None]
    decided_on: Mapped[date | None]
    reason: Mapped[str] = mapped_column(String(500), default="")
    joint_test: Mapped[int | None] = mapped_column(ForeignKey("kela_joint_test.number"))
