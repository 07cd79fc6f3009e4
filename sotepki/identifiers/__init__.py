"""Identifiers of people, organisations, rights and objects: one type each, which parses or refuses.

A value of one of these types is always well formed: the constructor checks it, ``parse`` adds the question whether a
TEST environment may take it. Two identifiers are equal if their whole strings are equal; nothing is folded, padded or
trimmed, because a leading zero or a century sign is part of the identity.
"""

from sotepki.identifiers.business_id import BusinessId
from sotepki.identifiers.check import CHECK_CHARACTERS, check_character
from sotepki.identifiers.hetu import Hetu, holds_identity_code
from sotepki.identifiers.host_name import is_host_name
from sotepki.identifiers.oid import Oid, business_id_of, document_oid, organisation_oid, register_keeper_oid
from sotepki.identifiers.plain_text import is_blank, is_plain_line
from sotepki.identifiers.prescriber_id import PrescriberId
from sotepki.identifiers.registration_number import RegistrationNumber
from sotepki.identifiers.satu import Satu

__all__ = [
    "CHECK_CHARACTERS",
    "BusinessId",
    "Hetu",
    "Oid",
    "PrescriberId",
    "RegistrationNumber",
    "Satu",
    "business_id_of",
    "check_character",
    "document_oid",
    "holds_identity_code",
    "is_blank",
    "is_host_name",
    "is_plain_line",
    "organisation_oid",
    "register_keeper_oid",
]
