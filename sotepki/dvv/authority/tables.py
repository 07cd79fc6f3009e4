"""What DVV's certificate authorities remember: themselves, serial numbers, certificates, revocations, lists.

Serial numbers are kept as lower-case hexadecimal text, since 15 bytes fit no database's integer.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


class AuthorityRow(Base):
    """A certificate authority and the two counters that only grow.

    ``der`` is None while the authority is being made; ``closed_at`` is set when its certificate is revoked.
    """

    __tablename__ = "dvv_authority"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    publication_id: Mapped[str] = mapped_column(String(40), unique=True)
    key_label: Mapped[str] = mapped_column(String(80), unique=True)
    key_id: Mapped[str] = mapped_column(String(80), unique=True)
    der: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    serials_reserved: Mapped[int] = mapped_column(default=0)
    crl_number: Mapped[int] = mapped_column(default=0)


class SerialRow(Base):
    """A serial number that was taken, whether or not a certificate came of it."""

    __tablename__ = "dvv_serial"

    authority_id: Mapped[str] = mapped_column(ForeignKey("dvv_authority.id"), primary_key=True)
    serial: Mapped[str] = mapped_column(String(40), primary_key=True)
    reserved_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CertificateRow(Base):
    """A certificate that was issued; the foreign key makes sure that its serial number was reserved before."""

    __tablename__ = "dvv_certificate"
    __table_args__ = (
        UniqueConstraint("authority_id", "serial"),
        UniqueConstraint("issuer_key_id", "serial"),
        ForeignKeyConstraint(["authority_id", "serial"], ["dvv_serial.authority_id", "dvv_serial.serial"]),
        Index("dvv_certificate_by_holder", "holder"),
        Index("dvv_certificate_by_serial", "serial"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[str] = mapped_column(String(40))
    serial: Mapped[str] = mapped_column(String(40))
    issuer_key_id: Mapped[str] = mapped_column(String(80))
    profile: Mapped[str] = mapped_column(String(80))
    holder: Mapped[str] = mapped_column(String(200))
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    not_after: Mapped[datetime] = mapped_column(UtcDateTime)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    der: Mapped[bytes]


class RevocationRow(Base):
    """A revocation. Rows are added and never changed or removed; the key allows one for each certificate."""

    __tablename__ = "dvv_revocation"
    __table_args__ = (Index("dvv_revocation_by_authority", "authority_id", "expires_at"),)

    certificate_id: Mapped[int] = mapped_column(ForeignKey("dvv_certificate.id"), primary_key=True)
    authority_id: Mapped[str] = mapped_column(String(40))
    serial: Mapped[str] = mapped_column(String(40))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(40))


class RevocationListRow(Base):
    """A certificate revocation list that was signed; the list itself stands in the publication directory."""

    __tablename__ = "dvv_crl"

    authority_id: Mapped[str] = mapped_column(ForeignKey("dvv_authority.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    this_update: Mapped[datetime] = mapped_column(UtcDateTime)
    next_update: Mapped[datetime] = mapped_column(UtcDateTime)
    entries: Mapped[int]
    revocations: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
