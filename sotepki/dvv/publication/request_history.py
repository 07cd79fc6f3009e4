"""What was asked of the publication services, so that a case can judge whether a system under test asked at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography.x509 import ocsp

from sotepki.serving.history import LONGEST_HISTORY, History


class Service(StrEnum):
    """The services of publication."""

    CRL = "crl"
    CA = "ca"
    OCSP = "ocsp"


@dataclass(frozen=True)
class RequestRecord:
    """One request and what was answered.

    ``outcome`` is ``served`` or ``missing`` for files; for OCSP the response status of RFC 6960 4.2.1
    (``successful``, ``malformed_request``, ...), or ``too-large``, ``too-slow``, ``unreadable`` and ``wrong-type``
    when HTTP already refused.
    ``serials`` are the certificates asked about. ``answer`` is the state told (``good``, ``revoked``, ``unknown``),
    empty unless it was a successful OCSP answer about one certificate. ``faulty``: the answer was spoilt on purpose;
    outcome and answer are those of the honest one.
    """

    at: datetime
    service: Service
    publication_id: str
    method: str
    outcome: str
    serials: tuple[int, ...] = ()
    answer: str = ""
    size: int = 0
    faulty: bool = False


class RequestHistory(History[RequestRecord, tuple[Service, str, str]]):
    """The last requests to the publication services, counted by service, publication id and outcome."""

    def __init__(self, longest: int = LONGEST_HISTORY) -> None:
        super().__init__(lambda record: (record.service, record.publication_id, record.outcome), longest)

    def records(self, service: Service | None = None) -> tuple[RequestRecord, ...]:
        """The requests that are remembered, the oldest first."""
        return tuple(record for record in self.remembered() if service in (None, record.service))

    def count(self, service: Service | None = None, *, outcome: str | None = None) -> int:
        """How many requests there were since the beginning or the last ``clear``."""
        return sum(
            number
            for (counted, _, result), number in self.counts().items()
            if service in (None, counted) and outcome in (None, result)
        )

    def asked(self, serial_number: int) -> tuple[RequestRecord, ...]:
        """The OCSP requests about a certificate."""
        return tuple(record for record in self.records(Service.OCSP) if serial_number in record.serials)


def read_answer(response_der: bytes) -> tuple[str, str]:
    """Response status and certificate status of an OCSP answer of ours, as in ``RequestRecord``."""
    response = ocsp.load_der_ocsp_response(response_der)
    outcome = response.response_status.name.lower()
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return outcome, ""
    try:
        return outcome, response.certificate_status.name.lower()
    except ValueError:
        return outcome, ""  # several answers in one response
