"""Reading the SOTE organisation register: values out of rows. Statements are built once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from sotepki.identifiers import BusinessId, Oid
from sotepki.registers import Organisation
from sotepki.thl.tables import DomainRow, OrganisationRow

_COLUMNS = (
    OrganisationRow.oid,
    OrganisationRow.name,
    OrganisationRow.long_name,
    OrganisationRow.business_id,
    OrganisationRow.kind,
    OrganisationRow.municipality,
    OrganisationRow.public,
    OrganisationRow.parent,
    OrganisationRow.kanta_intermediary,
    DomainRow.name.label("domain"),
)
_ALL = (
    select(*_COLUMNS)
    .outerjoin(DomainRow, DomainRow.organisation == OrganisationRow.oid)
    .order_by(OrganisationRow.oid, DomainRow.position)
)
_BY_OID = _ALL.where(OrganisationRow.oid == bindparam("oid"))
_BY_BUSINESS_ID = _ALL.where(OrganisationRow.business_id == bindparam("business_id"))
_BY_DOMAIN = select(DomainRow.organisation).where(DomainRow.name == bindparam("name"))


def by_oid(session: Session, oid: str) -> Organisation | None:
    """The organisation or unit of an OID, or None."""
    return next(iter(_organisations(session.execute(_BY_OID, {"oid": oid}))), None)


def by_business_id(session: Session, business_id: BusinessId) -> Sequence[Organisation]:
    """The organisation of a Y-tunnus and its units, ordered by OID."""
    return _organisations(session.execute(_BY_BUSINESS_ID, {"business_id": business_id.value}))


def everything(session: Session) -> Sequence[Organisation]:
    """Every organisation and unit, ordered by OID."""
    return _organisations(session.execute(_ALL))


def holder_of_domain(session: Session, domain: str) -> Organisation | None:
    """The organisation that controls a domain name: the one of the name or of the nearest name above it."""
    labels = domain.lower().rstrip(".").split(".")
    for first in range(len(labels)):
        oid = session.scalar(_BY_DOMAIN, {"name": ".".join(labels[first:])})
        if oid is not None:
            return by_oid(session, oid)
    return None


def _organisations(rows: Iterable[Any]) -> Sequence[Organisation]:
    """One organisation per OID; rows that differ only in the domain are put together."""
    found: dict[str, tuple[Any, list[str]]] = {}
    for row in rows:
        _, domains = found.setdefault(row.oid, (row, []))
        if row.domain is not None:
            domains.append(row.domain)
    return [_organisation(row, tuple(domains)) for row, domains in found.values()]


def _organisation(row: Any, domains: tuple[str, ...]) -> Organisation:
    return Organisation(
        oid=Oid(row.oid),
        name=row.name,
        business_id=BusinessId(row.business_id),
        kind=row.kind,
        municipality=row.municipality,
        public=row.public,
        long_name=row.long_name,
        parent=Oid(row.parent) if row.parent else None,
        domains=domains,
        kanta_intermediary=row.kanta_intermediary,
    )
