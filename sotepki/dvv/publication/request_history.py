"""What was asked of the publication services, so that a case can judge whether a system under test asked at all."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from asn1crypto import ocsp as asn1_ocsp
from cryptography.x509 import ocsp

LONGEST_HISTORY = 10_000
_MOST_SERIALS = 100


class Service(StrEnum):
    """The services of publication."""

    CRL = "crl"
    CA = "ca"
    OCSP = "ocsp"


@dataclass(frozen=True)
class RequestRecord:
    """One request and what was answered.

    ``outcome`` is ``served`` or ``missing`` for files; for OCSP the response status of RFC 6960 4.2.1
    (``successful``, ``malformed_request``, ...), or ``too-large`` and ``wrong-type`` when HTTP already refused.
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


class RequestHistory:
    """The last requests, and counts of all of them; safe to read while the services run."""

    def __init__(self, longest: int = LONGEST_HISTORY) -> None:
        self._records: deque[RequestRecord] = deque(maxlen=longest)
        self._counts: Counter[tuple[Service, str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, record: RequestRecord) -> None:
        """Append a request; the oldest one is forgotten when the history is full, its count stays."""
        with self._lock:
            self._records.append(record)
            self._counts[record.service, record.publication_id, record.outcome] += 1

    def records(self, service: Service | None = None) -> tuple[RequestRecord, ...]:
        """The requests that are remembered, the oldest first."""
        with self._lock:
            return tuple(record for record in self._records if service is None or record.service is service)

    def count(self, service: Service | None = None, *, outcome: str | None = None) -> int:
        """How many requests there were since the beginning or the last ``clear``."""
        with self._lock:
            return sum(
                number
                for (counted, _, result), number in self._counts.items()
                if service in (None, counted) and outcome in (None, result)
            )

    def counts(self) -> dict[tuple[Service, str, str], int]:
        """How many requests there were by service, publication id and outcome."""
        with self._lock:
            return dict(self._counts)

    def asked(self, serial_number: int) -> tuple[RequestRecord, ...]:
        """The OCSP requests about a certificate."""
        return tuple(record for record in self.records(Service.OCSP) if serial_number in record.serials)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
            self._counts.clear()


def serials_asked(request_der: bytes) -> tuple[int, ...]:
    """The serial numbers in an OCSP request; empty if the bytes are not one."""
    try:
        listed = asn1_ocsp.OCSPRequest.load(request_der, strict=True)["tbs_request"]["request_list"]
        return tuple(
            int(listed[number]["req_cert"]["serial_number"].native)
            for number in range(min(len(listed), _MOST_SERIALS))
        )
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        return ()


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
