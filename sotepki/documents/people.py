"""What a document says in its header about the people and organisations concerned. Headers are not signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from sotepki.documents.outline import Outline, first
from sotepki.documents.vocabulary import HETU_ROOT, REGISTER_TYPES, REGISTRATION_NUMBER_ROOT, finland, hl7

_CLIENT, _AUTHOR, _CUSTODIAN = map(hl7, ("recordTarget", "author", "custodian"))
_CLIENT_IDS = (_CLIENT, hl7("patientRole"), hl7("id"))
_AUTHOR_IDS = (_AUTHOR, hl7("assignedAuthor"), hl7("id"))
_AUTHOR_ORGANISATION = (_AUTHOR, hl7("assignedAuthor"), hl7("representedOrganization"), hl7("id"))
_CUSTODIAN_ID = (_CUSTODIAN, hl7("assignedCustodian"), hl7("representedCustodianOrganization"), hl7("id"))
_REGISTER = finland("registryType")
_SIGNER_ID, _SIGNER, _NAME, _METHOD, _TIME = map(
    finland, ("assignedAuthorSigner", "signer", "name", "authenticationMethod", "time")
)


@dataclass(frozen=True)
class SignerBlock:
    """The professional's signature metadata in localSocialHeader (docs/field/kanta.md 3.1, 4).

    ``complete`` tells whether assignedAuthorSigner, signer/name, authenticationMethod and time are all there.
    """

    registration_numbers: tuple[str, ...]
    authentication_methods: tuple[tuple[str, str], ...]
    complete: bool


@dataclass(frozen=True)
class Parties:
    """Identifiers in the header: clients' hetus, authors' registration numbers, the custodian's OID, the register's
    code (empty where the family has none).
    """

    clients: tuple[str, ...]
    authors: tuple[str, ...]
    custodian: str
    register: str
    signer: SignerBlock


def parties(parts: Outline) -> Parties:
    """Read the parties from the (unsigned) header; what is missing is empty."""
    return Parties(
        clients=_extensions(_below(parts, _CLIENT_IDS), HETU_ROOT),
        authors=author_numbers(parts),
        custodian=custodian_oid(parts),
        register=_register(parts),
        signer=signer_block(parts),
    )


def author_numbers(parts: Outline) -> tuple[str, ...]:
    """The registration numbers of the authors."""
    return _extensions(_below(parts, _AUTHOR_IDS), REGISTRATION_NUMBER_ROOT)


def author_organisation(parts: Outline) -> str:
    """The OID of the first author's organisation."""
    organisations = _below(parts, _AUTHOR_ORGANISATION)
    return organisations[0].get("root") or "" if organisations else ""


def custodian_oid(parts: Outline) -> str:
    """The OID of the organisation that keeps the document."""
    custodians = _below(parts, _CUSTODIAN_ID)
    return custodians[0].get("root") or "" if custodians else ""


def _register(parts: Outline) -> str:
    element = first(parts.entries, _REGISTER)
    return "" if element is None or element.get("codeSystem") != REGISTER_TYPES else element.get("code") or ""


def signer_block(parts: Outline) -> SignerBlock:
    """The professional's signature metadata."""
    entries = parts.entries
    signers = entries.get(_SIGNER_ID, ())
    if not signers:
        return SignerBlock((), (), False)
    identifiers = [element for signer in signers for element in signer.iter() if element.get("extension")]
    methods = entries.get(_METHOD, ())
    names = [signer.find(_NAME) for signer in entries.get(_SIGNER, ())]
    times = entries.get(_TIME, ())
    return SignerBlock(
        registration_numbers=_extensions(identifiers, REGISTRATION_NUMBER_ROOT),
        authentication_methods=tuple((m.get("code") or "", m.get("codeSystem") or "") for m in methods),
        complete=bool(
            signers
            and methods
            and any(name is not None for name in names)
            and any(time.get("value") for time in times)
        ),
    )


def _below(parts: Outline, path: tuple[str, ...]) -> Sequence[etree._Element]:
    """What stands at ``path`` below ClinicalDocument."""
    elements = parts.top.get(path[0], ())
    for name in path[1:]:
        elements = [child for element in elements for child in element.iterchildren(name)]
    return elements


def _extensions(elements: Sequence[etree._Element], root: str) -> tuple[str, ...]:
    return tuple(element.get("extension") or "" for element in elements if element.get("root") == root)
