"""Verifying a document of any family: structure, content, and every signature in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from lxml import etree

from sotepki.documents.content import EncodedPart, check_content, decoded_parts
from sotepki.documents.family import BodyForm, Metadata
from sotepki.documents.identity_codes import malformed_client_codes, real_looking_codes
from sotepki.documents.outline import Outline, SignatureEntry, first, outline, signature_entries
from sotepki.documents.people import parties
from sotepki.documents.report import (
    DocumentReport,
    VerificationContext,
    VerifiedSignature,
    all_rules,
)
from sotepki.documents.signature_checks import judge_signature
from sotepki.errors import Refused
from sotepki.xmldsig import Judgement, path_of, read_xml

MAX_SIGNATURES = 20
MAX_NAMED = 20
"""How many codes of one kind are named; a report stays readable, and a hostile document cannot fill memory."""


def verify_document(document: bytes, context: VerificationContext) -> DocumentReport:
    """Judge a document. Takes any bytes and never raises for what they hold."""
    judgement = Judgement(all_rules())
    try:
        parts = outline(read_xml(document))
    except Refused as refusal:
        return unread(refusal)
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


def unread(refusal: Refused) -> DocumentReport:
    """The answer about bytes that could not be read so far that a document was found in them."""
    judgement = Judgement(all_rules())
    judgement.refuse(refusal)
    return DocumentReport(judgement.verdict, judgement.findings)


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
    follower = next(parts.header.itersiblings("*"), None)
    if follower is None or follower.tag != parts.family.body.path[0]:
        judgement.find("doc.header.place", f"{parts.family.header.name} does not stand right before component.")
    if parts.family.metadata is not None:
        _check_metadata(parts, parts.family.metadata, judgement)
    if _encoded(parts):
        try:
            check_content(parts.body, decoded)
        except Refused as refusal:
            judgement.find(refusal.rule, refusal.sentence)


def _check_metadata(parts: Outline, known: Metadata, judgement: Judgement) -> None:
    missing = [tag for tag in known.required if tag not in parts.entries]
    if missing:
        judgement.find(
            "doc.metadata",
            f"{parts.family.header.name} lacks metadata elements.",
            expected=_listed(known.required),
            found=f"without {_listed(missing)}",
        )
    for tag, system in known.code_systems.items():
        element = first(parts.entries if tag in parts.entries else parts.top, tag)
        found = "" if element is None else element.get("codeSystem") or "none"
        if found not in ("", system):
            judgement.find(
                "doc.metadata.code-system",
                f"The code of {_listed([tag])} is of another code system than in the known documents.",
                expected=system,
                found=found[:80],
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name.rpartition("}")[2] for name in names)


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
