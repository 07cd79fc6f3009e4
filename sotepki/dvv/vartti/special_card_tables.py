"""What DVV remembers of spare cards and of test cards."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


class SpareCardRow(Base):
    """A spare card (varakortti): a blank at a registration point, or in somebody's hands for some days.

    ``issue`` counts how often it was issued; with the number it names the certificates of one issue. ``hetu`` is
    unique while the card is out: one spare card for a person at a time, whatever database is used.
    """

    __tablename__ = "dvv_spare_card"

    number: Mapped[str] = mapped_column(String(40), primary_key=True)
    point: Mapped[str] = mapped_column(ForeignKey("dvv_registration_point.id"))
    state: Mapped[str] = mapped_column(String(20))
    issue: Mapped[int] = mapped_column(default=0)
    hetu: Mapped[str | None] = mapped_column(String(11), unique=True)
    registration_number: Mapped[str] = mapped_column(String(11), default="")
    not_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TestCardRow(Base):
    """A test card (testikortti) of an order; its activation code is kept until the letter is posted."""

    __tablename__ = "dvv_test_card"
    __test__ = False  # pytest collects classes by name

    number: Mapped[int] = mapped_column(primary_key=True)
    order: Mapped[int] = mapped_column("order_number", index=True)
    kind: Mapped[str] = mapped_column(String(20))
    organisation: Mapped[str] = mapped_column(String(256))
    state: Mapped[str] = mapped_column(String(20), index=True)
    activation_code: Mapped[str] = mapped_column(String(20), default="")
    ordered_at: Mapped[datetime] = mapped_column(UtcDateTime)
