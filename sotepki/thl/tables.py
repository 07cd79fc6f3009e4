"""THL's tables: organisations with their domains, code systems with their codes."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from sotepki.records import Base


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


class CodeSystemRow(Base):
    """A version of a code system."""

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
