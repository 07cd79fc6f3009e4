"""Valvira: professional rights and their history, the public and the attribute service, supervision of systems."""

from sotepki.valvira.approved_systems import ApprovedSystem, ApprovedSystems
from sotepki.valvira.authority import AuthorityName, authority_name
from sotepki.valvira.lookups import RightCode
from sotepki.valvira.office import Valvira
from sotepki.valvira.public_service import PublicEntry, PublicRight
from sotepki.valvira.supervision import Supervision

__all__ = [
    "ApprovedSystem",
    "ApprovedSystems",
    "AuthorityName",
    "PublicEntry",
    "PublicRight",
    "RightCode",
    "Supervision",
    "Valvira",
    "authority_name",
]
