"""Parts of a message frame that no check of the package looks at (docs/field/kanta.md 6)."""

from __future__ import annotations

from datetime import datetime

from lxml import etree

from sotepki.documents.content import EncodedPart
from sotepki.documents.identity_codes import real_looking_codes
from sotepki.documents.times import read_hl7_time
from sotepki.documents.vocabulary import HETU_ROOT, HL7
from sotepki.xmldsig import parse, read_xml

FIXED = {
    "processingCode": "D",
    "processingModeCode": "T",
    "acceptAckCode": "ER",
    "controlActProcess/@classCode": "CACT",
    "controlActProcess/@moodCode": "EVN",
    "controlActProcess/code": "RCMR_TE000102UV01",
    "controlActProcess/priorityCode": "R",
}
"""Codes that are the same in every known message, by their path."""
USAGE = {"controlActProcess/reasonCode[@codeSystem='1.2.246.537.6.1289.201901']": "1"}
"""The usage situation: use of one's own register."""
_DOCUMENT = "controlActProcess/subject/clinicalDocument"
_CARRIED = "h:controlActProcess/h:subject/h:clinicalDocument/h:text"
_NAMES = {"h": HL7}
STATES = {
    f"{_DOCUMENT}/completionCode[@codeSystem='1.2.246.537.5.40115.2006']": "LA",
    f"{_DOCUMENT}/storageCode[@codeSystem='1.2.246.537.5.40116.2006']": "AC",
}
"""Completion and storage of the document."""


def fixed_code(frame: bytes, path: str) -> str:
    """The code at a path of names of HL7, or the attribute that it ends with; empty if nothing is there.

    Raises:
        Refused: the frame is not well-formed (``xml.*``).
    """
    element, _, attribute = path.partition("/@")
    found = _found(frame, element)
    return "" if found is None else found.get(attribute or "code") or ""


def created(frame: bytes) -> datetime | None:
    """When the frame says that it was created; None if that is no time.

    Raises:
        Refused: the frame is not well-formed (``xml.*``).
    """
    found = _found(frame, "creationTime")
    return None if found is None else read_hl7_time(found.get("value") or "")


def identity_codes(frame: bytes) -> tuple[str, ...]:
    """The identity codes in the frame itself, each once: what its ids of any namespace give as such a code, and every
    text, attribute and comment that has the form of one with a right check character.

    The document that the frame carries is left out; it has a case of its own.

    Raises:
        Refused: the frame is not well-formed (``xml.*``).
    """
    whole = read_xml(frame)
    carried = {text: EncodedPart((text.text or "").encode(), b"") for text in whole.root.iterfind(_CARRIED, _NAMES)}
    named = [e.get("extension") for e in whole.root.iter("*") if e.get("root") == HETU_ROOT]
    written = (code for code, _ in real_looking_codes(whole, carried))
    return tuple(dict.fromkeys((*filter(None, named), *written)))


def _found(frame: bytes, path: str) -> etree._Element | None:
    return parse(frame).find("/".join(f"h:{step}" for step in path.split("/")), _NAMES)
