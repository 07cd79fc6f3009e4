"""Fetching what a path needs from the publication services: CA certificates, revocation lists, OCSP answers.

Only one base address is ever asked, the one the caller gives. The addresses in certificates lend their paths, never
their hosts: DVV's own services know nothing of certificates made here.
"""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from sotepki.errors import Refused
from sotepki.x509.extension_lookup import extension_of
from sotepki.x509.http_exchange import exchange
from sotepki.x509.issuer import bears_issuer_name
from sotepki.x509.ocsp_client import ocsp_urls, request_ocsp, verified_status
from sotepki.x509.reading import MAX_LISTS, read_certificates, read_crls

MAX_FILE = MAX_LISTS
"""Bytes of a fetched file; no file of these services is longer than a revocation list."""

_MAX_DEPTH = 8


@dataclass
class Fetched:
    """What was fetched, and what could not be: ``failures`` are sentences for people."""

    issuers: list[x509.Certificate] = field(default_factory=list)
    crls: list[x509.CertificateRevocationList] = field(default_factory=list)
    responses: list[ocsp.OCSPResponse] = field(default_factory=list)
    failures: list[Refused] = field(default_factory=list)


def fetch(
    certificate: x509.Certificate,
    base_url: str,
    *,
    at: datetime,
    trust: Sequence[x509.Certificate],
    known: Sequence[x509.Certificate] = (),
    timeout: float = 10.0,
) -> Fetched:
    """Follow a certificate up to a trusted root, with a list and an OCSP answer for every certificate on the way.

    Args:
        base_url: where the publication services answer, ``http://127.0.0.1:8880``.
        at: the moment that OCSP answers must be current at.
        known: issuers at hand, which are not fetched.

    Raises:
        Misuse: the base address is not an http address.
    """
    fetched = Fetched()
    last, pool = certificate, [*trust, *known]
    for _ in range(_MAX_DEPTH):
        if last in trust:
            break
        issuer = next((one for one in pool if bears_issuer_name(one, last)), None)
        issuer = issuer or _issuer(last, base_url, timeout, fetched)
        if issuer is None or issuer == last:
            break
        _lists(last, base_url, timeout, fetched)
        _answers(last, issuer, base_url, timeout, at, fetched)
        last = issuer
    return fetched


def fetch_file(url: str, *, timeout: float = 10.0, limit: int = MAX_FILE) -> bytes:
    """The bytes at an http address.

    Raises:
        Misuse: it is not an http address.
        Refused: nobody answers, or not with a file (``fetch.http``).
    """
    try:
        return exchange(url, timeout=timeout, limit=limit)
    except (OSError, http.client.HTTPException) as error:
        raise _unfetched(url, str(error) or type(error).__name__) from None


def at_base(base_url: str, address: str) -> str:
    """The address with its scheme and host exchanged for those of the base."""
    return base_url.rstrip("/") + urlsplit(address).path


def _issuer(
    certificate: x509.Certificate, base_url: str, timeout: float, fetched: Fetched
) -> x509.Certificate | None:
    for address in _access(certificate, AuthorityInformationAccessOID.CA_ISSUERS):
        url = at_base(base_url, address)
        try:
            found = read_certificates(fetch_file(url, timeout=timeout), name=url)
        except Refused as refused:
            fetched.failures.append(refused)
            continue
        fetched.issuers += found
        return next((one for one in found if bears_issuer_name(one, certificate)), None)
    return None


def _lists(certificate: x509.Certificate, base_url: str, timeout: float, fetched: Fetched) -> None:
    try:
        points = extension_of(certificate, x509.CRLDistributionPoints)
    except ValueError:
        return
    names = [name for point in points or () for name in point.full_name or ()]
    for name in names:
        if not isinstance(name, x509.UniformResourceIdentifier) or not name.value.startswith("http"):
            continue
        url = at_base(base_url, name.value)
        try:
            fetched.crls += read_crls(fetch_file(url, timeout=timeout), name=url, limit=MAX_FILE)
        except Refused as refused:
            fetched.failures.append(refused)


def _answers(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    base_url: str,
    timeout: float,
    at: datetime,
    fetched: Fetched,
) -> None:
    for address in ocsp_urls(certificate):
        url = at_base(base_url, address)
        try:
            response = request_ocsp(url, certificate, issuer, timeout=timeout)
            made = produced_at(response)
            # An answer made after ``at`` counts for it too, as in ``validate_path``.
            verified_status(response, certificate, issuer, at=at if made is None else max(at, made))
            fetched.responses.append(response)
        except Refused as refused:
            fetched.failures.append(refused)


def produced_at(response: ocsp.OCSPResponse) -> datetime | None:
    """When an answer was made; None if it is an error or cannot be read."""
    try:
        return response.produced_at_utc
    except ValueError:
        return None


def _access(certificate: x509.Certificate, method: x509.ObjectIdentifier) -> list[str]:
    try:
        access = extension_of(certificate, x509.AuthorityInformationAccess)
    except ValueError:
        return []
    return [
        str(entry.access_location.value)
        for entry in access or ()
        if entry.access_method == method and isinstance(entry.access_location, x509.UniformResourceIdentifier)
    ]


def _unfetched(url: str, why: str) -> Refused:
    return Refused(
        f"{url} cannot be fetched: {why}.",
        rule="fetch.http",
        advice="Check that 'sotepki serve' runs and the base address is right.",
        subject=url,
    )
