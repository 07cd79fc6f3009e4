"""Who signs certificates, revocation lists and answers: a CA certificate together with its key."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509

from sotepki.x509.keys import PrivateKey

Kind = TypeVar("Kind", bound=x509.ExtensionType)


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


def extension_of(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    """An extension of a certificate by its pyca class, or None if it is not there.

    Raises:
        ValueError: the extensions cannot be read.
    """
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        # pyca has classes of their own for these, which are no ValueError.
        raise ValueError(str(error)) from error
