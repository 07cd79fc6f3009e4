"""The papers of the reference system: everything in place and in time, counted from the day of the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from conformance.sut.facets import CertificateRole
from conformance.sut.facets_paperwork import (
    Applicant,
    CertificateOrder,
    JointTest,
    OrganisationPapers,
    Paperwork,
    PlanPapers,
    RevocationPlan,
    SecurityCertificate,
    SystemPapers,
    Trained,
)
from sotepki.clock import Clock, finnish_day
from sotepki.provider.join_lists import join_data
from sotepki.provider.plans import plan_kinds
from sotepki.registers import Organisation

_SYSTEM_SIGNATURE_DAYS, _SERVER_DAYS = 700, 350


@dataclass(frozen=True)
class ReferencePaperwork:
    """The papers, dated by the clock."""

    organisation: Organisation
    clock: Clock

    def paperwork(self) -> Paperwork:
        """The record."""
        today, organisation = finnish_day(self.clock.now()), self.organisation
        return Paperwork(
            service="patient-data-repository",
            system=SystemPapers("Esimerkkijärjestelmä", "4.2", "A2", "TEST-1001", "4.2"),
            organisation=OrganisationPapers(
                organisation.oid.value,
                organisation.name,
                organisation.business_id.value,
                organisation.long_name or organisation.name,
            ),
            security=SecurityCertificate(
                "TEST-77", today - timedelta(days=200), today + timedelta(days=800), today + timedelta(days=600)
            ),
            joint_test=JointTest(
                today - timedelta(days=90), _not_in_july(today + timedelta(days=20)), "10012026", today
            ),
            orders=(
                self._order(CertificateRole.SERVER, today + timedelta(days=_SERVER_DAYS)),
                self._order(CertificateRole.SYSTEM_SIGNATURE, today + timedelta(days=_SYSTEM_SIGNATURE_DAYS)),
            ),
            plans=tuple(
                PlanPapers(kind, today - timedelta(days=30), today + timedelta(days=300), tuple(plan.parts))
                for kind, plan in plan_kinds().items()
            ),
            revocation=RevocationPlan("Tero Tekninen", 24, ("key disclosed", "no longer needed", "purpose changed")),
            access_point="through the provider's own system",
            people=tuple(Trained(person, tuple(join_data().topics)) for person in ("A. Lääkäri", "B. Hoitaja")),
        )

    def _order(self, role: CertificateRole, valid_to: date) -> CertificateOrder:
        return CertificateOrder(
            role=role,
            applicant=Applicant.CONTROLLER,
            organisation_name=self.organisation.name,
            organisation_oid=self.organisation.oid.value,
            contact_name="Tero Tekninen",
            contact_organisation=self.organisation.name,
            mailbox="varmenteet@klinikka.test.example",
            valid_to=valid_to,
            reorder_on=valid_to - timedelta(days=45),
        )


def _not_in_july(day: date) -> date:
    return day.replace(month=8, day=3) if day.month == 7 else day
