"""The office of one provider: its access rights, sweeps, plans and notes, and its way into Kanta."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography import x509

from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.provider.access import Access, AccessRights, Sweep
from sotepki.provider.books import MODEL, Arrangement, Books
from sotepki.provider.join_lists import join_data
from sotepki.provider.joining import InformationSystem, Joining, JoiningFacts, Readiness, StatusOf
from sotepki.provider.plans import Plans, plan_kinds
from sotepki.provider.schedule import SweepSchedule
from sotepki.provider.staff_rights import StaffRights
from sotepki.records import Records
from sotepki.registers import OrganisationRegister, RightsRegister

SystemOf = Callable[[str], InformationSystem | None]
CertificatesOf = Callable[[Oid], Sequence[x509.Certificate]]


class Provider:
    """A service provider or pharmacy.

    Args:
        status: tells the state of a certificate, as OCSP does.
        system_of: what the registers say of the information system with an id.
        certificates_of: the service certificates that an organisation has.
    """

    def __init__(
        self,
        records: Records,
        rights: RightsRegister,
        organisations: OrganisationRegister,
        organisation: Oid,
        status: StatusOf,
        *,
        system_of: SystemOf = lambda _system: None,
        certificates_of: CertificatesOf = lambda _organisation: (),
    ) -> None:
        self.organisation = organisation
        self.access = AccessRights(records, rights, organisations)
        self.schedule = SweepSchedule(records, self.access)
        self.plans = Plans(records, organisations)
        self.books = Books(records, organisations, organisation)
        self._joining = Joining(records, organisations, self.access, status)
        self._system_of = system_of
        self._certificates_of = certificates_of

    def grant_access(self, registration_number: RegistrationNumber, task: str, *, actor: str) -> Access:
        """Give a professional a task of this organisation; see ``AccessRights.grant``."""
        return self.access.grant(self.organisation, registration_number, task, actor=actor)

    def may(self, registration_number: RegistrationNumber, task: str) -> bool:
        """Whether a person may do a task here now."""
        return self.access.may(self.organisation, registration_number, task)

    def sweep(self, *, actor: str = "sweep", asked: StaffRights | None = None) -> Sweep:
        """End every access right that no longer rests on a right in force; see ``AccessRights.sweep``."""
        return self.access.sweep(self.organisation, actor=actor, asked=asked)

    def facts(self, service: str) -> JoiningFacts:
        """What the provider's notes and the registers show for joining a service."""
        arranged = self.books.arranged()
        system = arranged.get(Arrangement.SYSTEM)
        staff = {one.registration_number for one in self.access.held(self.organisation)}
        plans = {kind: self.plans.in_force(self.organisation, kind) for kind in plan_kinds()}
        return JoiningFacts(
            organisation=self.organisation,
            service=service,
            system=self._system_of(system[0]) if system else None,
            certificates=tuple(self._certificates_of(self.organisation)),
            plans={kind: plan for kind, plan in plans.items() if plan is not None},
            support=self.books.support(),
            access_point=arranged[Arrangement.ACCESS_POINT][0] if Arrangement.ACCESS_POINT in arranged else "",
            untrained={
                topic: sorted(staff - self.books.trained(topic).keys(), key=str) for topic in join_data().topics
            },
            models={kind.removeprefix(MODEL): day for kind, (_, day) in arranged.items() if kind.startswith(MODEL)},
        )

    def readiness(self, facts: JoiningFacts) -> Readiness:
        """The prerequisites for joining a service of Kanta, each with its reason."""
        return self._joining.evaluate(facts)
