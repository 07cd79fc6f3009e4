"""Verifiers that overlook one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from conformance.sut.facets import Answer, Facet, Trust
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import Reference, Verifier
from sotepki.documents.vocabulary import finland, hl7


@dataclass(frozen=True)
class Always:
    """Gives one answer to everything."""

    accepted: bool

    def verify(self, document: bytes, trust: Trust) -> Answer:
        return Answer(self.accepted)


@dataclass(frozen=True)
class Overlooking:
    """Verifies like the reference system and does not mind breaches whose rule begins with one of ``rules``."""

    verifier: Verifier
    rules: tuple[str, ...]

    def verify(self, document: bytes, trust: Trust) -> Answer:
        answer = self.verifier.verify(document, trust)
        minded = tuple(reason for reason in answer.reasons if not reason.startswith(self.rules))
        return Answer(answer.accepted or (bool(answer.reasons) and not minded), minded)


@dataclass(frozen=True)
class FirstBody:
    """Takes the first body that bears the ID of the reference, wherever it stands; a reader shows another one."""

    verifier: Verifier

    def verify(self, document: bytes, trust: Trust) -> Answer:
        try:
            root = etree.fromstring(document)
        except etree.XMLSyntaxError:
            return self.verifier.verify(document, trust)
        bodies = list(root.iter(hl7("nonXMLBody")))
        component = root.find(hl7("component"))
        if len(bodies) > 1 and component is not None:
            first = bodies[0]
            for other in bodies[1:]:
                other.getparent().remove(other)  # type: ignore[union-attr]
            if first.getparent() is root.find(finland("localSocialHeader")):
                first.tail = None
                component.append(first)
            document = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
        return self.verifier.verify(document, trust)


def _always(accepted: bool) -> Fault:
    return lambda reference: {"verifier": Always(accepted)}


def _overlooking(*rules: str) -> Fault:
    return lambda reference: {"verifier": Overlooking(reference.verifier, rules)}


def _without_rights(reference: Reference) -> Mapping[str, Any]:
    return {"verifier": replace(reference.verifier, rights=None)}


MUTANTS = (
    Mutant("verifier-refuses-everything", "Refuses every document", Facet.VERIFIER, _always(False)),
    Mutant("verifier-accepts-everything", "Accepts every document", Facet.VERIFIER, _always(True)),
    Mutant("verifier-ignores-digests", "Does not compare the digests", Facet.VERIFIER,
           _overlooking("doc.digest", "dsig.digest")),
    Mutant("verifier-ignores-the-chain", "Does not build the certificate's chain", Facet.VERIFIER,
           _overlooking("path.", "doc.certificate.status")),
    Mutant("verifier-ignores-revocation", "Does not ask whether the certificate is revoked", Facet.VERIFIER,
           _overlooking("doc.certificate.revoked", "path.revoked")),
    Mutant("verifier-takes-any-body", "Verifies the first body with the right ID", Facet.VERIFIER,
           lambda reference: {"verifier": FirstBody(reference.verifier)}),
    Mutant("verifier-ignores-key-usage", "Does not look at the key usage of the certificate", Facet.VERIFIER,
           _overlooking("doc.key-usage", "path.purpose")),
    Mutant("verifier-ignores-rights", "Does not ask for the signer's right to practise", Facet.VERIFIER,
           _without_rights),
)  # fmt: skip
