"""Whether somebody may work here now: a right in force, told by Valvira, and access, given by the organisation.

The right is asked of the role and attribute service over mutual TLS, at login and with every change. What it does not
tell is not assumed: while it is silent nobody changes anything, and an old answer is followed and said
(docs/field/registration.md 9.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sotepki.identifiers import RegistrationNumber
from sotepki.journey.sending import client_context
from sotepki.journey.service_provider import ServiceIdentity
from sotepki.provider import AttributeClient, Standing, Unanswered, tasks
from sotepki.provider.task_list import obstacle
from sotepki.reference_system.surroundings import TASK, Surroundings, rules

OLD = timedelta(hours=1)
"""Older answers are noted in the audit log: the service then tells of another time than the present."""
_SECONDS = 5.0

Told = Callable[[str], None]


@dataclass(frozen=True)
class AttributeService:
    """The role and attribute service at ``url``, asked with the system's server certificate; ``StaffRights``.

    Each question has a connection of its own: logins are rare, and threads do not share one.

    Attributes:
        name: the host name in the service's certificate.
        roots: PEM of the roots that its certificate must lead to.
    """

    url: str
    name: str
    roots: str
    server: ServiceIdentity
    seconds: float = _SECONDS

    def standing(self, number: RegistrationNumber, at: datetime, *, prescriber: bool) -> Standing | Unanswered:
        """As ``StaffRights.standing``."""
        context = client_context(self.roots, self.server)
        with AttributeClient(self.url, context, server_name=self.name, seconds=self.seconds) as client:
            return client.standing(number, at, prescriber=prescriber)


def check_rights(world: Surroundings, number: RegistrationNumber, told: Told = lambda _sentence: None) -> None:
    """Let a professional pass who has a right in force for the task and has been given it.

    Args:
        told: takes a sentence for the audit log when the answer was an old one.

    Raises:
        Refused: ``ref.login.right``, ``ref.login.access``, ``ref.login.rights-unknown``, and
            ``access.attribute-service``: the service does not admit this system.
    """
    now = world.clock.now()
    standing = world.asked.standing(number, now, prescriber=False)
    if isinstance(standing, Unanswered):
        raise rules().refusal(
            "ref.login.rights-unknown", f"Whether you have a right in force could not be asked. {standing.sentence}"
        )
    if standing.told_for is not None and now - standing.told_for > OLD:
        told(f"Valvira's answer tells of {standing.told_for.isoformat()}.")
    if not standing.rights:
        raise rules().refusal("ref.login.right", "The professional has no right in force.")
    if (why := obstacle(tasks()[TASK], standing)) is not None:
        raise rules().refusal("ref.login.right", why.sentence)
    if not world.has_access(number, TASK):
        raise rules().refusal(
            "ref.login.access", f"{world.organisation.name} has not given access to client records, or has ended it."
        )
