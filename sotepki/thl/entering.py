"""Entering and changing organisations inside a transaction: every rule is checked here, whatever the way in."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from sotepki.identifiers import Oid, business_id_of, is_host_name
from sotepki.records import Transaction
from sotepki.registers import Organisation
from sotepki.thl.kinds import OrganisationKind
from sotepki.thl.organisation_form import organisation_json
from sotepki.thl.rules import thl_rules
from sotepki.thl.tables import DomainRow, OrganisationRow, OrganisationVersionRow

RESERVED_NAMES: Final = ("example", "test", "invalid", "localhost")
"""Top-level names that no real server has (RFC 2606, RFC 6761)."""

ALWAYS: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""Since when a test world's organisations and codes are there."""

LONGEST_NAME: Final = 500


class Entered(StrEnum):
    """What became of an organisation that was put into the register."""

    NEW = "entered"
    CHANGED = "changed"
    SAME = "unchanged"


def put(tx: Transaction, organisation: Organisation, present: Organisation | None) -> Entered:
    """Enter an organisation, or change the one that the register has under the OID (``present``).

    Raises:
        Refused: as ``enter``.
    """
    if present is None:
        enter(tx, organisation, since=tx.now)
        return Entered.NEW
    if present == organisation:
        return Entered.SAME
    _check(tx.session, organisation)
    row = tx.session.get_one(OrganisationRow, organisation.oid.value)
    for name, value in _values(organisation).items():
        setattr(row, name, value)
    release_domains(tx.session, organisation.oid)
    _enter_domains(tx.session, organisation)
    remember(tx.session, organisation, tx.now)
    return Entered.CHANGED


def release_domains(session: Session, oid: Oid) -> None:
    """Let go of the domains of an organisation that is changed in the same transaction."""
    session.execute(delete(DomainRow).where(DomainRow.organisation == oid.value))


def enter(tx: Transaction, organisation: Organisation, *, since: datetime) -> None:
    """Check a new organisation against the rules and add its rows to the caller's transaction.

    Raises:
        Refused: ``thl.organisation.once``, ``.name``, ``.oid-of-business-id``, ``.parent``, ``.kind``,
            ``.domain-form``, ``.domain-once``, ``.domain-reserved``.
    """
    if tx.session.get(OrganisationRow, organisation.oid.value) is not None:
        raise thl_rules().refusal(
            "thl.organisation.once",
            f"The OID {organisation.oid} belongs to another organisation already.",
            subject=organisation.name,
        )
    _check(tx.session, organisation)
    tx.session.add(OrganisationRow(oid=organisation.oid.value, **_values(organisation)))
    tx.session.flush()
    _enter_domains(tx.session, organisation)
    remember(tx.session, organisation, since)


def remember(session: Session, organisation: Organisation, since: datetime) -> None:
    """Close what the history says of the organisation and begin the new version at ``since``."""
    last = session.scalars(
        select(OrganisationVersionRow).where(
            OrganisationVersionRow.oid == organisation.oid.value, OrganisationVersionRow.until.is_(None)
        )
    ).first()
    if last is not None:
        last.until = since
    session.add(
        OrganisationVersionRow(
            oid=organisation.oid.value,
            since=since,
            until=None,
            business_id=organisation.business_id.value,
            kind=organisation.kind,
            kanta_intermediary=organisation.kanta_intermediary,
            name_folded=organisation.name.casefold(),
            content=organisation_json(organisation),
        )
    )
    session.flush()


def _check(session: Session, organisation: Organisation) -> None:
    refuse = thl_rules().refusal
    oid, name = organisation.oid, organisation.name
    texts = (name, organisation.long_name, organisation.municipality)
    if not name.strip() or not "".join(texts).isprintable() or max(map(len, texts)) > LONGEST_NAME:
        raise refuse("thl.organisation.name", f"The name {name[:60]!r} is empty, too long or not text.")
    if spaced := [text for text in texts if text != text.strip()]:
        raise refuse("thl.organisation.name", f"{spaced[0][:60]!r} has spaces at its ends.")
    if business_id_of(oid) != organisation.business_id:
        raise refuse(
            "thl.organisation.oid-of-business-id",
            f"The OID {oid} is not formed from the Business ID {organisation.business_id}.",
            subject=name,
        )
    if organisation.kind not in set(OrganisationKind):
        raise refuse(
            "thl.organisation.kind",
            f"There is no kind of organisation {organisation.kind[:60]!r}; the kinds are "
            f"{', '.join(OrganisationKind)}.",
            subject=name,
        )
    if organisation.parent is not None:
        parent = session.get(OrganisationRow, organisation.parent.value)
        if parent is None or parent.business_id != organisation.business_id.value or organisation.parent == oid:
            raise refuse(
                "thl.organisation.parent",
                f"{organisation.parent} is not another organisation with the Business ID {organisation.business_id}.",
                subject=name,
            )


def _enter_domains(session: Session, organisation: Organisation) -> None:
    for position, domain in enumerate(organisation.domains):
        _enter_domain(session, organisation.oid, domain, position)


def _enter_domain(session: Session, oid: Oid, domain: str, position: int) -> None:
    if not is_host_name(domain):
        raise thl_rules().refusal("thl.organisation.domain-form", f"{domain[:80]!r} is not the name of a domain.")
    if domain.rpartition(".")[2] not in RESERVED_NAMES:
        raise thl_rules().refusal(
            "thl.organisation.domain-reserved", f"The domain {domain[:80]!r} could be a real one."
        )
    if session.get(DomainRow, domain) is not None:
        raise thl_rules().refusal(
            "thl.organisation.domain-once", f"The domain {domain[:80]} has another organisation."
        )
    session.add(DomainRow(name=domain, organisation=oid.value, position=position))
    session.flush()


def _values(organisation: Organisation) -> dict[str, str | bool | None]:
    return {
        "name": organisation.name,
        "long_name": organisation.long_name,
        "business_id": organisation.business_id.value,
        "kind": organisation.kind,
        "municipality": organisation.municipality,
        "public": organisation.public,
        "parent": organisation.parent.value if organisation.parent else None,
        "kanta_intermediary": organisation.kanta_intermediary,
    }
