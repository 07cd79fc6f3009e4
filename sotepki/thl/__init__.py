"""THL: the SOTE organisation register with the register of Kanta intermediaries, and the code service."""

from sotepki.thl.codes import Code, CodeSystem
from sotepki.thl.entering import Entered
from sotepki.thl.history import Page, Wanted
from sotepki.thl.kinds import OrganisationKind
from sotepki.thl.office import Thl
from sotepki.thl.steering import Requirement, Steering, SteeringDocument
from sotepki.thl.valveri import Arrival, ArrivalState

__all__ = [
    "Arrival",
    "ArrivalState",
    "Code",
    "CodeSystem",
    "Entered",
    "OrganisationKind",
    "Page",
    "Requirement",
    "Steering",
    "SteeringDocument",
    "Thl",
    "Wanted",
]
