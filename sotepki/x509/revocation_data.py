"""The revocation lists and OCSP answers that a path is judged by, and what they speak of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509 import ocsp


@dataclass(frozen=True, eq=False)
class RevocationData:
    """Revocation lists and OCSP answers; none of them is verified yet."""

    crls: tuple[x509.CertificateRevocationList, ...] = ()
    ocsp_responses: tuple[ocsp.OCSPResponse, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.crls or self.ocsp_responses)

    def covers(self, certificates: Sequence[x509.Certificate]) -> bool:
        """Whether there is something about every one of ``certificates``, and about one at least."""
        serials = {single.serial_number for single in self._answers()}
        listers = [crl.issuer for crl in self.crls]
        return bool(certificates) and all(
            one.issuer in listers or one.serial_number in serials for one in certificates
        )

    def calls_unknown(self, certificate: x509.Certificate) -> bool:
        """Whether a responder says that it does not know ``certificate``."""
        return any(
            single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN
            for single in self._answers()
            if single.serial_number == certificate.serial_number
        )

    def answers(self, certificate: x509.Certificate) -> bool:
        """Whether an OCSP answer speaks of ``certificate``."""
        return any(single.serial_number == certificate.serial_number for single in self._answers())

    def _answers(self) -> Iterator[ocsp.OCSPSingleResponse]:
        for response in self.ocsp_responses:
            if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
                yield from response.responses
