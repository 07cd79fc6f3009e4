"""Explicit NULL parameters of ECDSA in certificates, for which pyca refuses them; ``lenient`` says whose they are."""

from __future__ import annotations

from sotepki.errors import Refused
from sotepki.x509 import der

_ECDSA = frozenset(f"1.2.840.10045.4.3.{number}" for number in (1, 2, 3, 4))


def without_null(data: bytes) -> bytes:
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


def not_read(name: str) -> Refused:
    """The refusal of such a certificate; ``name`` says whose."""
    return Refused(
        f"{name} has explicit NULL parameters in its ECDSA signature algorithm, which this library does not read.",
        rule="cert.null-parameters",
        advice="Read it with openssl or OpenSC, or use a certificate of the RSA tree.",
    )
