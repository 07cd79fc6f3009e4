"""The message frame around a document: RCMR_IN200002FI01 in social welfare (docs/field/kanta.md 6).

For health care an archiving interaction is recalled only; its frame is built in the same shape, without a
service request.

How the frame carries the document is not public; here it stands as base64 in ``clinicalDocument/text``, which keeps
it byte for byte (rule ``frame.carriage``: recalled).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from lxml import etree

from sotepki.documents.building import render
from sotepki.documents.family import families
from sotepki.documents.outline import outline
from sotepki.documents.people import parties
from sotepki.documents.report import DocumentReport, rules
from sotepki.documents.times import hl7_time
from sotepki.documents.vocabulary import KANTA_RECEIVER, SignatureKind, hl7
from sotepki.errors import Refused
from sotepki.evidence import Finding
from sotepki.identifiers import Oid
from sotepki.xmldsig import parse, read_xml

INTERACTION_ROOT = "2.16.840.1.113883.1.6"


@dataclass(frozen=True)
class Frame:
    """An opened frame.

    Attributes:
        document: the bytes of the document inside, unexamined.
        document_id, set_id: what the frame says of the document.
        service_request: empty in frames of families that have none.
        interaction: root and extension of interactionId.
        name: of the message's document element.
        receiver: the receiver's device id as written.
    """

    message_id: Oid
    sender: Oid
    service_request: str
    document: bytes = field(repr=False)
    document_id: Oid
    set_id: Oid | None
    interaction: tuple[str, str] = ("", "")
    receiver: str = ""
    name: str = ""


def build_frame(
    document: bytes, *, message_id: Oid, sender: Oid, at: datetime, service_request: str = "SP1"
) -> bytes:
    """A frame with ``document`` inside, of the interaction of the document's family.

    Args:
        sender: OID of the organisation that sends, equal to the custodian of a system-signed document.
        service_request: ``SP1`` for a client-relationship document, ``SP17`` for a client document; not written
            for families that have no service requests.

    Raises:
        Refused: the document is of no family (``xml.*``, ``doc.*``).
    """
    parts = outline(read_xml(document))
    known, rule = parties(parts), parts.family.frame
    return render(
        "message_frame.xml.j2",
        {
            "message_id": message_id,
            "created_ts": hl7_time(at),
            "receiver": KANTA_RECEIVER,
            "sender": sender,
            "interaction": rule.interaction,
            "service_request": service_request if rule.requests else "",
            "document_b64": base64.b64encode(document).decode("ascii"),
            "document": {
                "document_id": parts.document_id,
                "set_id": parts.set_id or parts.document_id,
                "version": parts.version,
                "clients": known.clients,
                "authors": known.authors,
                "custodian": known.custodian,
            },
        },
    )


def open_frame(frame: bytes) -> Frame:
    """Read a frame.

    Raises:
        Refused: ``xml.*``, ``frame.structure`` or ``frame.carriage``.
    """
    root = parse(frame)
    requests = _interactions().get(str(root.tag))
    if requests is None:
        raise _structure(f"The message is not {_names()} of urn:hl7-org:v3.")
    document = _only(root, "controlActProcess", "subject", "clinicalDocument")
    interaction = root.find(hl7("interactionId"))
    receiver = root.find(f"{hl7('receiver')}/{hl7('device')}/{hl7('id')}")
    act = _only(root, "controlActProcess")
    return Frame(
        message_id=_oid(_only(root, "id"), "message id"),
        sender=_oid(_only(root, "sender", "device", "id"), "sender"),
        service_request=_service_request(act) if requests else "",
        document=_carried(document),
        document_id=_oid(_only(document, "id"), "document id"),
        set_id=_oid(_only(document, "setId"), "setId") if document.find(hl7("setId")) is not None else None,
        interaction=(_attribute(interaction, "root"), _attribute(interaction, "extension")),
        receiver=_attribute(receiver, "root"),
        name=root.tag.rpartition("}")[2],
    )


def check_frame(frame: Frame, document_report: DocumentReport) -> tuple[Finding, ...]:
    """What the frame and the document in it contradict each other in, and unusual forms."""
    findings: list[Finding] = []
    book = rules()
    if frame.document_id.value != document_report.document_id:
        findings.append(
            book.finding(
                "frame.document-id",
                "The frame names another document than the one it carries.",
                expected=document_report.document_id,
                found=frame.document_id.value,
            )
        )
    if str(frame.set_id or "") != document_report.set_id:
        findings.append(
            book.finding(
                "frame.set-id",
                "The frame's setId is not the document's.",
                expected=document_report.set_id,
                found=str(frame.set_id or ""),
            )
        )
    for signature in document_report.signatures:
        if signature.kind is SignatureKind.SYSTEM and signature.signer != frame.sender.value:
            findings.append(
                book.finding(
                    "frame.sender",
                    "The sender of the message is not the organisation that signed the document.",
                    expected=signature.signer,
                    found=frame.sender.value,
                )
            )
    family = families().get(document_report.family)
    if family is not None and frame.name != family.frame.interaction:
        findings.append(
            book.finding(
                "frame.family",
                f"The message is not the one that carries a {family.title.lower()}.",
                expected=family.frame.interaction,
                found=frame.name,
            )
        )
    if frame.interaction != (INTERACTION_ROOT, frame.name):
        findings.append(
            book.finding(
                "frame.interaction",
                "interactionId is not the usual one.",
                expected=f"{INTERACTION_ROOT} {frame.name}",
                found=" ".join(frame.interaction)[:120],
            )
        )
    if frame.receiver != KANTA_RECEIVER:
        findings.append(
            book.finding(
                "frame.receiver",
                "The receiver is not Kanta's.",
                expected=KANTA_RECEIVER,
                found=frame.receiver[:120],
            )
        )
    return tuple(findings)


SERVICE_REQUESTS = "1.2.246.537.6.1503.201601"


@cache
def _interactions() -> Mapping[str, bool]:
    """The messages that carry documents, in lxml's form, each with whether it names a service request."""
    return {hl7(known.frame.interaction): bool(known.frame.requests) for known in families().values()}


def _names() -> str:
    return " or ".join(sorted({known.frame.interaction for known in families().values()}))


def _service_request(act: etree._Element) -> str:
    codes = [r.get("code") or "" for r in act.findall(hl7("reasonCode")) if r.get("codeSystem") == SERVICE_REQUESTS]
    if len(codes) != 1 or not codes[0]:
        raise _structure(f"The frame has {len(codes)} service requests (reasonCode of {SERVICE_REQUESTS}), not one.")
    return codes[0]


def _carried(document: etree._Element) -> bytes:
    text = _only(document, "text")
    content = "".join((text.text or "").split())
    if text.get("representation") != "B64" or len(text) or not content.isascii():
        raise _carriage()
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise _carriage() from None
    if not data:
        raise _carriage()
    return data


def _only(element: etree._Element, *names: str) -> etree._Element:
    for name in names:
        found = element.findall(hl7(name))
        if len(found) != 1:
            raise _structure(f"The frame has {len(found)} elements {name}, where one is expected.")
        element = found[0]
    return element


def _oid(element: etree._Element, what: str) -> Oid:
    try:
        return Oid.parse(element.get("root") or "")
    except Refused as refusal:
        raise _structure(f"The frame's {what} is no OID. {refusal.sentence}") from None


def _attribute(element: etree._Element | None, name: str) -> str:
    return "" if element is None else element.get(name) or ""


def _structure(sentence: str) -> Refused:
    return Refused(sentence, rule="frame.structure", advice=f"Write the frame as {_names()}.")


def _carriage() -> Refused:
    return Refused(
        "The frame does not carry a document as base64 in clinicalDocument/text.",
        rule="frame.carriage",
        advice='Put the document in base64 into clinicalDocument/text with representation="B64".',
    )
