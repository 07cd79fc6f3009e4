"""The message frame around a document: RCMR_IN200002FI01 in social welfare (docs/field/kanta.md 6).

For health care an archiving interaction is recalled only; its frame is built in the same shape, without a
service request. RCMR_IN100016FI01, which is known to carry documents, is read but not built.

How the frame carries the document is not public; here it stands as base64 in ``clinicalDocument/text``, which keeps
it byte for byte (rule ``frame.carriage``: recalled).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from lxml import etree

from sotepki.documents.building import render
from sotepki.documents.content import decoded_text
from sotepki.documents.family import families
from sotepki.documents.outline import outline
from sotepki.documents.people import parties
from sotepki.documents.times import hl7_time
from sotepki.documents.vocabulary import (
    HETU_ROOT,
    KANTA_RECEIVER,
    REGISTER_TYPES,
    REGISTRATION_NUMBER_ROOT,
    hl7,
)
from sotepki.errors import Refused
from sotepki.identifiers import Oid
from sotepki.xmldsig import parse, read_xml

SERVICE_REQUESTS = "1.2.246.537.6.1503.201601"

EXTENSION_MARK = "^"
"""Stands between root and extension of an id that is written as one string; no root holds it."""

LONGEST_EXTENSION = 256
"""In characters. Ids are keys of the books and are written into logs, as OIDs are, which are bounded too."""

_CUSTODIAN = "/".join(map(hl7, ("custodian", "assignedCustodian", "representedOrganization", "id")))


@dataclass(frozen=True)
class Frame:
    """An opened frame.

    Attributes:
        message_id: root of the message's id.
        message_extension: extension of that id; empty without one. Root and extension together name a message.
        document: the bytes of the document inside, unexamined.
        document_id, set_id: what the frame says of the document.
        service_request: empty in frames of families that have none.
        interaction: root and extension of interactionId.
        name: of the message's document element.
        receiver: the receiver's device id as written.
        version: versionNumber as written, empty without one.
        clients, authors: identity codes and registration numbers that the frame names; empty if it names none.
        custodian: OID of the organisation that keeps the document, empty if the frame does not name one.
        registers: codes of the register (registryType) that the frame names; none in the frames that are known.
        reasons: code system and code of every reasonCode of the act, in order.
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
    version: str = ""
    clients: tuple[str, ...] = field(default=(), repr=False)
    authors: tuple[str, ...] = ()
    custodian: str = ""
    registers: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    message_extension: str = ""

    @property
    def message_key(self) -> str:
        """The message's id as one string: ``root``, or ``root^extension``."""
        return EXTENSION_MARK.join(filter(None, (self.message_id.value, self.message_extension)))


def build_frame(
    document: bytes,
    *,
    message_id: Oid,
    sender: Oid,
    at: datetime,
    service_request: str = "SP1",
    receiver: str = KANTA_RECEIVER,
) -> bytes:
    """A frame with ``document`` inside, of the interaction of the document's family.

    Args:
        sender: OID of the organisation that sends, equal to the custodian of a system-signed document.
        service_request: ``SP1`` for a client-relationship document, ``SP17`` for a client document; not written
            for families that have no service requests.
        receiver: OID of the Kanta that it is addressed to.

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
            "receiver": receiver,
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
    document, message = _only(root, "controlActProcess", "subject", "clinicalDocument"), _only(root, "id")
    interaction = root.find(hl7("interactionId"))
    receiver = root.find(f"{hl7('receiver')}/{hl7('device')}/{hl7('id')}")
    act = _only(root, "controlActProcess")
    reasons = tuple((r.get("codeSystem") or "", r.get("code") or "") for r in act.iterchildren(hl7("reasonCode")))
    return Frame(
        message_id=_oid(message, "message id"),
        sender=_oid(_only(root, "sender", "device", "id"), "sender"),
        service_request=_service_request(reasons) if requests else "",
        document=_carried(document),
        document_id=_oid(_only(document, "id"), "document id"),
        set_id=_oid(_only(document, "setId"), "setId") if document.find(hl7("setId")) is not None else None,
        interaction=(_attribute(interaction, "root"), _attribute(interaction, "extension")),
        receiver=_attribute(receiver, "root"),
        name=root.tag.rpartition("}")[2],
        version=_attribute(document.find(hl7("versionNumber")), "value"),
        clients=_extensions(document, "recordTarget", HETU_ROOT),
        authors=_extensions(document, "author", REGISTRATION_NUMBER_ROOT),
        custodian=_attribute(document.find(_CUSTODIAN), "root"),
        registers=tuple(e.get("code") or "" for e in act.iter("*") if e.get("codeSystem") == REGISTER_TYPES),
        reasons=reasons,
        message_extension=_extension(message),
    )


@cache
def _interactions() -> Mapping[str, bool]:
    """The messages that carry documents, in lxml's form, each with whether it names a service request."""
    rules = [known.frame for known in families().values()]
    return {hl7(name): bool(rule.requests) for rule in rules for name in (rule.interaction, *rule.others)}


def _names() -> str:
    return " or ".join(sorted(name.rpartition("}")[2] for name in _interactions()))


def _service_request(reasons: Sequence[tuple[str, str]]) -> str:
    codes = [code for system, code in reasons if system == SERVICE_REQUESTS]
    if len(codes) != 1 or not codes[0]:
        raise _structure(f"The frame has {len(codes)} service requests (reasonCode of {SERVICE_REQUESTS}), not one.")
    return codes[0]


def _carried(document: etree._Element) -> bytes:
    text = _only(document, "text")
    if text.get("representation") != "B64":
        raise _carriage()
    try:
        return decoded_text(text, (text.text or "").encode())
    except Refused:
        raise _carriage() from None


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


def _extension(message: etree._Element) -> str:
    extension = _attribute(message, "extension")
    if len(extension) > LONGEST_EXTENSION:
        raise _structure(
            f"The extension of the frame's message id has {len(extension)} characters; "
            f"at most {LONGEST_EXTENSION} are taken."
        )
    return extension


def _extensions(document: etree._Element, role: str, root: str) -> tuple[str, ...]:
    """The extensions of the ids of one kind anywhere below a role; where they stand in it is not public."""
    ids = (i for element in document.iterchildren(hl7(role)) for i in element.iter(hl7("id")))
    return tuple(i.get("extension") or "" for i in ids if i.get("root") == root)


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
