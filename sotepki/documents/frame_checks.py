"""A message frame against the document that it carries: where the two contradict each other, and unusual forms.

What the frame does not say is not asked for: its elements were observed in a few messages only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from sotepki.documents.family import families
from sotepki.documents.frame import Frame
from sotepki.documents.report import DocumentReport, rules
from sotepki.documents.vocabulary import KANTA_RECEIVER, SignatureKind
from sotepki.errors import Refused
from sotepki.evidence import Finding
from sotepki.xmldsig import parse

INTERACTION_ROOT = "2.16.840.1.113883.1.6"
_MESSAGE = "RCMR_IN"


def is_frame(data: bytes) -> bool:
    """Whether the bytes are a message that should carry a document, by the name of its document element."""
    if _MESSAGE.encode() not in data:
        return False
    try:
        return etree.QName(parse(data)).localname.startswith(_MESSAGE)
    except Refused:
        return False


def check_frame(frame: Frame, document: DocumentReport, *, receiver: str = KANTA_RECEIVER) -> tuple[Finding, ...]:
    """What the frame and the document in it contradict each other in, and unusual forms.

    Args:
        receiver: OID to which the frame should be addressed; an environment of Kanta may have one of its own.
    """
    return (
        *_identifiers(frame, document),
        *_parties(frame, document),
        *_signers(frame, document),
        *_form(frame, document, receiver),
    )


def _identifiers(frame: Frame, document: DocumentReport) -> Iterator[Finding]:
    if frame.document_id.value != document.document_id:
        yield _differing(
            "frame.document-id",
            "The frame names another document than the one it carries.",
            document.document_id,
            frame.document_id.value,
        )
    set_id = str(frame.set_id or "")
    # A document without a setId is the first of its set, which then bears its id; its frame may say so or not.
    if set_id not in ((document.set_id,) if document.set_id else ("", document.document_id)):
        yield _differing("frame.set-id", "The frame's setId is not the document's.", document.set_id, set_id)
    if frame.version and frame.version != str(document.version):
        yield _differing(
            "frame.version", "The frame's versionNumber is not the document's.", str(document.version), frame.version
        )


def _parties(frame: Frame, document: DocumentReport) -> Iterator[Finding]:
    if frame.custodian and frame.custodian != document.custodian:
        yield _differing(
            "frame.custodian",
            "The frame names another custodian than the document.",
            document.custodian,
            frame.custodian,
        )
    if frame.clients and set(frame.clients) != set(document.clients):
        yield _differing(
            "frame.client",
            "The frame is about another client than the document.",
            _listed(map(_shortened, document.clients)),
            _listed(map(_shortened, frame.clients)),
        )
    if frame.authors and set(frame.authors) != set(document.authors):
        yield _differing(
            "frame.author",
            "The frame names other authors than the document.",
            _listed(document.authors),
            _listed(frame.authors),
        )
    if frame.registers and document.register and set(frame.registers) != {document.register}:
        yield _differing(
            "frame.register",
            "The frame names another register than the document.",
            document.register,
            _listed(frame.registers),
        )


def _signers(frame: Frame, document: DocumentReport) -> Iterator[Finding]:
    for signature in document.signatures:
        if signature.kind is SignatureKind.SYSTEM and signature.signer != frame.sender.value:
            yield _differing(
                "frame.sender",
                "The sender of the message is not the organisation that signed the document.",
                signature.signer,
                frame.sender.value,
            )
        if signature.kind is SignatureKind.PROFESSIONAL and frame.authors and signature.signer not in frame.authors:
            yield _differing(
                "frame.author-certificate",
                "The professional who signed the document is not among the frame's authors.",
                signature.signer,
                _listed(frame.authors),
            )


def _form(frame: Frame, document: DocumentReport, receiver: str) -> Iterator[Finding]:
    family = families().get(document.family)
    if family is not None and frame.name not in (family.frame.interaction, *family.frame.others):
        yield _differing(
            "frame.family",
            f"The message is not the one that carries a {family.title.lower()}.",
            family.frame.interaction,
            frame.name,
        )
    if frame.interaction != (INTERACTION_ROOT, frame.name):
        yield _differing(
            "frame.interaction",
            "interactionId is not the usual one.",
            f"{INTERACTION_ROOT} {frame.name}",
            " ".join(frame.interaction),
        )
    if frame.receiver != receiver:
        yield _differing("frame.receiver", "The receiver is not Kanta's.", receiver, frame.receiver)


def _differing(rule: str, message: str, expected: str, found: str) -> Finding:
    return rules().finding(rule, message, expected=expected[:120], found=found[:120])


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values) or "none"


def _shortened(code: str) -> str:
    """An identity code without its last characters; reports go further than documents."""
    return f"{code[:7]}****"
