"""What Vartti remembers: orders with their cards, every step with its time, challenges, reminders, switches."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, deferred, mapped_column

from sotepki.records import Base, UtcDateTime


class CardOrderRow(Base):
    """An order of a card and, once it is made, the card.

    ``slot`` is the place that the order takes among the person's cards. It is unique, so that of two orders placed at
    the same time one wins whatever database is used, and empty when the order or the card has ended.
    ``registration_number`` and the right are a professional's, ``employer`` to ``employed_to`` and ``staff_number``
    belong to personnel and actor cards; what a kind has not is empty. ``sealed_code`` is the activation code, sealed
    (see ``codes``), until the card is closed. ``letter_due`` is the day of a code letter that is still to be sent.
    ``renews`` is the order of the card that the holder renewed; such an order has no registrar.
    """

    __tablename__ = "dvv_card_order"
    __table_args__ = (
        Index("dvv_card_order_by_state", "state", "not_after"),
        Index("dvv_card_order_by_serial", "authentication_serial"),
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(40))
    hetu: Mapped[str] = mapped_column(String(11), index=True)
    registration_number: Mapped[str] = mapped_column(String(11), default="", index=True)
    right_code: Mapped[str] = mapped_column(String(40), default="")
    profession: Mapped[str] = mapped_column(String(40), default="")
    slot: Mapped[str | None] = mapped_column(String(120), unique=True)
    point: Mapped[str] = mapped_column(ForeignKey("dvv_registration_point.id"))
    registrar: Mapped[int | None] = mapped_column(ForeignKey("dvv_registrar.id"))
    employer: Mapped[str] = mapped_column(String(256), default="")
    job_title: Mapped[str] = mapped_column(String(100), default="")
    task: Mapped[str] = mapped_column(String(20), default="")
    employed_from: Mapped[date | None]
    employed_to: Mapped[date | None]
    employment_certificate: Mapped[str] = mapped_column(String(100), default="")
    staff_number: Mapped[str] = mapped_column(String(20), default="")
    price: Mapped[str] = mapped_column(String(10), default="free")
    has_photo: Mapped[bool] = mapped_column(default=False)
    photo: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    identity_document: Mapped[str] = mapped_column(String(80))
    delivery: Mapped[str] = mapped_column(String(10), default="point")
    letter_address: Mapped[str] = mapped_column(String(300))
    renews: Mapped[int | None] = mapped_column(ForeignKey("dvv_card_order.number"))
    ordered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    rejected_by: Mapped[str] = mapped_column(String(80), default="")
    card_number: Mapped[str | None] = mapped_column(String(20), unique=True)
    sealed_code: Mapped[bytes | None]
    letter_due: Mapped[date | None]
    authentication_serial: Mapped[str] = mapped_column(String(40), default="")
    signature_serial: Mapped[str] = mapped_column(String(40), default="")
    not_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    handed_over_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closing_reason: Mapped[str] = mapped_column(String(40), default="")


class CardStepRow(Base):
    """One step in the life of an order and its card: what, by whom, when, and the state it led to."""

    __tablename__ = "dvv_card_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    order: Mapped[int] = mapped_column("order_number", ForeignKey("dvv_card_order.number"), index=True)
    step: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ChallengeRow(Base):
    """A challenge that the self-service gave for a card; ``used_at`` is set when it is answered, well or badly."""

    __tablename__ = "dvv_card_challenge"

    challenge: Mapped[str] = mapped_column(String(128), primary_key=True)
    card_number: Mapped[str] = mapped_column(String(20))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ReminderRow(Base):
    """A reminder that was sent; each goes out once for a card."""

    __tablename__ = "dvv_card_reminder"

    order: Mapped[int] = mapped_column("order_number", ForeignKey("dvv_card_order.number"), primary_key=True)
    reminder: Mapped[str] = mapped_column(String(40), primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PolicyRow(Base):
    """A switch that was set to something else than its default."""

    __tablename__ = "dvv_vartti_policy"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(40))
