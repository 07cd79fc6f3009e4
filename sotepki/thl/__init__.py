"""THL: the SOTE organisation register with the register of Kanta intermediaries, and the code service."""

from sotepki.thl.codes import Code, CodeSystem
from sotepki.thl.kinds import OrganisationKind
from sotepki.thl.office import Thl

__all__ = ["Code", "CodeSystem", "OrganisationKind", "Thl"]
