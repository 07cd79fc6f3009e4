"""Access points (liityntäpisteet): which host name may send for which organisations.

Every provider has at least one access point, and its details are reported to Kela (docs/field/kanta.md 8: confirmed
(opening)). That the archive finds it by the host name of the server certificate is a choice of this emulator: sote
server certificates carry no organisation identifier (docs/field/pki.md 5.7), only the organisation's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from sotepki.errors import Refused
from sotepki.identifiers import Oid, is_host_name
from sotepki.kela.request_log import OFFICE
from sotepki.kela.rules import rulebook
from sotepki.kela.tables import AccessPoint, ServedOrganisation
from sotepki.records import Records, journals_refusals
from sotepki.registers import Organisation, OrganisationRegister


@dataclass(frozen=True)
class AccessPoints:
    """Kela's register of access points."""

    records: Records
    organisations: OrganisationRegister

    @journals_refusals(OFFICE, "operator")
    def register(self, host_name: str, operator: Oid, serves: Iterable[Oid], *, actor: str) -> None:
        """Register an access point, or replace what it serves.

        Raises:
            Refused: the name is no host name (``kanta.access-point.host``), or the operator or a served organisation
                is not in THL's register (``kanta.client.organisation-register``).
        """
        host, served = host_name.strip().lower(), sorted(set(serves) | {operator})
        if not is_host_name(host):
            raise rulebook().refusal("kanta.access-point.host", f"{host_name[:80]!r} is not a host name.")
        for oid in served:
            if self.organisations.organisation(oid) is None:
                raise Refused(
                    f"The organisation {oid} is not in THL's SOTE organisation register.",
                    rule="kanta.client.organisation-register",
                    advice="Use the OID that THL's register shows.",
                    subject=oid.value,
                )
        with self.records.change(OFFICE, actor) as tx:
            point = tx.session.get(AccessPoint, host) or AccessPoint(host_name=host)
            point.operator, point.registered_at = operator.value, tx.now
            tx.session.add(point)
            tx.session.flush()
            for row in tx.session.scalars(select(ServedOrganisation).where(ServedOrganisation.host_name == host)):
                tx.session.delete(row)
            tx.session.flush()
            tx.session.add_all(ServedOrganisation(host_name=host, organisation=oid.value) for oid in served)
            tx.session.flush()
            tx.journal("access point registered", host, operator=operator.value, serves=" ".join(map(str, served)))

    def serves(self, host_names: Sequence[str], organisation: Oid) -> bool:
        """Whether one of the host names is an access point of ``organisation`` or of an organisation above it."""
        names = [name.lower() for name in host_names]
        with self.records.look() as session:
            served = set(
                session.scalars(
                    select(ServedOrganisation.organisation).where(ServedOrganisation.host_name.in_(names))
                )
            )
        return any(oid.value in served for oid in {organisation} | {o.oid for o in self.lineage(organisation)})

    def lineage(self, oid: Oid) -> list[Organisation]:
        """The organisation of the register and those above it; empty if it is not in the register."""
        found: dict[Oid, Organisation] = {}
        here: Oid | None = oid
        while here is not None and here not in found:
            organisation = self.organisations.organisation(here)
            if organisation is None:
                break
            found[here] = organisation
            here = organisation.parent
        return list(found.values())
