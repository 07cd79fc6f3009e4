"""The office: which organisations there are, who is a Kanta intermediary, which codes are in use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from sotepki.identifiers import BusinessId, Oid, business_id_of
from sotepki.records import Records, Transaction
from sotepki.registers import Organisation
from sotepki.thl import world
from sotepki.thl.codes import CodeSystem, code_system
from sotepki.thl.kinds import OrganisationKind
from sotepki.thl.rules import thl_rules
from sotepki.thl.tables import CodeSystemRow, DomainRow, OrganisationRow

OFFICE = "thl"
RESERVED_NAMES = ("example", "test", "invalid", "localhost")
"""Top-level names that no real server has (RFC 2606, RFC 6761)."""

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


@dataclass(frozen=True)
class Thl:
    """The SOTE organisation register and the code service. Implements ``OrganisationRegister``."""

    records: Records

    # --- asking -----------------------------------------------------------------------------------------------------

    def organisation(self, oid: Oid) -> Organisation | None:
        """The organisation or unit of an OID, or None."""
        with self.records.look() as session:
            return next(iter(_organisations(session.execute(_BY_OID, {"oid": oid.value}))), None)

    def organisations_of(self, business_id: BusinessId) -> Sequence[Organisation]:
        """The organisation of a Y-tunnus and its units, ordered by OID; empty if unknown."""
        with self.records.look() as session:
            return _organisations(session.execute(_BY_BUSINESS_ID, {"business_id": business_id.value}))

    def organisations(self) -> Sequence[Organisation]:
        """Every organisation and unit, ordered by OID."""
        with self.records.look() as session:
            return _organisations(session.execute(_ALL))

    def count(self) -> int:
        """How many organisations and units the register holds."""
        with self.records.look() as session:
            return session.scalar(select(func.count()).select_from(OrganisationRow)) or 0

    def holder_of_domain(self, domain: str) -> Organisation | None:
        """The organisation that controls a domain name: the one of the name or of the nearest name above it."""
        labels = domain.lower().rstrip(".").split(".")
        with self.records.look() as session:
            for first in range(len(labels)):
                oid = session.scalar(_BY_DOMAIN, {"name": ".".join(labels[first:])})
                if oid is not None:
                    return _organisations(session.execute(_BY_OID, {"oid": oid}))[0]
        return None

    def codes(self, oid: Oid, version: str | None = None) -> CodeSystem:
        """A code system, the newest version if none is named.

        Raises:
            Refused: ``thl.code.system-known``.
        """
        with self.records.look() as session:
            return code_system(session, oid, version)

    def code_systems(self) -> Sequence[CodeSystem]:
        """Every version of every code system, in the order of loading."""
        with self.records.look() as session:
            rows = session.scalars(select(CodeSystemRow).order_by(CodeSystemRow.position)).all()
            return [code_system(session, Oid(row.oid), row.version) for row in rows]

    # --- keeping ----------------------------------------------------------------------------------------------------

    def register_organisation(self, organisation: Organisation, *, actor: str) -> Organisation:
        """Enter an organisation or unit.

        Raises:
            Refused: ``thl.organisation.once``, ``.oid-of-business-id``, ``.parent``, ``.kind``, ``.domain-once``,
                ``.domain-reserved``.
        """
        with self.records.change(OFFICE, actor) as tx:
            enter(tx, organisation)
            tx.journal("register-organisation", organisation.oid.value, name=organisation.name)
        return organisation

    def set_kanta_intermediary(self, oid: Oid, *, intermediary: bool, actor: str) -> Organisation:
        """Enter an organisation in the register of Kanta intermediaries, or strike it off.

        Raises:
            Refused: ``thl.organisation.known``.
        """
        with self.records.change(OFFICE, actor) as tx:
            row = tx.session.get(OrganisationRow, oid.value)
            if row is None:
                raise thl_rules().refusal(
                    "thl.organisation.known", f"There is no organisation {oid}.", subject=oid.value
                )
            row.kanta_intermediary = intermediary
            tx.journal("enter-intermediary" if intermediary else "strike-intermediary", oid.value)
            tx.session.flush()
            return _organisations(tx.session.execute(_BY_OID, {"oid": oid.value}))[0]

    def load_world(self, directory: Path, *, actor: str = "init") -> int:
        """Load the organisations and code lists of a test world; the number of organisations.

        Raises:
            Fault: a file is missing or not well formed, or the register is not empty.
        """
        with self.records.change(OFFICE, actor) as tx:
            return world.load(tx, directory, enter)


def enter(tx: Transaction, organisation: Organisation) -> None:
    """Check an organisation against the rules and add its rows to the caller's transaction."""
    refuse = thl_rules().refusal
    oid, name = organisation.oid, organisation.name
    if tx.session.get(OrganisationRow, oid.value) is not None:
        raise refuse("thl.organisation.once", f"The OID {oid} belongs to another organisation already.", subject=name)
    if business_id_of(oid) != organisation.business_id:
        raise refuse(
            "thl.organisation.oid-of-business-id",
            f"The OID {oid} is not formed from the Business ID {organisation.business_id}.",
            subject=name,
        )
    if organisation.kind not in set(OrganisationKind):
        raise refuse(
            "thl.organisation.kind",
            f"There is no kind of organisation {organisation.kind!r}; the kinds are {', '.join(OrganisationKind)}.",
            subject=name,
        )
    if organisation.parent is not None:
        parent = tx.session.get(OrganisationRow, organisation.parent.value)
        if parent is None or parent.business_id != organisation.business_id.value:
            raise refuse(
                "thl.organisation.parent",
                f"{organisation.parent} is not an organisation with the Business ID {organisation.business_id}.",
                subject=name,
            )
    tx.session.add(_row(organisation))
    tx.session.flush()
    for position, domain in enumerate(organisation.domains):
        _enter_domain(tx.session, oid, domain, position)


def _enter_domain(session: Session, oid: Oid, domain: str, position: int) -> None:
    folded = domain.lower()
    if folded.rpartition(".")[2] not in RESERVED_NAMES:
        raise thl_rules().refusal("thl.organisation.domain-reserved", f"The domain {domain!r} could be a real one.")
    if session.get(DomainRow, folded) is not None:
        raise thl_rules().refusal("thl.organisation.domain-once", f"The domain {domain} has another organisation.")
    session.add(DomainRow(name=folded, organisation=oid.value, position=position))
    session.flush()


def _row(organisation: Organisation) -> OrganisationRow:
    return OrganisationRow(
        oid=organisation.oid.value,
        name=organisation.name,
        long_name=organisation.long_name,
        business_id=organisation.business_id.value,
        kind=organisation.kind,
        municipality=organisation.municipality,
        public=organisation.public,
        parent=organisation.parent.value if organisation.parent else None,
        kanta_intermediary=organisation.kanta_intermediary,
    )


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
