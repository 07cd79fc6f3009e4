"""Where the tasks at Valvira's desk begin."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sotepki.clock import HELSINKI, finnish_day
from sotepki.errors import Misuse
from sotepki.journey import Cast
from sotepki.registers import Professional
from sotepki.valvira.supervision import EvidenceKind
from sotepki.workspace import Workspace


def decision_for_a_time(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """A decision about a physician that ends after sixty days."""
    physician = _professional(workspace, cast, "physician")
    last_day = finnish_day(workspace.clock.now()) + timedelta(days=60)
    return {"number": physician.registration_number.value, "last_day": last_day.isoformat()}


def own_request(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """A nurse who wants to lose her right at a midnight to come."""
    nurse = _professional(workspace, cast, "nurse")
    day = finnish_day(workspace.clock.now()) + timedelta(days=30)
    return {
        "number": nurse.registration_number.value,
        "day": day.isoformat(),
        "moment": datetime.combine(day, time(), HELSINKI).isoformat(),
    }


def notified_system(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """A system of class A2 with a security certificate, notified and not yet registered."""
    del cast
    office = workspace.supervision
    found = office.notify(
        name="Lumikko", version="2.0", system_class="A2", kind="information-system", purpose="asiakastiedot",
        producer="Ohjelmistotalo Kaarna Oy TEST", actor="producer",
    )  # fmt: skip
    office.attach(
        found.id, EvidenceKind.SECURITY_CERTIFICATE, number="TT-31", issuer="Arviointilaitos TEST",
        issued_on=finnish_day(workspace.clock.now()), actor="valvira",
    )  # fmt: skip
    return {"system": found.id}


def _professional(workspace: Workspace, cast: Cast, part: str) -> Professional:
    found = workspace.valvira.professional_of(cast.person(part))
    if found is None:
        raise Misuse(f"The {part} of the test world is not in the register.", advice="Begin with a new workspace.")
    return found
