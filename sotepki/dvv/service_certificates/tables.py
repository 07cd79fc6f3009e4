"""What the e-service for service certificates remembers."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


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
    """An application for a service certificate. ``link_digest`` is the SHA-256 of the technical contact's code.

    ``unit_name`` is the organisation's long name on the form. With ``as_production`` the rules for certificates of
    production are applied, though the certificate is a TEST one. ``submitted_at`` and ``promised_by`` are empty while
    the application is in the customer's hands.
    """

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
    unit_name: Mapped[str] = mapped_column(String(300), default="")
    as_production: Mapped[bool] = mapped_column(default=False)
    renewal_of: Mapped[int | None] = mapped_column(ForeignKey("dvv_service_application.number"))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    promised_by: Mapped[date | None]
    issued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    csr: Mapped[bytes | None]
    public_key_digest: Mapped[str] = mapped_column(String(64), default="", index=True)
    return_reason: Mapped[str] = mapped_column(String(500), default="")
    officer: Mapped[str] = mapped_column(String(100), default="")
    serial: Mapped[str] = mapped_column(String(40), default="", index=True)
    not_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    certificate: Mapped[bytes | None]
    revocation_reason: Mapped[str] = mapped_column(String(40), default="")
    revocation_requested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
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


class LoginChallengeRow(Base):
    """A challenge that a person signs with a card to log in; it serves once. ``digest`` is its SHA-256."""

    __tablename__ = "dvv_login_challenge"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(256))
    hetu: Mapped[str] = mapped_column(String(11))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
