"""What Vartti asks other registers about a person and an organisation at a moment: nothing is kept from before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sotepki.dvv.registration.points import Registrar
from sotepki.dvv.vartti.case import CardCase, chosen_right, organisation_key
from sotepki.dvv.vartti.data import PROFESSIONAL
from sotepki.dvv.vartti.orders import employment_of
from sotepki.dvv.vartti.seams import PointAuthorisations
from sotepki.dvv.vartti.tables import CardOrderRow
from sotepki.identifiers import Hetu, Oid
from sotepki.registers import OrganisationRegister, PopulationRegister, RightsRegister


@dataclass(frozen=True)
class Registers:
    """The registers as Vartti sees them. Without an organisation register no personnel or actor card is made."""

    population: PopulationRegister
    rights: RightsRegister
    authorisations: PointAuthorisations
    organisations: OrganisationRegister | None = None

    def case(
        self,
        hetu: Hetu,
        now: datetime,
        *,
        kind: str = PROFESSIONAL,
        right_code: str = "",
        employer: Oid | None = None,
    ) -> CardCase:
        """What the registers say about a person, and the organisation of a personnel or actor card."""
        professional = self.rights.professional_of(hetu)
        rights = tuple(self.rights.rights_in_force(professional.registration_number, now)) if professional else ()
        organisation = None
        if kind != PROFESSIONAL and employer is not None and self.organisations is not None:
            organisation = self.organisations.organisation(employer)
        return CardCase(
            now=now,
            hetu=hetu,
            kind=kind,
            person=self.population.person(hetu),
            professional=professional,
            rights=rights,
            right_code=right_code,
            right=chosen_right(rights, right_code),
            employer=employer,
            organisation=organisation,
        )

    def case_of(self, row: CardOrderRow, now: datetime) -> CardCase:
        """What the registers say now about the holder of an order."""
        employer = Oid(row.employer) if row.employer else None
        case = self.case(Hetu(row.hetu), now, kind=row.kind, right_code=row.right_code, employer=employer)
        return replace(case, employment=employment_of(row), by_post=row.delivery == "post")

    def authorised(self, registrar: Registrar, organisation: Oid | None) -> bool:
        """Whether an organisation may use a registrar's point: its own, or one that it authorised."""
        if organisation is None:
            return False
        if organisation_key(organisation) == organisation_key(registrar.point.organisation):
            return True
        return self.authorisations.authorised(organisation, registrar.point.id)
