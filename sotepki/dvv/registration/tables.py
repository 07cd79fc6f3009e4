"""What DVV remembers of contracts, registration points, registrars and their course."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


class RegistrationPointRow(Base):
    """A registration point (rekisteröintipiste) of an organisation; a public one serves every professional.

    ``contract`` is empty for a point whose agreement was made before the e-service.
    """

    __tablename__ = "dvv_registration_point"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(256))
    name: Mapped[str] = mapped_column(String(200))
    public: Mapped[bool]
    state: Mapped[str] = mapped_column(String(40), index=True)
    contract: Mapped[int | None] = mapped_column(ForeignKey("dvv_contract.number"))
    card_readers: Mapped[int] = mapped_column(default=0)
    locked_storage: Mapped[bool] = mapped_column(default=False)
    access_control: Mapped[bool] = mapped_column(default=False)
    founded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closing_reason: Mapped[str] = mapped_column(String(500), default="")


class RegistrarRow(Base):
    """A person's right to work as registrar at one point; ``trained_on`` is the day the course was passed.

    ``certificate`` is the number of the course certificate; empty for a course before the e-service.
    """

    __tablename__ = "dvv_registrar"
    __table_args__ = (UniqueConstraint("hetu", "point"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hetu: Mapped[str] = mapped_column(String(11), index=True)
    point: Mapped[str] = mapped_column(ForeignKey("dvv_registration_point.id"))
    state: Mapped[str] = mapped_column(String(40), index=True)
    certificate: Mapped[str] = mapped_column(String(40), default="")
    trained_on: Mapped[date | None]
    valid_to: Mapped[date]
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CourseRow(Base):
    """A trainee's registrar course. ``seed`` decides which questions the present exam has, and in what order.

    ``document`` is the certificate as it was given out; it is known again by its bytes.
    """

    __tablename__ = "dvv_registrar_course"

    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(40))
    hetu: Mapped[str] = mapped_column(String(11), unique=True)
    language: Mapped[str] = mapped_column(String(2))
    enrolled_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    seed: Mapped[str] = mapped_column(String(64), default="")
    began_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    score: Mapped[int | None]
    passed_on: Mapped[date | None]
    certificate: Mapped[str | None] = mapped_column(String(40), unique=True)
    document: Mapped[bytes | None]


class CourseSettingRow(Base):
    """A number of the course that a trainer set to something else than ``registration.yaml`` has."""

    __tablename__ = "dvv_registrar_course_setting"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int]


class ContractRow(Base):
    """A contract of an organisation with DVV. ``document`` is the text that is signed, byte for byte.

    ``method`` tells how it was signed; a card's signature stands beside it with the certificate.
    """

    __tablename__ = "dvv_contract"

    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    organisation: Mapped[str] = mapped_column(String(256), index=True)
    signer: Mapped[str] = mapped_column(String(11))
    language: Mapped[str] = mapped_column(String(2))
    details: Mapped[str]
    point: Mapped[str] = mapped_column(String(40), default="")
    document: Mapped[bytes]
    drawn_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    in_force_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sign_by: Mapped[date | None]
    method: Mapped[str] = mapped_column(String(40), default="")
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    signature: Mapped[bytes | None]
    certificate: Mapped[bytes | None]
    reason: Mapped[str] = mapped_column(String(500), default="")


class ContractDocumentRow(Base):
    """A document attached to a contract: the employment certificate of those who are to be served."""

    __tablename__ = "dvv_contract_document"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract: Mapped[int] = mapped_column(ForeignKey("dvv_contract.number"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    content: Mapped[bytes]
    attached_at: Mapped[datetime] = mapped_column(UtcDateTime)
