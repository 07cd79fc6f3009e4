"""Who signs certificates, revocation lists and answers: a CA certificate together with its key."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509

from sotepki.x509.extension_lookup import extension_of
from sotepki.x509.keys import PrivateKey


@dataclass(frozen=True, eq=False)
class Issuer:
    """Who signs: a CA certificate with its key; without a certificate the key signs its own root certificate."""

    certificate: x509.Certificate | None
    key: PrivateKey

    @functools.cached_property
    def key_identifier(self) -> bytes:
        """The subject key identifier: that of the certificate, or the SHA-1 of the key (RFC 5280 4.2.1.2)."""
        if self.certificate is not None:
            found = extension_of(self.certificate, x509.SubjectKeyIdentifier)
            if found is not None:
                return found.digest
        return x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()).digest

    @functools.cached_property
    def is_ca(self) -> bool:
        """Whether the certificate may issue others; a root in the making may."""
        if self.certificate is None:
            return True
        found = extension_of(self.certificate, x509.BasicConstraints)
        return found is not None and found.ca

    @functools.cached_property
    def holds_key(self) -> bool:
        """Whether the key is the one in the certificate."""
        return self.certificate is None or self.certificate.public_key() == self.key.public_key()


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ``issuer`` issued a certificate, by name and signature. Any certificate gives an answer."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - pyca raises many kinds for hostile certificates; each means no
        return False
    return True


def bears_issuer_name(candidate: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether the subject of ``candidate`` is the issuer of ``certificate``; not if one of the two cannot be read."""
    try:
        return candidate.subject == certificate.issuer
    except ValueError:  # a T61String, for one, which pyca does not read
        return False


def issuer_among(certificate: x509.Certificate, candidates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """The first of ``candidates`` that issued a certificate."""
    return next((candidate for candidate in candidates if issued_by(certificate, candidate)), None)
