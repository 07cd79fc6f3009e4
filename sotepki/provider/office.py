"""The office of one provider: its access rights, its sweep, its way into Kanta."""

from __future__ import annotations

from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.provider.access import Access, AccessRights, Sweep
from sotepki.provider.joining import Joining, JoiningFacts, Readiness, StatusOf
from sotepki.records import Records
from sotepki.registers import OrganisationRegister, RightsRegister


class Provider:
    """A service provider or pharmacy. ``status`` tells the state of a certificate, as OCSP does."""

    def __init__(
        self,
        records: Records,
        rights: RightsRegister,
        organisations: OrganisationRegister,
        organisation: Oid,
        status: StatusOf,
    ) -> None:
        self.organisation = organisation
        self.access = AccessRights(records, rights, organisations)
        self._joining = Joining(records, organisations, self.access, status)

    def grant_access(self, registration_number: RegistrationNumber, task: str, *, actor: str) -> Access:
        """Give a professional a task of this organisation; see ``AccessRights.grant``."""
        return self.access.grant(self.organisation, registration_number, task, actor=actor)

    def may(self, registration_number: RegistrationNumber, task: str) -> bool:
        """Whether a person may do a task here now."""
        return self.access.may(self.organisation, registration_number, task)

    def sweep(self, *, actor: str = "sweep") -> Sweep:
        """End every access right that no longer rests on a right in force."""
        return self.access.sweep(self.organisation, actor=actor)

    def readiness(self, facts: JoiningFacts) -> Readiness:
        """The prerequisites for joining Kanta, each with its reason."""
        return self._joining.evaluate(facts)
