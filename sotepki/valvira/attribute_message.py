"""Questions to and answers of the role and attribute service, in XML and in JSON, by the interface's own names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from sotepki.errors import Refused
from sotepki.identifiers import PrescriberId, RegistrationNumber
from sotepki.registers import ProfessionalRight
from sotepki.serving.desk import Refusal
from sotepki.valvira.attribute_interface import AttributeInterface
from sotepki.valvira.rules import attribute_rules
from sotepki.xmldsig import parse

LARGEST_QUESTION = 16 * 1024
UNDER_SUPERVISION = "30"
"""The restriction target "under supervision" (docs/field/registration.md 10: confirmed)."""

_FIELDS = ("registration_number", "at", "right")


@dataclass(frozen=True)
class Question:
    """One registration number; ``at`` is None for the present, ``right`` empty for all rights."""

    registration_number: RegistrationNumber
    at: datetime | None = None
    right: str = ""


@dataclass(frozen=True)
class Answer:
    """The rights in force at a moment of one professional."""

    registration_number: RegistrationNumber
    at: datetime
    prescriber_id: PrescriberId | None
    rights: Sequence[ProfessionalRight]


def read_json(data: bytes, interface: AttributeInterface) -> Question:
    """A question in JSON. ``Refused`` with ``attribute.query.form`` or the identifier's own rule."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _bad_form("The question is not a JSON object.")
    return read_fields(found, interface)


def read_xml(data: bytes, interface: AttributeInterface) -> Question:
    """A question in XML; as ``read_json``."""
    try:
        root = parse(data, limit=LARGEST_QUESTION)
    except Refused as error:
        raise _bad_form(f"The question is not XML: {error.sentence}") from error
    if root.tag != f"{{{interface.namespace}}}{interface.names['request']}":
        raise _bad_form("The question's root element is not the one of this service.")
    fields: dict[str, Any] = {}
    for element in root.iterchildren(tag=etree.Element):
        name = etree.QName(element)
        if name.namespace != interface.namespace or len(element) or name.localname in fields:
            raise _bad_form("The question holds an element that does not belong there.")
        fields[name.localname] = (element.text or "").strip()
    return read_fields(fields, interface)


def read_fields(found: Mapping[str, Any], interface: AttributeInterface) -> Question:
    """A question from fields by the interface's names; as ``read_json``."""
    names = {interface.names[field]: field for field in _FIELDS}
    values: dict[str, str] = {}
    for name, value in found.items():
        if name not in names:
            raise _bad_form(f"The question has no field {name[:40]!r}; it has {', '.join(names)}.")
        if not isinstance(value, str):
            raise _bad_form(f"The field {name} is not text.")
        values[names[name]] = value
    if "registration_number" not in values:
        raise _bad_form("The question names no registration number.")
    return Question(
        RegistrationNumber.parse(values["registration_number"]),
        _moment(values["at"]) if values.get("at") else None,
        values.get("right", ""),
    )


def answer_json(answer: Answer, interface: AttributeInterface) -> bytes:
    """The answer in JSON, UTF-8."""
    return json.dumps(_named(_answer(answer, interface), interface), ensure_ascii=False).encode()


def answer_xml(answer: Answer, interface: AttributeInterface) -> bytes:
    """The answer in XML, UTF-8."""
    return _document("response", _answer(answer, interface), interface)


def refusal_json(refusal: Refusal, interface: AttributeInterface) -> bytes:
    """A refusal in JSON."""
    return json.dumps(_named(_refusal(refusal), interface), ensure_ascii=False).encode()


def refusal_xml(refusal: Refusal, interface: AttributeInterface) -> bytes:
    """A refusal in XML."""
    return _document("error", _refusal(refusal), interface)


def _answer(answer: Answer, interface: AttributeInterface) -> dict[str, Any]:
    """The answer by our own words; lists hold (word of the member, content)."""
    return {
        "registration_number": answer.registration_number.value,
        "at": answer.at.isoformat(),
        "prescriber_id": answer.prescriber_id.value if answer.prescriber_id else "",
        "rights": [("right", _right(right, interface)) for right in answer.rights],
    }


def _right(right: ProfessionalRight, interface: AttributeInterface) -> dict[str, Any]:
    supervised = UNDER_SUPERVISION in right.restrictions
    return {
        "code": right.code,
        "code_system": interface.right_code_system,
        "register": right.register.value,
        "kind": right.kind.value,
        "title_fi": right.title_fi,
        "title_sv": right.title_sv,
        "valid_from": right.valid_from.isoformat(),
        "valid_to": right.valid_to.isoformat() if right.valid_to else "",
        "status": {
            "code": interface.status_supervised if supervised else interface.status_independent,
            "code_system": interface.status_code_system,
        },
        "restrictions": [
            ("restriction", {"code": code, "code_system": interface.restriction_code_system})
            for code in right.restrictions
        ],
    }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {"rule": refusal.rule, "message": refusal.sentence, "advice": refusal.advice}


def _named(content: Any, interface: AttributeInterface) -> Any:
    if isinstance(content, dict):
        return {interface.names[word]: _named(value, interface) for word, value in content.items()}
    if isinstance(content, list):
        return [_named(value, interface) for _, value in content]
    return content


def _document(word: str, content: Mapping[str, Any], interface: AttributeInterface) -> bytes:
    namespaces: Any = {None: interface.namespace}  # the default namespace, which lxml's type hints do not know
    root = etree.Element(f"{{{interface.namespace}}}{interface.names[word]}", nsmap=namespaces)
    _append(root, content, interface)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _append(parent: etree._Element, content: Any, interface: AttributeInterface) -> None:
    if isinstance(content, str):
        parent.text = content
        return
    for word, value in content.items() if isinstance(content, dict) else content:
        element = etree.SubElement(parent, f"{{{interface.namespace}}}{interface.names[word]}")
        _append(element, value, interface)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_form(f"{text[:40]!r} is not a moment with a time zone (ISO 8601).") from None


def _bad_form(sentence: str) -> Refused:
    return attribute_rules().refusal("attribute.query.form", sentence)
