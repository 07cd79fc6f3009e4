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
from sotepki.x509 import der
from sotepki.x509.keys import PublicKey
from sotepki.x509.reading import load_certificate

_ECDSA = frozenset(f"1.2.840.10045.4.3.{number}" for number in (1, 2, 3, 4))


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
            raise Refused(
                "The certificate has explicit NULL parameters in its ECDSA signature algorithm, which this library "
                "does not read.",
                rule="cert.null-parameters",
                advice="Read it with openssl or OpenSC, or use a certificate of the RSA tree.",
            )
        return self.contents


def der_certificate(certificate: bytes | x509.Certificate, *, name: str = "The file") -> DerCertificate:
    """A certificate by its bytes.

    Raises:
        Refused: rule ``cert.not-a-certificate``; ``name`` says in the message what the bytes were.
    """
    if isinstance(certificate, x509.Certificate):
        return DerCertificate(certificate.public_bytes(Encoding.DER), certificate)
    return DerCertificate(certificate, load_certificate(_without_null(certificate), name=name))


def pem(certificate: DerCertificate) -> bytes:
    """The certificate in PEM, by its own bytes (RFC 7468 5.1)."""
    return ssl.DER_cert_to_PEM_cert(certificate.der).encode("ascii")


def _without_null(data: bytes) -> bytes:
    """The certificate with bare ECDSA algorithm identifiers; unchanged if there is nothing to change."""
    try:
        signed, algorithm, signature = der.parse(data).expect(der.Tag.SEQUENCE).children()
        name, *parameters = algorithm.expect(der.Tag.SEQUENCE).children()
        if [one.raw for one in parameters] != [der.NULL] or der.read_oid(name) not in _ECDSA:
            return data
        bare = der.sequence(name.raw)
        parts = [bare if part.raw == algorithm.raw else part.raw for part in signed.children()]
        return der.sequence(der.sequence(*parts), bare, signature.raw)
    except ValueError:  # not in DER, or not of three parts
        return data
