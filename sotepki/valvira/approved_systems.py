"""The register of approved users of the role and attribute service: which systems may ask, by their host name.

That only approved systems are answered is confirmed (docs/field/registration.md 9.2). How an approval is tied to a
certificate is not public; here it names the host in the certificate (choice), so it outlives a renewal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from sotepki.identifiers import Oid, holds_identity_code, is_host_name
from sotepki.records import Records, journals_refusals
from sotepki.valvira.rules import attribute_rules
from sotepki.valvira.tables import ApprovedSystemRow
from sotepki.x509.extension_lookup import readable_extension

OFFICE = "valvira"

_LONGEST_NAME = 200


@dataclass(frozen=True)
class ApprovedSystem:
    """A system that may ask; ``withdrawn_at`` is the first moment at which it may not any more."""

    number: int
    host: str
    organisation: Oid
    system: str
    approved_at: datetime
    withdrawn_at: datetime | None = None


class Approvals(Protocol):
    """What the service asks the register."""

    def approved(self, certificate: x509.Certificate, at: datetime) -> ApprovedSystem | None:
        """The approved system whose certificate this is, or None."""
        ...


@dataclass(frozen=True)
class ApprovedSystems:
    """The register. Implements ``Approvals``."""

    records: Records

    @journals_refusals(OFFICE, "host")
    def approve(self, host: str, organisation: Oid, system: str, *, actor: str) -> ApprovedSystem:
        """Approve a system by the host name in its certificate.

        Raises:
            Refused: ``attribute.approval.host``, ``attribute.approval.system``, ``attribute.approval.once``.
        """
        name = host.lower()
        if not is_host_name(name):
            raise attribute_rules().refusal("attribute.approval.host", f"{host[:80]!r} is not a host name.")
        if (
            not system.strip()
            or len(system) > _LONGEST_NAME
            or not system.isprintable()
            or holds_identity_code(system)
        ):
            raise attribute_rules().refusal(
                "attribute.approval.system",
                f"The name of the system is empty, longer than {_LONGEST_NAME} characters, or not that of a system.",
            )
        with self.records.change(OFFICE, actor) as tx:
            if _in_force(tx.session, name, tx.now) is not None:
                raise attribute_rules().refusal("attribute.approval.once", f"{name} is approved already.")
            row = ApprovedSystemRow(
                host=name, organisation=organisation.value, system=system, approved_at=tx.now, withdrawn_at=None
            )
            tx.session.add(row)
            tx.journal("approve-system", name, organisation=organisation.value, system=system)
            tx.session.flush()
            return _value(row)

    @journals_refusals(OFFICE, "host")
    def withdraw(self, host: str, *, actor: str) -> ApprovedSystem:
        """End an approval now.

        Raises:
            Refused: ``attribute.approval.known``.
        """
        with self.records.change(OFFICE, actor) as tx:
            row = _in_force(tx.session, host.lower(), tx.now)
            if row is None:
                raise attribute_rules().refusal("attribute.approval.known", f"{host[:80]!r} is not approved.")
            row.withdrawn_at = tx.now
            tx.journal("withdraw-approval", row.host)
            tx.session.flush()
            return _value(row)

    def all(self) -> Sequence[ApprovedSystem]:
        """Every approval there was, in the order of approval."""
        with self.records.look() as session:
            return [_value(row) for row in session.scalars(select(ApprovedSystemRow).order_by(ApprovedSystemRow.id))]

    def approved(self, certificate: x509.Certificate, at: datetime) -> ApprovedSystem | None:
        """The system that is approved at a moment under a host name of the certificate, or None."""
        with self.records.look() as session:
            for host in _hosts(certificate):
                row = _in_force(session, host, at)
                if row is not None:
                    return _value(row)
        return None


def _in_force(session: Session, host: str, at: datetime) -> ApprovedSystemRow | None:
    return session.scalars(
        select(ApprovedSystemRow).where(
            ApprovedSystemRow.host == host,
            ApprovedSystemRow.approved_at <= at,
            or_(ApprovedSystemRow.withdrawn_at.is_(None), ApprovedSystemRow.withdrawn_at > at),
        )
    ).first()


def _hosts(certificate: x509.Certificate) -> list[str]:
    """The DNS names of a certificate, in lower case; none if it has no readable alternative name."""
    names = readable_extension(certificate, x509.SubjectAlternativeName)
    return [] if names is None else [name.lower() for name in names.get_values_for_type(x509.DNSName)]


def _value(row: ApprovedSystemRow) -> ApprovedSystem:
    return ApprovedSystem(
        number=row.id,
        host=row.host,
        organisation=Oid(row.organisation),
        system=row.system,
        approved_at=row.approved_at,
        withdrawn_at=row.withdrawn_at,
    )
