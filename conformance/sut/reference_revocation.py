"""How the reference system learns whether a certificate is revoked: from the addresses in the certificate."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509 import ocsp

from sotepki.clock import Clock
from sotepki.errors import Refused
from sotepki.x509.extension_lookup import extension_of
from sotepki.x509.ocsp_client import ocsp_urls, request_ocsp, verified_status
from sotepki.x509.revocation_data import is_signed_by, is_understood, revoked_since, revoking_entry, speaks_of
from sotepki.x509.status import CertificateState, CertificateStatus

_LARGEST_LIST = 16 * 1024 * 1024
_SKEW = timedelta(seconds=60)


@dataclass(frozen=True)
class Known:
    """A state and how long it may be kept."""

    status: CertificateStatus
    until: datetime | None


@dataclass(frozen=True)
class StatusAsker:
    """Asks the responder that the certificate names, or reads the list; keeps answers till their end.

    Attributes:
        address: where an address of a certificate is reached; national host names do not exist on loopback.
        seconds: how long one answer may take.
    """

    clock: Clock
    address: Callable[[str], str]
    seconds: float = 5.0
    kept: dict[tuple[bytes, int], Known] = field(default_factory=dict, compare=False)

    def __call__(self, certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        """The state of a certificate.

        Raises:
            Refused: there is no usable answer.
        """
        key = (issuer.subject.public_bytes(), certificate.serial_number)
        known = self.kept.get(key)
        if known is None or not self.still_good(known):
            known = self.kept[key] = self.ask(certificate, issuer)
        return known.status

    def still_good(self, known: Known) -> bool:
        """Whether an answer may still be used."""
        return known.until is not None and self.clock.now() < known.until

    def ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Known:
        """A fresh answer."""
        for url in ocsp_urls(certificate):
            response = request_ocsp(self.address(url), certificate, issuer, timeout=self.seconds)
            return self.answered(response, certificate, issuer)
        return self.listed(certificate, issuer)

    def answered(self, response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> Known:
        """What an OCSP response proves."""
        status = verified_status(response, certificate, issuer, at=self.clock.now())
        return Known(status, next(iter(response.responses)).next_update_utc)

    def listed(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Known:
        """What the revocation list says; one that is not understood or speaks of other certificates says nothing."""
        crl = self._list(certificate)
        if not is_signed_by(crl, issuer):
            raise Refused("The revocation list is not of the issuing authority.", rule="crl.signature")
        if crl.next_update_utc is None or crl.next_update_utc < self.clock.now() - _SKEW:
            raise Refused("The revocation list is out of date.", rule="crl.time")
        if not is_understood(crl):
            raise Refused("The revocation list has a critical extension that is not known.", rule="crl.extension")
        entry = revoking_entry(crl, certificate)
        if entry is not None:
            return Known(CertificateStatus(CertificateState.REVOKED, revoked_since(entry)), crl.next_update_utc)
        if not speaks_of(crl, certificate):
            raise Refused("The revocation list does not speak of the certificate.", rule="crl.scope")
        return Known(CertificateStatus(CertificateState.GOOD), crl.next_update_utc)

    def _list(self, certificate: x509.Certificate) -> x509.CertificateRevocationList:
        points = extension_of(certificate, x509.CRLDistributionPoints)
        urls = [str(name.value) for point in points or () for name in point.full_name or ()]
        if not urls or not urls[0].startswith("http://"):
            raise Refused("The certificate says nowhere whether it is revoked.", rule="crl.address")
        try:
            with urllib.request.urlopen(self.address(urls[0]), timeout=self.seconds) as answer:
                return x509.load_der_x509_crl(answer.read(_LARGEST_LIST))
        except (OSError, ValueError) as error:
            raise Refused(f"The revocation list cannot be had: {error}.", rule="crl.http") from None
