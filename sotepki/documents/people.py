"""What a document says in its header about the people and organisations concerned. Headers are not signed."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from sotepki.documents.outline import Outline
from sotepki.documents.vocabulary import HETU_ROOT, REGISTRATION_NUMBER_ROOT, finland, hl7

_AUTHOR = hl7("author")
_AUTHOR_IDS = "/".join(map(hl7, ("assignedAuthor", "id")))
_AUTHOR_ORGANISATION = "/".join(map(hl7, ("author", "assignedAuthor", "representedOrganization", "id")))
_CUSTODIAN_ID = "/".join(map(hl7, ("custodian", "assignedCustodian", "representedCustodianOrganization", "id")))


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
    """Identifiers in the header: clients' hetus, authors' registration numbers, the custodian's OID."""

    clients: tuple[str, ...]
    authors: tuple[str, ...]
    custodian: str
    signer: SignerBlock


def parties(parts: Outline) -> Parties:
    """Read the parties from the (unsigned) header; what is missing is empty."""
    clients = parts.root.findall(f"{hl7('recordTarget')}/{hl7('patientRole')}/{hl7('id')}")
    return Parties(
        clients=_extensions(clients, HETU_ROOT),
        authors=author_numbers(parts),
        custodian=custodian_oid(parts),
        signer=signer_block(parts),
    )


def author_numbers(parts: Outline) -> tuple[str, ...]:
    """The registration numbers of the authors."""
    authors = parts.root.iterchildren(_AUTHOR)
    return _extensions([i for author in authors for i in author.iterfind(_AUTHOR_IDS)], REGISTRATION_NUMBER_ROOT)


def author_organisation(parts: Outline) -> str:
    """The OID of the first author's organisation."""
    organisation = parts.root.find(_AUTHOR_ORGANISATION)
    return "" if organisation is None else organisation.get("root") or ""


def custodian_oid(parts: Outline) -> str:
    """The OID of the organisation that keeps the document."""
    custodian = parts.root.find(_CUSTODIAN_ID)
    return "" if custodian is None else custodian.get("root") or ""


def signer_block(parts: Outline) -> SignerBlock:
    """The professional's signature metadata."""
    header = parts.header
    signers = header.findall(finland("assignedAuthorSigner"))
    if not signers:
        return SignerBlock((), (), False)
    identifiers = [element for signer in signers for element in signer.iter() if element.get("extension")]
    methods = header.findall(finland("authenticationMethod"))
    names = [signer.find(finland("name")) for signer in header.findall(finland("signer"))]
    times = header.findall(finland("time"))
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


def _extensions(elements: list[etree._Element], root: str) -> tuple[str, ...]:
    return tuple(element.get("extension") or "" for element in elements if element.get("root") == root)
