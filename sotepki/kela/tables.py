"""Kela's tables: the archive, the messages it acknowledged, the request log, access points, joint tests."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime
from sotepki.records.vouching import UNVOUCHED

REPLACES = text("replaces <> ''")
"""Most documents replace nothing: an index of those that do stays small. A query that uses it repeats these words."""


class ArchivedDocument(Base):
    """A document as it came, byte for byte, in one environment.

    Attributes:
        owner: whose own register it is: the custodian, and for prescriptions, which Kela keeps, the sender.
        content: left out of the journal's digest of the row, since ``sha256`` stands in it.
        replaces: the document that this one corrects or cancels (RPLC); empty for a first version.
    """

    __tablename__ = "kela_document"

    environment: Mapped[str] = mapped_column(primary_key=True)
    document_id: Mapped[str] = mapped_column(primary_key=True)
    set_id: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    replaces: Mapped[str]
    family: Mapped[str]
    custodian: Mapped[str]
    owner: Mapped[str] = mapped_column(index=True)
    service_request: Mapped[str]
    message_id: Mapped[str]
    archived_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary, info={UNVOUCHED: True})

    __table_args__ = (
        ForeignKeyConstraint(("environment", "message_id"), ("kela_message.environment", "kela_message.message_id")),
        UniqueConstraint("environment", "message_id"),
        Index(
            "kela_document_by_replaces",
            "environment",
            "replaces",
            sqlite_where=REPLACES,
            postgresql_where=REPLACES,
        ),
    )


class AcknowledgedMessage(Base):
    """A message that was accepted: the same bytes get the same acknowledgement again."""

    __tablename__ = "kela_message"

    environment: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    sender: Mapped[str]
    sha256: Mapped[str]
    acknowledgement: Mapped[str]
    acknowledged_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LoggedRequest(Base):
    """One request and how it ended. No personal data: ids of organisations, messages and rules only."""

    __tablename__ = "kela_request"

    number: Mapped[int] = mapped_column(primary_key=True)
    environment: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str]
    outcome: Mapped[str]
    rules: Mapped[str]
    message_id: Mapped[str]
    sender: Mapped[str]
    certificate_sha256: Mapped[str]
    certificate_serial: Mapped[str]
    certificate_issuer: Mapped[str]
    reason: Mapped[str]


class RefusedCertificate(Base):
    """A client certificate that was refused, so that its owner can look at it afterwards. May name a person."""

    __tablename__ = "kela_refused_certificate"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    der: Mapped[bytes] = mapped_column(LargeBinary)
    first_seen: Mapped[datetime] = mapped_column(UtcDateTime)


class AccessPoint(Base):
    """An access point (liityntäpiste): a host name in a server certificate, and who operates it."""

    __tablename__ = "kela_access_point"

    host_name: Mapped[str] = mapped_column(primary_key=True)
    operator: Mapped[str]
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ServedOrganisation(Base):
    """An organisation that an access point may send for."""

    __tablename__ = "kela_served_organisation"

    host_name: Mapped[str] = mapped_column(ForeignKey("kela_access_point.host_name"), primary_key=True)
    organisation: Mapped[str] = mapped_column(primary_key=True)


class JointTest(Base):
    """A version of a system in joint testing; ``statement_running`` is empty until Kela gives its statement."""

    __tablename__ = "kela_joint_test"

    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    system: Mapped[str]
    version: Mapped[str]
    supplier: Mapped[str]
    system_class: Mapped[str]
    content: Mapped[str]
    registered_on: Mapped[date]
    begins_on: Mapped[date]
    pretest_errors: Mapped[int | None]
    statement_year: Mapped[int | None]
    statement_running: Mapped[int | None]
    statement_on: Mapped[date | None]

    __table_args__ = (UniqueConstraint("statement_year", "statement_running"),)


class JointTestPhase(Base):
    """One phase of a joint test and its result."""

    __tablename__ = "kela_joint_test_phase"

    joint_test: Mapped[int] = mapped_column(ForeignKey("kela_joint_test.number"), primary_key=True)
    phase: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    passed: Mapped[bool]
    done_on: Mapped[date]
