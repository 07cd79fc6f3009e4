"""Where the exercises of the service provider's notebook begin."""

from __future__ import annotations

from sotepki.dvv import ApplicationKind
from sotepki.errors import Fault
from sotepki.journey import Cast
from sotepki.journey.service_provider import service_identity
from sotepki.workspace import Workspace


def renew_and_revoke(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """A pharmacy has a server certificate, whose key may have gone astray."""
    pharmacy, user = workspace.thl.organisation(cast.organisation("coast-pharmacy")), cast.person("technical-contact")
    if pharmacy is None:
        raise Fault("The test world lacks its pharmacy on the coast.")
    host = f"kanta.{pharmacy.domains[0]}"
    subject = {"C": "FI", "ST": "Finland", "L": pharmacy.municipality, "O": pharmacy.name, "CN": host}
    workspace.service_certificates.open_account(pharmacy.oid, user=user)
    made = service_identity(
        workspace, pharmacy, ApplicationKind.SERVER, user, subject, (host,), workspace.directory / "coast-pharmacy"
    )
    return {"application": made.application, "host": host}
