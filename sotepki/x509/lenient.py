"""Certificates by their bytes, also those that pyca refuses for explicit NULL parameters of ECDSA.

The certificates of citizen test cards have that form (docs/field/pki.md 3, row EC NULL quirk: confirmed). OpenSSL,
OpenSC and SoftHSM read them; pyca does not (RFC 5758 3.2 forbids the parameters).
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.errors import Refused
from sotepki.x509.keys import PublicKey
from sotepki.x509.null_parameters import not_read, without_null
from sotepki.x509.reading import load_certificate


@dataclass(frozen=True)
class DerCertificate:
    """A certificate as it stands.

    Attributes:
        der: its bytes; what is stored, sent and compared.
        contents: for reading names, times, key and extensions. If the certificate is not ``strict``, these are its
            contents without the NULL parameters: bytes, digest and signature are not the certificate's.
    """

    der: bytes
    contents: x509.Certificate = field(repr=False, compare=False)

    @property
    def strict(self) -> bool:
        """Whether strict readers take the certificate."""
        return self.contents.public_bytes(Encoding.DER) == self.der

    @property
    def public_key(self) -> PublicKey:
        """Its public key.

        Raises:
            Refused: rule ``cert.not-a-certificate``: neither RSA nor an elliptic curve that can be read.
        """
        try:
            return cast(PublicKey, self.contents.public_key())
        except ValueError:
            raise Refused("The certificate has a key that cannot be read.", rule="cert.not-a-certificate") from None

    def exact(self) -> x509.Certificate:
        """The certificate for programs that use pyca.

        Raises:
            Refused: rule ``cert.null-parameters``.
        """
        if not self.strict:
            raise not_read("The certificate")
        return self.contents


def der_certificate(certificate: bytes | x509.Certificate, *, name: str = "The file") -> DerCertificate:
    """A certificate by its bytes.

    Raises:
        Refused: rule ``cert.not-a-certificate``; ``name`` says in the message what the bytes were.
    """
    if isinstance(certificate, x509.Certificate):
        return DerCertificate(certificate.public_bytes(Encoding.DER), certificate)
    return DerCertificate(certificate, load_certificate(without_null(certificate), name=name))


def pem(certificate: DerCertificate) -> bytes:
    """The certificate in PEM, by its own bytes (RFC 7468 5.1)."""
    return ssl.DER_cert_to_PEM_cert(certificate.der).encode("ascii")
