"""Steering documents that were published besides those of ``steering.yaml``."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


class SteeringDocumentRow(Base):
    """A document; ``replaces`` holds the ids of what it replaces, one a line."""

    __tablename__ = "thl_steering_document"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    title: Mapped[str] = mapped_column(String(300))
    in_force_from: Mapped[date]
    replaces: Mapped[str] = mapped_column(String(500))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
