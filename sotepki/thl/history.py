"""The SOTE organisation register as it stood at a moment: what a copy of it, or a stale service, tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from sotepki.identifiers import BusinessId, Oid
from sotepki.registers import Organisation
from sotepki.thl.organisation_form import organisation_of_json
from sotepki.thl.tables import OrganisationVersionRow


@dataclass(frozen=True)
class Wanted:
    """Which organisations are looked for; what is left out does not narrow the search."""

    business_id: BusinessId | None = None
    kind: str = ""
    name: str = ""
    intermediaries: bool = False


@dataclass(frozen=True)
class Page:
    """A part of a list: ``total`` is the length of the whole."""

    total: int
    organisations: Sequence[Organisation]


def organisation_at(session: Session, oid: Oid, at: datetime) -> Organisation | None:
    """What the register said of an OID at a moment, or None."""
    content = session.scalar(
        select(OrganisationVersionRow.content).where(OrganisationVersionRow.oid == oid.value, *_at(at))
    )
    return organisation_of_json(content) if content is not None else None


def page_at(session: Session, at: datetime, wanted: Wanted, *, offset: int, limit: int) -> Page:
    """A page of the organisations of a moment, ordered by OID."""
    conditions = [*_at(at), *_conditions(wanted)]
    total = session.scalar(select(func.count()).select_from(OrganisationVersionRow).where(*conditions)) or 0
    found = session.scalars(
        select(OrganisationVersionRow.content)
        .where(*conditions)
        .order_by(OrganisationVersionRow.oid)
        .offset(offset)
        .limit(limit)
    )
    return Page(total, [organisation_of_json(content) for content in found])


def _at(at: datetime) -> list[ColumnElement[bool]]:
    return [
        OrganisationVersionRow.since <= at,
        or_(OrganisationVersionRow.until.is_(None), OrganisationVersionRow.until > at),
    ]


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.business_id is not None:
        conditions.append(OrganisationVersionRow.business_id == wanted.business_id.value)
    if wanted.kind:
        conditions.append(OrganisationVersionRow.kind == wanted.kind)
    if wanted.name:
        conditions.append(OrganisationVersionRow.name_folded.contains(wanted.name.casefold(), autoescape=True))
    if wanted.intermediaries:
        conditions.append(OrganisationVersionRow.kanta_intermediary.is_(True))
    return conditions
