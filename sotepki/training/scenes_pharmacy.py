"""Where the exercises of the pharmacy's notebook begin."""

from __future__ import annotations

from sotepki.errors import Fault
from sotepki.journey import Cast
from sotepki.workspace import Workspace


def restricted_farmaseutti(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """The only dispenser of a pharmacy has been barred from handling medicines; its books know nothing of it."""
    professional = workspace.valvira.professional_of(cast.person("farmaseutti"))
    if professional is None:
        raise Fault("The test world lacks its farmaseutti.")
    number, right = professional.registration_number, professional.rights[0]
    pharmacy = workspace.provider(cast.organisation("coast-pharmacy"))
    if not pharmacy.access.holds(pharmacy.organisation, number, "dispensing"):
        pharmacy.grant_access(number, "dispensing", actor="trainer")
    if "20" not in right.restrictions:
        workspace.valvira.restrict_right(number, right.code, ["20"], actor="valvira", reason="supervision")
    return {"name": f"{professional.person.first_name} {professional.person.surname}"}
