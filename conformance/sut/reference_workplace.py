"""The workplace of the reference system: what stands on the desk, what checks rights, the papers in the drawer."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from conformance.bench import Bench
from conformance.bench.errands import CardInHand
from conformance.sut.reference_card import CardDesk
from conformance.sut.reference_paperwork import ReferencePaperwork
from conformance.sut.reference_rights import RightsChecks, WorkingSession
from conformance.sut.reference_scs import ReferenceScs, ScsPages
from conformance.sut.reference_token import ReferenceToken
from sotepki.card import InsertedCard
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.registers import Organisation


@dataclass(frozen=True)
class Workplace:
    """The parts, by their names in ``SystemUnderTest``; a mutant replaces one of them."""

    card_desk: CardDesk
    token: ReferenceToken
    scs: ReferenceScs
    scs_user: ScsPages
    rights: RightsChecks
    papers: ReferencePaperwork

    def facets(self) -> dict[str, Any]:
        """The parts as facets."""
        return {part.name: getattr(self, part.name) for part in fields(self)}


def workplace_of(
    bench: Bench,
    organisation: Organisation,
    card: CardInHand,
    inserted: InsertedCard,
    server: ServiceIdentity,
    system_signature: ServiceIdentity,
) -> Workplace:
    """The workplace with the card in its reader and both service certificates of the system."""
    return Workplace(
        card_desk=CardDesk(bench.clock),
        token=ReferenceToken(bench, system_signature),
        scs=ReferenceScs(bench, card, inserted),
        scs_user=ScsPages(bench),
        rights=RightsChecks(server, bench.clock, WorkingSession),
        papers=ReferencePaperwork(organisation, bench.clock),
    )
