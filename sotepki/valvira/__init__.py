"""Valvira: professional rights in Terhikki and Suosikki, their history, and the public information service."""

from sotepki.valvira.authority import AuthorityName, authority_name
from sotepki.valvira.lookups import RightCode
from sotepki.valvira.office import Valvira
from sotepki.valvira.public_service import PublicEntry, PublicRight

__all__ = ["AuthorityName", "PublicEntry", "PublicRight", "RightCode", "Valvira", "authority_name"]
