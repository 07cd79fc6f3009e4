"""Frames that do not fit the document that they carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from conformance.bench.forging import edited
from conformance.sut.facets import Facet
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import Framer
from sotepki.documents.vocabulary import hl7

_OTHER = "1.2.246.10.99999999.11.2026.1"
_VENDOR = "1.2.246.10.99999999.10.0"
_CARRIED = ("controlActProcess", "subject", "clinicalDocument")
_SERVICE_REQUESTS = "1.2.246.537.6.1503.201601"


@dataclass(frozen=True)
class Spoiled:
    """Frames like the reference system and then changes the frame."""

    framer: Framer
    change: Callable[[etree._Element], None]

    def frame(self, document: bytes) -> bytes:
        return edited(self.framer.frame(document), self.change)


def _spoiled(change: Callable[[etree._Element], None]) -> Fault:
    return lambda reference: {"framer": Spoiled(reference.framer, change)}


def _at(root: etree._Element, *names: str) -> etree._Element:
    found = root.find("/".join(map(hl7, names)))
    assert found is not None
    return found


def _without_sender(root: etree._Element) -> None:
    root.remove(_at(root, "sender"))


def _service_request(root: etree._Element) -> None:
    for reason in root.iter(hl7("reasonCode")):
        if reason.get("codeSystem") == _SERVICE_REQUESTS:
            reason.set("code", "SP99")


MUTANTS = (
    Mutant("framer-leaves-out-sender", "Leaves the sender out", Facet.FRAMES, _spoiled(_without_sender)),
    Mutant("framer-new-document-id", "Gives the document another id in the frame", Facet.FRAMES,
           _spoiled(lambda root: _at(root, *_CARRIED, "id").set("root", _OTHER))),
    Mutant("framer-new-set-id", "Gives the document another set id in the frame", Facet.FRAMES,
           _spoiled(lambda root: _at(root, *_CARRIED, "setId").set("root", _OTHER))),
    Mutant("framer-sender-of-vendor", "Sends under the vendor's OID", Facet.FRAMES,
           _spoiled(lambda root: _at(root, "sender", "device", "id").set("root", _VENDOR))),
    Mutant("framer-other-interaction", "Writes another interaction", Facet.FRAMES,
           _spoiled(lambda root: _at(root, "interactionId").set("extension", "RCMR_IN100002FI01"))),
    Mutant("framer-unknown-service-request", "Writes a service request that nobody knows", Facet.FRAMES,
           _spoiled(_service_request)),
)  # fmt: skip
