"""The archive's answer to a message: accepted, or refused with every broken rule by name."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from lxml import etree

from sotepki.clock import HELSINKI
from sotepki.documents.frame import EXTENSION_MARK
from sotepki.evidence import Finding, Grade, Severity
from sotepki.identifiers import Oid

HL7 = "urn:hl7-org:v3"

_INTERACTIONS = "2.16.840.1.113883.1.6"
_DEFAULT = cast("dict[str, str]", {None: HL7})  # a default namespace, for which the stubs have no type
_DETAIL_TYPES = {Severity.ERROR: "E", Severity.WARNING: "W", Severity.NOTICE: "I"}


class AckCode(StrEnum):
    """HL7 table AcknowledgementType (docs/field/kanta.md 6: recalled)."""

    ACCEPTED = "AA"
    ERROR = "AE"
    """The message was understood and its content was refused; nothing was archived."""
    REJECTED = "AR"
    """The message was not processed: the client, the message itself, or the service."""


@dataclass(frozen=True)
class Acknowledgement:
    """What the archive answers.

    Attributes:
        code: accepted (AA), refused for its content (AE), not processed (AR).
        acknowledgement_id: id of the answer itself, under 2.25 (ITU-T X.667).
        message_id: id of the message that is answered (``Frame.message_key``); empty if it could not be read.
        receiver: OID of the message's sender; empty likewise.
        sender: OID of the service that answers.
        at: when.
        findings: broken rules, and warnings on an accepted document.
        document_id: the archived document; empty unless accepted.
    """

    code: AckCode
    acknowledgement_id: Oid
    message_id: str
    receiver: str
    sender: str
    interaction: str
    at: datetime
    findings: tuple[Finding, ...] = ()
    document_id: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the document is in the archive."""
        return self.code is AckCode.ACCEPTED

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules in ``findings``, each once, in order."""
        return tuple(dict.fromkeys(finding.rule for finding in self.findings))

    def as_dict(self) -> dict[str, Any]:
        """The JSON form; it holds everything that ``from_dict`` needs."""
        return {
            "code": self.code.value,
            "acknowledgement_id": self.acknowledgement_id.value,
            "message_id": self.message_id,
            "receiver": self.receiver,
            "sender": self.sender,
            "interaction": self.interaction,
            "at": self.at.isoformat(),
            "document_id": self.document_id,
            "findings": [finding.as_dict() for finding in self.findings],
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Acknowledgement:
        """Read back what ``as_dict`` wrote (our own stored acknowledgements)."""
        return cls(
            code=AckCode(row["code"]),
            acknowledgement_id=Oid(row["acknowledgement_id"]),
            message_id=row["message_id"],
            receiver=row["receiver"],
            sender=row["sender"],
            interaction=row["interaction"],
            at=datetime.fromisoformat(row["at"]),
            document_id=row["document_id"],
            findings=tuple(
                Finding(**{**f, "severity": Severity(f["severity"]), "grade": Grade(f["grade"])})
                for f in row["findings"]
            ),
        )

    def as_xml(self) -> bytes:
        """The HL7 V3 message; its form is recalled, not read (docs/field/kanta.md 6)."""
        return etree.tostring(self.element(), xml_declaration=True, encoding="UTF-8")

    def element(self) -> etree._Element:
        """The message as an element, for a SOAP body."""
        root = etree.Element(_name(self.interaction), attrib={"ITSVersion": "XML_1.0"}, nsmap=_DEFAULT)
        _add(root, "id", root=self.acknowledgement_id.value)
        _add(root, "creationTime", value=self.at.astimezone(HELSINKI).strftime("%Y%m%d%H%M%S%z"))
        _add(root, "interactionId", root=_INTERACTIONS, extension=self.interaction)
        _add(root, "processingCode", code="D")
        _add(root, "processingModeCode", code="T")
        _add(root, "acceptAckCode", code="NE")
        _party(root, "receiver", "RCV", self.receiver)
        _party(root, "sender", "SND", self.sender)
        acknowledgement = _add(root, "acknowledgement", typeCode=self.code.value)
        if self.message_id:
            _add(_add(acknowledgement, "targetMessage"), "id", **_identifier(self.message_id))
        for finding in self.findings:
            detail = _add(acknowledgement, "acknowledgementDetail", typeCode=_DETAIL_TYPES[finding.severity])
            _add(detail, "code", code=finding.rule)
            _add(detail, "text").text = _printable(" ".join(filter(None, (finding.message, finding.advice))))
            if finding.where:
                _add(detail, "location").text = _printable(finding.where)
        return root


def acknowledgement_id(message_id: str, digest: str) -> Oid:
    """An id that follows from the message, so that a repeated run gives the same one."""
    name = f"{message_id} {digest}".encode(errors="replace").decode()  # a digest may quote what a client sent
    return Oid(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, name).int}")


def _party(root: etree._Element, name: str, type_code: str, oid: str) -> None:
    device = _add(_add(root, name, typeCode=type_code), "device", classCode="DEV", determinerCode="INSTANCE")
    if oid:
        _add(device, "id", root=oid)
    else:
        _add(device, "id", nullFlavor="UNK")


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _name(name), attrib=attributes)


def _identifier(key: str) -> dict[str, str]:
    """Root and, if there is one, extension of an id that is written as one string."""
    root, mark, extension = key.partition(EXTENSION_MARK)
    return {"root": root, "extension": extension} if mark else {"root": root}


def _name(local: str) -> str:
    return f"{{{HL7}}}{local}"


def _printable(text: str) -> str:
    """Texts may quote what a client sent; XML takes no control characters."""
    return "".join(
        c if c in "\t\n" or (c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and c not in "\ufffe\uffff") else "\ufffd"
        for c in text
    )
