"""How the reference system decides what a professional may do: it asks before every task, by the number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from conformance.sut.facets_rights import AtWork, RightsDecision, RightsService, RightsTask, RightsTrouble
from sotepki.clock import Clock
from sotepki.identifiers import RegistrationNumber
from sotepki.journey.sending import client_context
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.provider.attribute_client import AttributeClient
from sotepki.provider.staff_rights import StaffRights, Standing, Unanswered

NO_PRESCRIBING = "10"
"""The target of a restriction on prescribing (docs/field/registration.md 10: confirmed)."""

YES = RightsDecision(True)


@dataclass(frozen=True)
class RightsChecks:
    """Opens working sessions; ``work`` is the kind of session, which a mutant replaces."""

    identity: ServiceIdentity
    clock: Clock
    work: type[WorkingSession]
    proceeds_unasked: bool = False

    @contextmanager
    def session(self, number: RegistrationNumber, name: str, service: RightsService) -> Iterator[AtWork]:
        roots = "".join(root.public_bytes(Encoding.PEM).decode() for root in service.trust.roots)
        context = client_context(roots, self.identity)
        with AttributeClient(service.url, context) as asked:
            yield self.work(asked, number, name, self.clock)


@dataclass
class WorkingSession:
    """One professional at work."""

    service: StaffRights
    number: RegistrationNumber
    name: str
    clock: Clock

    def attempt(self, task: RightsTask) -> RightsDecision:
        found = self.standing()
        return self.unanswered() if isinstance(found, Unanswered) else self.decided(task, found)

    def standing(self) -> Standing | Unanswered:
        """What the service says now."""
        return self.service.standing(self.number, self.clock.now(), prescriber=True)

    def unanswered(self) -> RightsDecision:
        """What follows when nobody could tell."""
        return RightsDecision(False, RightsTrouble.NOT_ASKED)

    def decided(self, task: RightsTask, standing: Standing) -> RightsDecision:
        """What follows from an answer."""
        if not standing.rights:
            return RightsDecision(False, RightsTrouble.NO_RIGHT)
        return self.prescribing(standing) if task is RightsTask.PRESCRIBE else YES

    def prescribing(self, standing: Standing) -> RightsDecision:
        """Whether somebody with a right may prescribe."""
        if not standing.prescriber:
            return RightsDecision(False, RightsTrouble.NO_PRESCRIBER)
        if all(NO_PRESCRIBING in right.restrictions for right in standing.rights):
            return RightsDecision(False, RightsTrouble.RESTRICTED)
        return YES
