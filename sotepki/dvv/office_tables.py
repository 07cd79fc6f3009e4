"""What Vartti and the e-service for service certificates remember."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


class RegistrationPointRow(Base):
    """A registration point (rekisteröintipiste) of an organisation; a public one serves every professional."""

    __tablename__ = "dvv_registration_point"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(256))
    name: Mapped[str] = mapped_column(String(200))
    public: Mapped[bool]
    founded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RegistrarRow(Base):
    """A person's right to work as registrar at one point; ``trained_on`` is the day the course was passed."""

    __tablename__ = "dvv_registrar"
    __table_args__ = (UniqueConstraint("hetu", "point"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hetu: Mapped[str] = mapped_column(String(11), index=True)
    point: Mapped[str] = mapped_column(ForeignKey("dvv_registration_point.id"))
    trained_on: Mapped[date | None]
    valid_to: Mapped[date]
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CardOrderRow(Base):
    """An order of a card and, once it is made, the card.

    ``slot`` is the place that the order takes among the person's cards. It is unique, so that of two orders placed at
    the same time one wins whatever database is used, and empty when the order or the card has ended.
    ``activation_code`` is kept only between the start of production and the posting of the letter.
    """

    __tablename__ = "dvv_card_order"
    __table_args__ = (Index("dvv_card_order_by_state", "state"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(40))
    hetu: Mapped[str] = mapped_column(String(11), index=True)
    registration_number: Mapped[str] = mapped_column(String(11))
    right_code: Mapped[str] = mapped_column(String(40))
    profession: Mapped[str] = mapped_column(String(40))
    slot: Mapped[str | None] = mapped_column(String(80), unique=True)
    point: Mapped[str] = mapped_column(ForeignKey("dvv_registration_point.id"))
    registrar: Mapped[int] = mapped_column(ForeignKey("dvv_registrar.id"))
    employer: Mapped[str] = mapped_column(String(256))
    identity_document: Mapped[str] = mapped_column(String(80))
    letter_address: Mapped[str] = mapped_column(String(300))
    ordered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    rejected_by: Mapped[str] = mapped_column(String(80), default="")
    card_number: Mapped[str | None] = mapped_column(String(20), unique=True)
    activation_code: Mapped[str] = mapped_column(String(20), default="")
    authentication_serial: Mapped[str] = mapped_column(String(40), default="")
    signature_serial: Mapped[str] = mapped_column(String(40), default="")
    not_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    handed_over_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closing_reason: Mapped[str] = mapped_column(String(40), default="")


class CustomerAccountRow(Base):
    """An organisation's customer account in the e-service."""

    __tablename__ = "dvv_customer_account"

    organisation: Mapped[str] = mapped_column(String(256), primary_key=True)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AccountUserRow(Base):
    """A user of a customer account; the first one identified strongly and may invite others."""

    __tablename__ = "dvv_account_user"
    __table_args__ = (UniqueConstraint("organisation", "hetu"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("dvv_customer_account.organisation"))
    hetu: Mapped[str] = mapped_column(String(11))
    identified_with: Mapped[str] = mapped_column(String(40))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ApplicationRow(Base):
    """An application for a service certificate. ``link_digest`` is the SHA-256 of the technical contact's code."""

    __tablename__ = "dvv_service_application"

    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    organisation: Mapped[str] = mapped_column(String(256), index=True)
    account: Mapped[str] = mapped_column(ForeignKey("dvv_customer_account.organisation"))
    user: Mapped[int] = mapped_column(ForeignKey("dvv_account_user.id"))
    contact_name: Mapped[str] = mapped_column(String(200))
    contact_email: Mapped[str] = mapped_column(String(254))
    contact_organisation: Mapped[str] = mapped_column(String(200))
    shared_mailbox: Mapped[str] = mapped_column(String(254))
    key_usages: Mapped[str] = mapped_column(String(80))
    link_digest: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    csr: Mapped[bytes | None]
    public_key_digest: Mapped[str] = mapped_column(String(64), default="", index=True)
    return_reason: Mapped[str] = mapped_column(String(500), default="")
    officer: Mapped[str] = mapped_column(String(100), default="")
    serial: Mapped[str] = mapped_column(String(40), default="", index=True)
    not_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    certificate: Mapped[bytes | None]
    revocation_reason: Mapped[str] = mapped_column(String(40), default="")
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AttachmentRow(Base):
    """A document attached to an application: power of attorney, certificate of conformity."""

    __tablename__ = "dvv_application_attachment"

    id: Mapped[int] = mapped_column(primary_key=True)
    application: Mapped[int] = mapped_column(ForeignKey("dvv_service_application.number"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    content: Mapped[bytes]
    attached_at: Mapped[datetime] = mapped_column(UtcDateTime)
