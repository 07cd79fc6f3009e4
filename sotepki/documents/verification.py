"""Verifying a document of any family: structure, content, and every signature in it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

from lxml import etree

from sotepki.documents.content import EncodedPart, check_content, decoded_parts
from sotepki.documents.family import BodyForm
from sotepki.documents.identity_codes import malformed_client_codes, real_looking_codes
from sotepki.documents.outline import Outline, SignatureEntry, outline, signature_entries
from sotepki.documents.people import parties
from sotepki.documents.report import (
    DocumentReport,
    VerificationContext,
    VerifiedSignature,
    all_rules,
)
from sotepki.documents.signature_checks import judge_signature
from sotepki.documents.vocabulary import finland
from sotepki.errors import Refused
from sotepki.xmldsig import Judgement, path_of, read_xml

MAX_SIGNATURES = 20
MAX_NAMED = 20
"""How many codes of one kind are named; a report stays readable, and a hostile document cannot fill memory."""

METADATA: Final = {
    name: finland(name)
    for name in (
        "specificDocumentType",
        "creationTime",
        "documentGroup",
        "fileFormat",
        "softwareSupport",
        "functionCode",
        "recordStatus",
        "registryType",
    )
}
"""Elements of localSocialHeader that every specimen has and that fit every document, with their names in lxml's form
(docs/field/kanta.md 5).
"""


def verify_document(document: bytes, context: VerificationContext) -> DocumentReport:
    """Judge a document. Takes any bytes and never raises for what they hold."""
    judgement = Judgement(all_rules())
    try:
        parts = outline(read_xml(document))
    except Refused as refusal:
        judgement.refuse(refusal)
        return DocumentReport(judgement.verdict, judgement.findings)
    decoded = decoded_parts(parts.body) if _encoded(parts) else {}
    _check_header(parts, decoded, judgement)
    _check_codes(parts, decoded, judgement)
    known = parties(parts)
    signatures: list[VerifiedSignature] = []
    body: tuple[bytes, ...] | None = None
    for entry in _entries(parts, judgement):
        signature, pieces = judge_signature(parts, known, entry, context, judgement)
        signatures.append(signature)
        body = body or pieces
    return DocumentReport(
        verdict=judgement.verdict,
        findings=judgement.findings,
        signatures=tuple(signatures),
        document_id=parts.document_id,
        set_id=parts.set_id,
        version=parts.version,
        custodian=known.custodian,
        clients=known.clients,
        authors=known.authors,
        register=known.register,
        body_pieces=body,
        family=parts.family.id,
    )


def _entries(parts: Outline, judgement: Judgement) -> tuple[SignatureEntry, ...]:
    try:
        entries = signature_entries(parts)
    except Refused as refusal:
        judgement.refuse(refusal)
        return ()
    if len(entries) > MAX_SIGNATURES:
        judgement.find(
            "doc.signature.too-many",
            f"The document has {len(entries)} signatures; none of them was examined.",
            settles=False,
        )
        return ()
    if _encoded(parts) and parts.collection is not None and parts.collection.getnext() is not None:
        judgement.find("doc.signature.place", "signatureCollection is not the last element of localSocialHeader.")
    return entries


def _check_header(parts: Outline, decoded: Mapping[etree._Element, EncodedPart], judgement: Judgement) -> None:
    if not _encoded(parts):
        return
    missing = [name for name, tag in METADATA.items() if tag not in parts.entries]
    if missing:
        judgement.find(
            "doc.metadata",
            "localSocialHeader lacks metadata elements.",
            expected=", ".join(METADATA),
            found="without " + ", ".join(missing),
        )
    try:
        check_content(parts.body, decoded)
    except Refused as refusal:
        judgement.find(refusal.rule, refusal.sentence)


def _encoded(parts: Outline) -> bool:
    return parts.family.body.content is BodyForm.ENCODED


def _check_codes(parts: Outline, decoded: Mapping[etree._Element, EncodedPart], judgement: Judgement) -> None:
    for refusal, element in islice(malformed_client_codes(parts.root), MAX_NAMED):
        judgement.find("doc.hetu.form", refusal.sentence, where=path_of(element))
    seen: set[str] = set()
    for code, element in real_looking_codes(parts.document, decoded):
        if code in seen:
            continue
        seen.add(code)
        judgement.find(
            "doc.hetu.test-only",
            "The document holds a personal identity code that is not of the 900-series.",
            expected="an individual number of 900 to 999",
            found=f"{code[:7]}****",
            where=path_of(element),
        )
        if len(seen) == MAX_NAMED:
            return
