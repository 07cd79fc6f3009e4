"""What a provider remembers about its staff's access."""

from __future__ import annotations

from datetime import datetime

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
