"""Verifiers that ask carelessly whether a certificate is revoked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.x509 import ocsp

from conformance.sut.facets import Facet
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import Reference
from conformance.sut.reference_revocation import Known, StatusAsker
from sotepki.errors import Refused
from sotepki.x509.status import CertificateState, CertificateStatus

_GOOD = CertificateStatus(CertificateState.GOOD)


@dataclass(frozen=True)
class Forgiving(StatusAsker):
    """Takes an answer for good whose breach begins with one of ``rules``."""

    rules: tuple[str, ...] = ()

    def ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Known:
        try:
            return super().ask(certificate, issuer)
        except Refused as error:
            if error.rule.startswith(self.rules):
                return Known(_GOOD, None)
            raise


@dataclass(frozen=True)
class Indifferent(StatusAsker):
    """Asks nobody."""

    def ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Known:
        return Known(_GOOD, None)


@dataclass(frozen=True)
class Optimist(StatusAsker):
    """Takes unknown for good."""

    def ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Known:
        known = super().ask(certificate, issuer)
        return replace(known, status=_GOOD) if known.status.state is CertificateState.UNKNOWN else known


@dataclass(frozen=True)
class Hoarder(StatusAsker):
    """Keeps answers for ever."""

    def still_good(self, known: Known) -> bool:
        return True


@dataclass(frozen=True)
class Listless(StatusAsker):
    """Knows no revocation lists, and takes a certificate without responder for good."""

    def listed(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Known:
        return Known(_GOOD, None)


@dataclass(frozen=True)
class Punctual(StatusAsker):
    """Refuses every answer whose thisUpdate lies ahead, be it by a second."""

    def answered(self, response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> Known:
        known = super().answered(response, certificate, issuer)
        if next(iter(response.responses)).this_update_utc > self.clock.now():
            raise Refused("The answer is of a later time.", rule="ocsp.response.time")
        return known


def _asking(kind: type[StatusAsker], **more: Any) -> Fault:
    def fault(reference: Reference) -> Mapping[str, Any]:
        own = reference.verifier.asker
        asker = kind(own.clock, own.address, **{"seconds": own.seconds, **more})
        return {"verifier": replace(reference.verifier, asker=asker)}

    return fault


def _equal_clocks(reference: Reference) -> Mapping[str, Any]:
    return {"verifier": replace(reference.verifier, tolerance=timedelta(0))}


def _mutant(name: str, title: str, fault: Fault) -> Mutant:
    return Mutant(f"asker-{name}", title, Facet.VERIFIER, fault)


MUTANTS = (
    Mutant("verifier-wants-equal-clocks", "Refuses a signature that lies a few seconds ahead", Facet.VERIFIER,
           _equal_clocks),
    _mutant("never-asks", "Asks no responder and reads no list", _asking(Indifferent)),
    _mutant("knows-no-lists", "Takes a certificate without responder for good", _asking(Listless)),
    _mutant("takes-unknown-for-good", "Takes the answer unknown for good", _asking(Optimist)),
    _mutant("fails-open", "Takes a certificate for good if nobody answers",
            _asking(Forgiving, rules=("ocsp.http", "ocsp.response.status", "ocsp.response.form", "crl.http"))),
    _mutant("ignores-times", "Does not look at the times of an answer",
            _asking(Forgiving, rules=("ocsp.response.time",))),
    _mutant("ignores-signatures", "Does not verify the signature of an answer",
            _asking(Forgiving, rules=("ocsp.response.signature",))),
    _mutant("believes-any-responder", "Believes any responder",
            _asking(Forgiving, rules=("ocsp.response.responder",))),
    _mutant("takes-any-answer", "Does not look whom the answer is about",
            _asking(Forgiving, rules=("ocsp.response.certificate",))),
    _mutant("ignores-the-nonce", "Does not compare the nonce", _asking(Forgiving, rules=("ocsp.response.nonce",))),
    _mutant("keeps-answers-for-ever", "Keeps answers beyond their end", _asking(Hoarder)),
    _mutant("has-no-patience", "Waits a fifth of a second for an answer", _asking(StatusAsker, seconds=0.2)),
    _mutant("wants-equal-clocks", "Refuses an answer that lies a few seconds ahead", _asking(Punctual)),
    _mutant("takes-old-lists", "Does not look at the age of a list", _asking(Forgiving, rules=("crl.time",))),
)  # fmt: skip
"""In the order of the cases."""
