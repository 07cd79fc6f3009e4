"""How the archive learns whether a certificate is revoked, and what it means if nobody answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography import x509

from sotepki.clock import Clock
from sotepki.errors import Refused, SotepkiError
from sotepki.kela.settings import WhenStatusUnavailable
from sotepki.x509.ocsp_client import ask_status, ocsp_urls
from sotepki.x509.status import CertificateState, CertificateStatus

StatusLookup = Callable[[x509.Certificate, x509.Certificate], CertificateStatus]
"""(certificate, certificate of its issuer) -> verified state.

Raises ``sotepki.errors.SotepkiError`` when there is no usable answer: the responder is down, answers garbage, or its
answer does not verify.
"""


@dataclass
class StatusQuestions:
    """The status questions of one message; remembers which were not answered, and applies the policy to those.

    Under ``accept-with-warning`` an unanswered question counts as good, else as unknown; either way
    ``unanswered`` says why, so that the acknowledgement can name it.
    """

    lookup: StatusLookup
    policy: WhenStatusUnavailable
    unanswered: list[str] = field(default_factory=list)
    _known: dict[tuple[x509.Name, int], CertificateStatus] = field(default_factory=dict)

    def __call__(self, certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        key = (issuer.subject, certificate.serial_number)
        if key not in self._known:
            self._known[key] = self._ask(certificate, issuer)
        return self._known[key]

    def _ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        try:
            return self.lookup(certificate, issuer)
        except SotepkiError as error:
            self.unanswered.append(error.sentence)
            warn = self.policy is WhenStatusUnavailable.WARN
            return CertificateStatus(CertificateState.GOOD if warn else CertificateState.UNKNOWN)


@dataclass(frozen=True)
class OcspOverHttp:
    """Asks the responder that the certificate names, over HTTP; a ``StatusLookup``.

    Attributes:
        clock: the time by which an answer must be current.
        address: where an address of a certificate is reached; the national host names do not exist on loopback.
        seconds: how long one answer may take.
    """

    clock: Clock
    address: Callable[[str], str]
    seconds: float = 5.0

    def __call__(self, certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateStatus:
        urls = ocsp_urls(certificate)
        if not urls:
            raise Refused("The certificate names no OCSP responder.", rule="kanta.client.status-unavailable")
        url = self.address(urls[0])
        return ask_status(url, certificate, issuer, at=self.clock.now(), timeout=self.seconds).status


def reached_at(base_url: str) -> Callable[[str], str]:
    """An ``address`` for ``OcspOverHttp``: the path of the certificate's address below ``base_url``."""

    def address(url: str) -> str:
        return base_url.rstrip("/") + urlsplit(url).path

    return address
