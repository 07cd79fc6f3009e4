"""Framers that write parts of a frame from elsewhere than the document, or change what they carry."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from lxml import etree

from conformance.bench.forging import edited, serialised
from conformance.sut.facets import Facet
from conformance.sut.mutants.framers import Spoiled
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.mutants.signers import real_looking_code
from conformance.sut.reference import Framer, Reference
from sotepki.clock import SetClock
from sotepki.documents.vocabulary import HETU_ROOT, REGISTER_TYPES, REGISTRATION_NUMBER_ROOT, hl7

_VENDOR = "1.2.246.10.99999999.10.0"
_DOCUMENT = ("controlActProcess", "subject", "clinicalDocument")
_OTHER_CLIENT = "010181-900C"
_MOST = 500_000

Edit = Callable[[etree._Element], None]


@dataclass(frozen=True)
class Repacking:
    """Changes the document before it frames it."""

    framer: Framer
    change: Callable[[bytes], bytes]

    def frame(self, document: bytes) -> bytes:
        return self.framer.frame(self.change(document))


@dataclass(frozen=True)
class Cutting:
    """Cuts the document in the finished frame."""

    framer: Framer

    def frame(self, document: bytes) -> bytes:
        def cut(root: etree._Element) -> None:
            text = _at(root, *_DOCUMENT, "text")
            text.text = base64.b64encode(document[:_MOST]).decode()

        return edited(self.framer.frame(document), cut)


@dataclass
class Repeating:
    """Takes the message id of its first frame again."""

    framer: Framer
    _first: list[str] = field(default_factory=list)

    def frame(self, document: bytes) -> bytes:
        def change(root: etree._Element) -> None:
            own = _at(root, "id")
            self._first.append(own.get("root") or "")
            own.set("root", self._first[0])

        return edited(self.framer.frame(document), change)


def _spoiled(change: Edit) -> Fault:
    return lambda reference: {"framer": Spoiled(reference.framer, change)}


def _repacking(change: Callable[[bytes], bytes]) -> Fault:
    return lambda reference: {"framer": Repacking(reference.framer, change)}


def _at(root: etree._Element, *names: str) -> etree._Element:
    found = root.find("/".join(map(hl7, names)))
    assert found is not None, names
    return found


def _id(kind: str, value: Callable[[], str]) -> Edit:
    """Another extension for every id of a kind in the frame."""

    def change(root: etree._Element) -> None:
        for element in root.iter(hl7("id")):
            if element.get("root") == kind:
                element.set("extension", value())

    return change


def _without(*names: str) -> Edit:
    def change(root: etree._Element) -> None:
        element = _at(root, *names)
        element.getparent().remove(element)  # type: ignore[union-attr]

    return change


def _without_usage(root: etree._Element) -> None:
    act = _at(root, "controlActProcess")
    act.remove(act.findall(hl7("reasonCode"))[-1])


def _version_2(root: etree._Element) -> None:
    number = _at(root, *_DOCUMENT, "versionNumber")
    number.set("value", str(int(number.get("value") or "0") + 1))


def _custodian(root: etree._Element) -> None:
    path = (*_DOCUMENT, "custodian", "assignedCustodian", "representedOrganization", "id")
    _at(root, *path).set("root", _VENDOR)


def _register(root: etree._Element) -> None:
    reason = etree.SubElement(_at(root, "controlActProcess"), hl7("reasonCode"))
    reason.set("code", "99")
    reason.set("codeSystem", REGISTER_TYPES)


def _receiver(root: etree._Element) -> None:
    sender = _at(root, "sender", "device", "id").get("root") or ""
    _at(root, "receiver", "device", "id").set("root", sender)


def _message_is_document(root: etree._Element) -> None:
    _at(root, "id").set("root", _at(root, *_DOCUMENT, "id").get("root") or "")


def _set_is_document(root: etree._Element) -> None:
    _at(root, *_DOCUMENT, "setId").set("root", _at(root, *_DOCUMENT, "id").get("root") or "")


def _title(root: etree._Element) -> None:
    etree.SubElement(_at(root, *_DOCUMENT), hl7("title")).text = f"Asiakassuunnitelma, {real_looking_code()}"


def _yesterday(reference: Reference) -> Mapping[str, Any]:
    yesterday = SetClock(reference.bench.clock.now() - timedelta(days=1))
    return {"framer": replace(reference.framer, clock=yesterday)}


def _written_anew(document: bytes) -> bytes:
    return serialised(etree.fromstring(document)) + b"\n"


def _indented(document: bytes) -> bytes:
    root = etree.fromstring(document)
    etree.indent(root)
    return serialised(root)


def _framer(name: str, title: str, fault: Fault) -> Mutant:
    return Mutant(f"framer-{name}", title, Facet.FRAMES, fault)


MUTANTS = (
    _framer("counts-versions-itself", "Writes a version number of its own counting", _spoiled(_version_2)),
    _framer("names-the-vendor-as-custodian", "Names the vendor as custodian", _spoiled(_custodian)),
    _framer("names-another-client", "Names another client than the document",
            _spoiled(_id(HETU_ROOT, lambda: _OTHER_CLIENT))),
    _framer("names-a-real-client", "Names a client outside the 900-series",
            _spoiled(_id(HETU_ROOT, real_looking_code))),
    _framer("titles-with-a-real-code", "Writes the code of somebody outside the 900-series into a title",
            _spoiled(_title)),
    _framer("names-another-author", "Names another author than the document",
            _spoiled(_id(REGISTRATION_NUMBER_ROOT, lambda: "00900999999"))),
    _framer("names-another-register", "Names another register than the document", _spoiled(_register)),
    _framer("addresses-itself", "Addresses the frame to its own organisation", _spoiled(_receiver)),
    _framer("says-production", "Writes the processing code of production",
            _spoiled(lambda root: _at(root, "processingCode").set("code", "P"))),
    _framer("leaves-out-the-usage-situation", "Leaves the usage situation out", _spoiled(_without_usage)),
    _framer("leaves-out-the-storage-code", "Leaves the storage code out",
            _spoiled(_without(*_DOCUMENT, "storageCode"))),
    _framer("lives-in-yesterday", "Writes the creation time of a clock that is a day slow", _yesterday),
    _framer("takes-the-document-id", "Takes the document's id for that of the message",
            _spoiled(_message_is_document)),
    _framer("repeats-its-message-id", "Takes the same message id again",
            lambda reference: {"framer": Repeating(reference.framer)}),
    _framer("writes-the-document-anew", "Parses the document and writes it anew", _repacking(_written_anew)),
    _framer("indents-the-document", "Indents the document before it frames it", _repacking(_indented)),
    _framer("takes-the-id-for-the-set-id", "Takes the document's id for its set id", _spoiled(_set_is_document)),
    _framer("cuts-large-documents", "Cuts documents of more than half a million bytes",
            lambda reference: {"framer": Cutting(reference.framer)}),
)  # fmt: skip
