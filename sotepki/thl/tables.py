"""THL's tables: organisations with their domains and their history, arrivals from Valveri, code systems and codes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base, UtcDateTime


class OrganisationRow(Base):
    """An organisation or unit of the SOTE organisation register."""

    __tablename__ = "thl_organisation"

    oid: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    long_name: Mapped[str]
    business_id: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    municipality: Mapped[str]
    public: Mapped[bool]
    parent: Mapped[str | None] = mapped_column(ForeignKey("thl_organisation.oid"))
    kanta_intermediary: Mapped[bool]


class DomainRow(Base):
    """A domain name that an organisation controls; a name has one organisation."""

    __tablename__ = "thl_domain"

    name: Mapped[str] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("thl_organisation.oid"), index=True)
    position: Mapped[int]


class OrganisationVersionRow(Base):
    """What the register said of an organisation from ``since`` until before ``until``, whole, as JSON.

    The columns beside ``content`` are those that the register is searched by.
    """

    __tablename__ = "thl_organisation_version"
    __table_args__ = (Index("thl_organisation_version_lookup", "oid", "since"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    oid: Mapped[str] = mapped_column(ForeignKey("thl_organisation.oid"))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    business_id: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    kanta_intermediary: Mapped[bool]
    name_folded: Mapped[str]
    content: Mapped[str]


class ArrivalRow(Base):
    """A provider sent by Valveri that is entered, or refused, when ``due_at`` has come."""

    __tablename__ = "thl_arrival"

    id: Mapped[int] = mapped_column(primary_key=True)
    oid: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    state: Mapped[str]
    rule: Mapped[str] = mapped_column(default="")
    content: Mapped[str]


class CodeSystemRow(Base):
    """A version of a code system, in the code service from ``loaded_at`` on."""

    __tablename__ = "thl_code_system"

    oid: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    name_fi: Mapped[str]
    name_sv: Mapped[str]
    name_en: Mapped[str]
    owner: Mapped[str]
    source: Mapped[str]
    grade: Mapped[str]
    basis: Mapped[str]
    position: Mapped[int]
    loaded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CodeRow(Base):
    """A code of a version of a code system."""

    __tablename__ = "thl_code"

    oid: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    name_fi: Mapped[str]
    name_sv: Mapped[str]
    name_en: Mapped[str]
    source: Mapped[str]
    grade: Mapped[str]
    basis: Mapped[str]
    position: Mapped[int]
